"""Claim: an archive verifies at 2,000 documents a second and core at least, signatures included.

    python -m benchmarks.verifying --documents 100000

fills a ledger with really stamped documents of several units (see `filled_ledger`), verifies it in one process and in
one per core, and measures the statement and the pack of one unit's day beside those in a ledger of 1,000 documents.
"""

import argparse
import io
import os
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks.filled_ledger import FIRST_DAY, Filled, fill
from benchmarks.measuring import Missing, Row, in_turns, milliseconds
from khatm.clock import SystemClock
from khatm.ledger.audit.verification import verify_ledger
from khatm.ledger.ledger import Ledger, address_of, open_ledger
from khatm.stamp.verify import verify

RATE_AIM = 2000.0
DAY_AIM = 1.3
SMALL = 1000
UNITS = 4
PER_DAY = 50
"""Documents of a unit's day, the same in both ledgers."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast documents went: by the clock, and by the processor time that the work took on all its cores."""

    documents: int
    seconds: float
    processor_seconds: float

    @property
    def per_second(self) -> float:
        """Documents a second by the clock."""
        return self.documents / self.seconds

    @property
    def per_core(self) -> float:
        """Documents a second of processor time: what one core does that has nothing else to do."""
        return self.documents / self.processor_seconds


def measure(*, rounds: int, turn: float) -> list[Row | Missing]:
    """A small archive, for the table of all claims; `python -m benchmarks.verifying` takes the size."""
    with tempfile.TemporaryDirectory() as folder:
        documents = 4000 if rounds > 3 else 600
        return measured(fill(Path(folder) / "large", documents, units=UNITS, per_day=PER_DAY), rounds, turn)


def measured(large: Filled, rounds: int, turn: float, jobs: int | None = None) -> list[Row | Missing]:
    """Verify a filled ledger and measure one unit's day in it."""
    cores = jobs or len(os.sched_getaffinity(0))
    one, many = rate(large, 1), rate(large, cores)
    with tempfile.TemporaryDirectory() as folder, open_ledger(large.home, SystemClock()) as ledger:
        parsed = _parser_rate(ledger, min(300, large.documents_per_unit))
        small = fill(Path(folder) / "small", SMALL, units=UNITS, per_day=PER_DAY)
        rows: list[Row | Missing] = [
            Row(
                f"verify {one.documents:,} documents, documents/s per core",
                f"{one.per_core:,.0f}/s, by the clock {one.per_second:,.0f}/s",
                f"parser alone {parsed:,.0f}/s",
                one.per_core,
                RATE_AIM,
            ),
            Row(
                f"verify {many.documents:,} documents, {cores} processes, times one process",
                f"{many.per_second:,.0f}/s",
                f"one {one.per_second:,.0f}/s",
                many.per_second / one.per_second,
            ),
        ]
        with open_ledger(small.home, SystemClock()) as beside:
            rows += _days(beside, ledger, large, rounds, turn)
    return rows


def rate(filled: Filled, jobs: int) -> Rate:
    """Verify a whole ledger with so many processes; every chain must hold."""
    began, before = time.perf_counter(), _processor_seconds()
    reports = verify_ledger(address_of(filled.home), jobs=jobs)
    seconds, spent = time.perf_counter() - began, _processor_seconds() - before
    assert all(report.intact for report in reports), [report.first_break for report in reports]
    return Rate(sum(report.examined for report in reports), seconds, spent)


def _days(small: Ledger, large: Ledger, filled: Filled, rounds: int, turn: float) -> list[Row | Missing]:
    """One day of one unit in both ledgers: the statement, and the auditor's pack."""
    unit, day = filled.units[-1], FIRST_DAY.date()
    named = {"statement": _statement, "auditor's pack": _pack}
    rows: list[Row | Missing] = []
    total = filled.documents_per_unit * len(filled.units)
    for name, run in named.items():
        turns = in_turns(
            lambda run=run: run(small, unit, day),  # type: ignore[misc]
            lambda run=run: run(large, unit, day),  # type: ignore[misc]
            rounds=max(3, rounds // 6),
            turn=turn,
        )
        rows.append(
            Row(
                f"{name} of a unit's day, {total:,} documents over {SMALL:,}",
                milliseconds(turns.median(1)),
                milliseconds(turns.median(0)),
                turns.ratio(1, to=0),
                DAY_AIM,
                at_least=False,
            )
        )
    return rows


def _statement(ledger: Ledger, unit: str, day: date) -> None:
    (found,) = ledger.statement(unit, day, day)
    assert found.counts.issued == PER_DAY


def _pack(ledger: Ledger, unit: str, day: date) -> None:
    assert ledger.export(unit, day, day, io.BytesIO()).documents == PER_DAY


def _parser_rate(ledger: Ledger, documents: int) -> float:
    """Documents a second that the parser's way alone verifies, one process, stamps only."""
    stored = [ledger.document_xml(each) for each in ledger.documents("till-1", limit=documents)]
    before = _processor_seconds()
    for xml in stored:
        assert verify(xml).passed
    return documents / (_processor_seconds() - before)


def _processor_seconds() -> float:
    """User and system time of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def main() -> int:
    """Measure a ledger of the size asked for; 1 if an aim is missed."""
    from benchmarks.__main__ import line

    parser = argparse.ArgumentParser(prog="python -m benchmarks.verifying", description=__doc__)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--units", type=int, default=UNITS)
    parser.add_argument("--jobs", type=int, help="processes of the parallel run; one per core when not given")
    parser.add_argument("--folder", type=Path, help="where the ledger is made and kept")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary) / "ledger"
        began = time.perf_counter()
        filled = fill(folder, options.documents, units=options.units, per_day=PER_DAY, seed=options.seed)
        print(f"filled with {options.documents:,} documents in {time.perf_counter() - began:.0f} s", flush=True)
        rows = measured(filled, 61, 0.06, options.jobs)
    for row in rows:
        print(line(row))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"peak memory of a verifying process: {peak:.0f} MiB")
    return 1 if any(isinstance(row, Row) and row.held is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
