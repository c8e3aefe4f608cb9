"""Bar charts as numbers: where each bar stands and how high it is, so that a template only writes them down.

Lengths are the units of an SVG's viewBox. In Arabic the first column stands at the right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

OUTCOMES: Final = ("accepted", "accepted_with_warnings", "rejected", "duplicate")
WIDTH: Final = 760
HEIGHT: Final = 220
_TOP: Final = 12
_BASE: Final = HEIGHT - 26
_MARGIN: Final = 46
_STEPS: Final = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """One outcome's part of a column."""

    outcome: str
    count: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """All of one day or month."""

    label: str
    shown: str
    """What stands below the column; empty for most days, which would not have room for it."""
    x: float
    width: float
    bars: tuple[Bar, ...]
    link: str
    current: bool


@dataclass(frozen=True, slots=True)
class GridLine:
    """A line across the chart at a round number."""

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with stacked columns."""

    columns: tuple[Column, ...]
    grid: tuple[GridLine, ...]
    start: float
    end: float
    gap: float
    scale_x: float
    scale_anchor: str
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True, slots=True)
class Group:
    """The documents of one day or month, before they have a place."""

    label: str
    shown: str
    counts: Mapping[str, int]
    link: str = ""
    current: bool = False


def stack(groups: Sequence[Group], *, mirrored: bool) -> Chart:
    """Return the chart of the groups in their order; `mirrored` begins at the right."""
    start, end = (8.0, float(WIDTH - _MARGIN)) if mirrored else (float(_MARGIN), WIDTH - 8.0)
    top = round_top(max((sum(each.counts.values()) for each in groups), default=0))
    slot = (end - start) / max(1, len(groups))
    width = round(min(44.0, slot * 0.68), 2)
    columns = []
    for number, group in enumerate(groups):
        place = len(groups) - 1 - number if mirrored else number
        x = round(start + slot * place + (slot - width) / 2, 2)
        columns.append(Column(group.label, group.shown, x, width, _bars(group, top), group.link, group.current))
    lines = tuple(
        GridLine(round(_BASE - (_BASE - _TOP) * step / _STEPS, 2), str(top * step // _STEPS))
        for step in range(_STEPS + 1)
    )
    scale_x, anchor = (WIDTH - _MARGIN + 8, "start") if mirrored else (_MARGIN - 8, "end")
    return Chart(tuple(columns), lines, start, end, round((slot - width) / 2, 2), scale_x, anchor)


def round_top(most: int) -> int:
    """Return a round number of at least `most` that four grid lines divide: 4, 8, 20, 40, 80, 200, …"""
    scale = 4
    while True:
        for factor in (1, 2, 5):
            if scale * factor >= most:
                return scale * factor
        scale *= 10


def _bars(group: Group, top: int) -> tuple[Bar, ...]:
    bars, y = [], float(_BASE)
    for outcome in OUTCOMES:
        count = group.counts.get(outcome, 0)
        if count:
            height = (_BASE - _TOP) * count / top
            y -= height
            bars.append(Bar(outcome, count, round(y, 2), round(height, 2)))
    return tuple(bars)
