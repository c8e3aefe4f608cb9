"""Claim: with 200,000 documents in one ledger, an issue, the look at what is not at the authority, and one day of a
unit take at most 1.3 times what they take with 1,000."""

import statistics
import tempfile
from datetime import timedelta
from pathlib import Path

from benchmarks.ledger import Timed, _each, _in_turns
from benchmarks.ledgers import FIRST_DAY, UNIT, costless, fill, ready_ledger
from benchmarks.measuring import Missing, Row, Turns, milliseconds
from khatm.ledger.ledger import Ledger

AIM = 1.3
SMALL, LARGE = 1000, 200_000
PER_DAY = 500
LEFT = 50
"""Documents that are not at the authority, in both ledgers."""


def measure(*, rounds: int, turn: float) -> list[Row | Missing]:
    """Two ledgers on one disk take turns. It needs 2.5 GB of disk; with --quick the large one has 5,000 documents."""
    large = LARGE if turn > 0.01 else 5000
    with (
        tempfile.TemporaryDirectory() as folder,
        ready_ledger(Path(folder) / "small") as few,
        ready_ledger(Path(folder) / "large") as many,
    ):
        for ledger, number in ((few, SMALL), (many, large)):
            fill(ledger, number, per_day=PER_DAY)
            for _ in range(LEFT):
                ledger.issue(UNIT, costless())
        times = max(round(turn * 200), 2)
        names = ("issue", "what is not at the authority", "one unit's day")
        ways: list[Timed] = [
            lambda ledger=ledger, name=name: _task(ledger, name, times)  # type: ignore[misc]
            for name in names
            for ledger in (few, many)
        ]
        taken = _in_turns(ways, max(rounds // 2, 2))
    turns = Turns([[statistics.median(turn) for turn in way] for way in taken])
    return [
        Row(
            f"{name}, {SMALL:,} to {large:,} documents",
            milliseconds(turns.median(2 * index + 1)),
            f"{SMALL:,}: {milliseconds(turns.median(2 * index))}",
            turns.ratio(2 * index + 1, 2 * index),
            AIM,
            at_least=False,
        )
        for index, name in enumerate(names)
    ]


def _task(ledger: Ledger, name: str, times: int) -> list[float]:
    if name == "issue":
        write = costless()
        return _each(lambda: ledger.issue(UNIT, write), times)
    if name == "one unit's day":
        day = (FIRST_DAY + timedelta(days=1)).date()
        return _each(lambda: ledger.documents_of_day(UNIT, day), max(times // 4, 1))

    def status() -> None:
        ledger.unsent_count(UNIT)
        ledger.unsent_documents(UNIT, limit=LEFT)

    return _each(status, max(times // 2, 1))
