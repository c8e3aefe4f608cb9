"""What a run does: its units, its size, and the script of faults that the gateway follows meanwhile."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class TortureUnit:
    """An EGS unit of the run, of a taxpayer of its own."""

    name: str
    vat_number: str


UNITS: Final = tuple(TortureUnit(f"till-{number}", f"39999999{number}100003") for number in range(1, 5))

REJECTED_SUFFIX: Final = "-REJECT"
"""A document whose number (BT-1) ends so breaks the authority's scripted rule."""
REJECTED_RULE: Final = "TORTURE-REJECTED"

# Primes, so that the faults meet in ever other company. A call fails about one time in four.
FAULTS: Final[list[dict[str, object]]] = [
    *(
        {"endpoint": endpoint, "every": every, "then": then}
        for endpoint in ("reporting", "clearance")
        for every, then in (
            (13, {"drop": "close", "when": "before"}),
            (17, {"drop": "reset", "when": "after"}),
            (23, {"status": 500}),
            (29, {"status": 504, "body": "HTML", "when": "after"}),
            (31, {"status": 504, "body": "HTML"}),
            (37, {"status": 429, "retry_after": 1}),
            (41, {"delay": 0.3}),
            (43, {"truncate": "connection", "keep": 20}),
        )
    ),
    {"endpoint": "clearance", "every": 19, "then": {"clearance": "off"}},
    {"endpoint": "clearance", "every": 47, "then": {"change": ["no-cleared-invoice"]}},
]


@dataclass(frozen=True, slots=True)
class Plan:
    """The size of a run."""

    documents: int
    seed: int
    processes: int = 8
    kill_every: float = 1.0
    """Seconds between two kills, on average."""
    drain_within: float = 300.0
    """Seconds in which everything is at the authority once faults and kills have stopped."""
