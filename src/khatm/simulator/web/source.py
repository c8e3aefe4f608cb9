"""A document's source as rows, with the findings at theirs.

Documents in one long line are broken before start tags, so that a finding stands beside the element that it means.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from khatm.simulator.web.places import Place

_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_START_TAG: Final = re.compile(r"<(?![/!?])")
_LONG_LINE: Final = 240
_LONGEST_SHOWN: Final = 600
_MOST_ROWS: Final = 1500
_AROUND: Final = 4


@dataclass(frozen=True, slots=True)
class Row:
    """One line, or a piece of a long one, with the numbers of the findings at it."""

    line: int
    continued: bool
    """Whether it goes on with the line of the row before."""
    text: str
    findings: tuple[int, ...]
    left_out: int
    """How many rows before this one are not shown."""


@dataclass(frozen=True, slots=True)
class _Piece:
    line: int
    begins: int
    text: str


def rows_of(xml: bytes, places: Sequence[Place]) -> list[Row]:
    """Return the rows to show: the whole source, or the surroundings of the findings in a long one."""
    pieces = list(_pieces(xml.decode("utf-8", "replace")))
    by_line: dict[int, list[int]] = {}
    for index, piece in enumerate(pieces):
        by_line.setdefault(piece.line, []).append(index)
    at: dict[int, list[int]] = {}
    for finding, place in enumerate(places):
        candidates = by_line.get(place.line, [0])
        fitting = [each for each in candidates if pieces[each].begins < place.column]
        at.setdefault(fitting[-1] if fitting else candidates[0], []).append(finding)
    rows, before = [], -1
    for index in _shown(len(pieces), at):
        piece = pieces[index]
        rows.append(
            Row(piece.line, piece.begins > 0, _clipped(piece.text), tuple(at.get(index, ())), index - before - 1)
        )
        before = index
    return rows


def _pieces(text: str) -> Iterator[_Piece]:
    for number, line in enumerate(_LINE_END.split(text), 1):
        inner = [match.start() for match in _START_TAG.finditer(line)] if len(line) > _LONG_LINE else []
        for begins, ends in pairwise([0, *(each for each in inner if each > 0), len(line)]):
            yield _Piece(number, begins, line[begins:ends])


def _shown(count: int, at: Mapping[int, object]) -> list[int]:
    if count <= _MOST_ROWS:
        return list(range(count))
    chosen: set[int] = set(range(_AROUND))
    for index in sorted(at):
        if len(chosen) > _MOST_ROWS:
            break
        chosen.update(range(max(0, index - _AROUND), min(count, index + _AROUND + 1)))
    return sorted(chosen)


def _clipped(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
