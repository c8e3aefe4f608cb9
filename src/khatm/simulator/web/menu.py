"""What the menu of every page offers, in groups."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Entry:
    """One page: its address, and the key of its name."""

    path: str
    key: str
    grading: bool = False
    """Whether it is offered only where clients are graded."""


@dataclass(frozen=True, slots=True)
class Group:
    """Pages that belong together."""

    key: str
    entries: tuple[Entry, ...]


MENU: Final = (
    Group(
        "menu.taxpayer",
        (
            Entry("/portal", "menu.home"),
            Entry("/portal/onboard", "menu.onboard"),
            Entry("/portal/renew", "menu.renew"),
            Entry("/portal/devices", "menu.devices"),
            Entry("/portal/statistics", "menu.statistics"),
            Entry("/portal/taxpayer", "menu.registration"),
        ),
    ),
    Group("menu.developer", (Entry("/portal/reference", "menu.reference"), Entry("/validator", "menu.validator"))),
    Group(
        "menu.bench",
        (
            Entry("/portal/exchanges", "menu.exchanges"),
            Entry("/portal/faults", "menu.faults"),
            Entry("/portal/time", "menu.time"),
            Entry("/portal/grade", "menu.grade", grading=True),
        ),
    ),
)
