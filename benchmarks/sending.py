"""Claim: on PostgreSQL two worker processes send at least 1.6 times as many documents a second as one, for 20 units and
a gateway that takes 20 ms. The gateway sleeps inside the worker's process, so that it costs the machine nothing.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from benchmarks.filled_ledger import add_unit
from benchmarks.invoices import SIGNING_TIME, authored
from benchmarks.ledgers import UNIT, ready_ledger
from benchmarks.measuring import Missing, Row
from khatm.document.arithmetic import compute
from khatm.document.model import read_document
from khatm.document.writer import write
from khatm.ledger import schema
from khatm.ledger.documents import IssuedDocument
from khatm.ledger.generations import Generation
from khatm.ledger.issue import ChainPlace, IssueRequest
from khatm.ledger.ledger import Ledger
from khatm.stamp.certificate import read_certificate
from khatm.stamp.keys import load_key
from khatm.stamp.signers import FileSigner
from khatm.stamp.xades import StampedInvoice, stamp

AIM = 1.6
UNITS = 20
DELAY = 0.020
JOBS = 5
"""Units that a worker sends for at a time, `khatm worker --jobs 5`.

All units are equally long, and one worker takes the 20 in four rounds, two in two: no place stays empty at the end.
With four at a time, the default, it would be five rounds against three, which says how many units there are.
"""


@dataclass(frozen=True, slots=True)
class Speed:
    """Documents per second."""

    whole: float
    most: float
    """Until three quarters are sent: after that the last units may leave some places empty."""


_CLAIM = f"two workers beside one, {UNITS} units, {DELAY * 1000:.0f} ms a call, {JOBS} at a time"


def measure(*, rounds: int, turn: float) -> list[Row | Missing]:
    """One worker and two take turns on one database, for each engine; a speed is the median of the rounds."""
    del turn
    try:
        from tests import postgresql
    except ImportError as error:
        return [Missing(_CLAIM, str(error))]
    each, times = (6, 1) if rounds < 10 else (40, 5)
    with ExitStack() as open_things:
        folder = Path(open_things.enter_context(tempfile.TemporaryDirectory()))
        server = open_things.enter_context(postgresql.server(os.environ.get(postgresql.VARIABLE)))
        url = open_things.enter_context(server.database())
        ledger = open_things.enter_context(_ledger(folder, url))
        rows: list[Row | Missing] = []
        for engine in ("distributed", "embedded"):
            speeds: dict[int, list[Speed]] = {1: [], 2: []}
            for _ in range(times):
                for workers, found in speeds.items():
                    _issue(ledger, each)
                    found.append(_speed(ledger, folder, url, engine, workers))
            aim = AIM if engine == "distributed" else None
            rows.append(_row(f"{_CLAIM}, {engine}", speeds, "whole", aim))
            rows.append(_row(f"  the same until three quarters are sent, {engine}", speeds, "most"))
    return rows


def _row(claim: str, speeds: dict[int, list[Speed]], part: str, aim: float | None = None) -> Row:
    ones, twos = ([getattr(speed, part) for speed in speeds[workers]] for workers in (1, 2))
    one, two = statistics.median(ones), statistics.median(twos)
    ratio = statistics.median(b / a for a, b in zip(ones, twos, strict=True))
    return Row(claim, f"{two:.0f} documents/s", f"{one:.0f} documents/s", ratio, aim)


def _ledger(folder: Path, url: str) -> Ledger:
    ledger = ready_ledger(folder, KHATM_DATABASE_URL=url)
    for number in range(2, UNITS + 1):
        add_unit(ledger, f"{UNIT}-{number}")
    return ledger


def _issue(ledger: Ledger, each: int) -> None:
    """Put so many stamped documents into each unit's chain; the rules have nothing to do with sending them."""
    computed = compute(read_document({**authored(5), "uuid": None, "counter": None}))
    for unit in ledger.units():
        live = ledger.live_generation(unit)
        assert live is not None and live.pcsid_token is not None
        signer = FileSigner(load_key(ledger.key_of(live)), read_certificate(live.pcsid_token))

        def stamped(place: ChainPlace, _generation: Generation, signer: FileSigner = signer) -> StampedInvoice:
            return stamp(write(computed, place), signer, SIGNING_TIME)

        answers = ledger.issue_all([IssueRequest(unit.name, stamped) for _ in range(each)])
        assert all(isinstance(answer, IssuedDocument) for answer in answers), answers[0]


def _speed(ledger: Ledger, folder: Path, url: str, engine: str, workers: int) -> Speed:
    """Let so many workers send what waits; counted from the first call to the last answer."""
    waiting = sum(ledger.waiting_counts().values())
    before = _exchanges(ledger)
    command = [sys.executable, "-m", "benchmarks.sending_worker", engine, str(JOBS), str(DELAY), str(folder), url]
    with ExitStack() as open_things:
        processes = [
            open_things.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(workers)
        ]
        for process in processes:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        assert [process.wait() for process in processes] == [0] * workers
    calls = _exchanges(ledger)[len(before) :]
    assert len(calls) == waiting, "a document was sent twice, or not at all"
    ends = sorted(end for _, end in calls)
    began, most = min(start for start, _ in calls), waiting * 3 // 4
    return Speed(
        whole=waiting / (ends[-1] - began).total_seconds(),
        most=most / (ends[most - 1] - began).total_seconds(),
    )


def _exchanges(ledger: Ledger) -> list[tuple[datetime, datetime]]:
    exchange = schema.exchange
    with ledger._store.read() as connection:
        rows = connection.execute(exchange.select().order_by(exchange.c.id))
        return [(row.started_at, row.ended_at) for row in rows]
