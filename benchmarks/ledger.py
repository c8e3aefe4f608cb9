"""Claim: a durable issue costs the ledger at most twice one bare commit of a 10 KB row, and at most half of one when 32
callers share commits. Beside it: what authoring, stamping and the rules add."""

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.invoices import authored
from benchmarks.ledgers import DOCUMENT_BYTES, UNIT, costless, ready_ledger
from benchmarks.measuring import Missing, Row, Turns, milliseconds
from khatm.clock import SystemClock
from khatm.issuing import Issuer
from khatm.ledger.issue import IssueRequest
from khatm.ledger.ledger import Ledger

ALONE_AIM = 2.0
GROUPED_AIM = 0.5
CALLERS = 32

Timed = Callable[[], float]
"""Does a thing some times over and returns the median seconds of one."""


def measure(*, rounds: int, turn: float) -> list[Row | Missing]:
    """Everything takes turns on one disk in one process; what `tempfile` gives should be a real disk."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ready_ledger(Path(folder) / "home") as ledger,
        closing(_bare_database(Path(folder) / "bare.db")) as bare,
        ThreadPoolExecutor(CALLERS) as callers,
    ):
        write = costless()
        repeat = max(round(turn * 400), 2)
        content = _content()
        issuer = Issuer(ledger, SystemClock())
        stamped = _stamping_write(issuer, ledger, content)
        ways: list[Timed] = [
            partial(_each, partial(_bare_commit, bare, b"x" * DOCUMENT_BYTES), repeat),
            partial(_each, lambda: ledger.issue(UNIT, write), repeat),
            partial(_grouped, callers, lambda: ledger.issue(UNIT, write), max(repeat // 6, 1)),
            partial(_together, ledger, write, max(repeat // 12, 1)),
            partial(_each, lambda: ledger.issue(UNIT, stamped()), repeat),
            partial(_each, lambda: issuer.issue(UNIT, content), max(repeat // 2, 1)),
        ]
        turns = _in_turns(ways, max(rounds // 2, 2))
    one, alone, grouped, many, unjudged, judged = (milliseconds(turns.median(way)) for way in range(6))
    beside = f"bare commit {one}"
    return [
        Row("issue, the ledger's own cost", alone, beside, turns.ratio(1, 0), ALONE_AIM, at_least=False),
        Row(f"the same, {CALLERS} callers", grouped, beside, turns.ratio(2, 0), GROUPED_AIM, at_least=False),
        Row("the same, 64 documents of one caller", many, beside, turns.ratio(3, 0)),
        Row("issue with authoring and stamping", unjudged, beside, turns.ratio(4, 0)),
        Row("issue with authoring, stamping and the rules", judged, beside, turns.ratio(5, 0)),
    ]


def _in_turns(ways: list[Timed], rounds: int) -> Turns:
    samples: list[list[float]] = [[] for _ in ways]
    for way in ways:
        way()  # fills caches, compiles statements
    for _ in range(rounds):
        for way, taken in zip(ways, samples, strict=True):
            taken.append(way())
    return Turns(samples)


def _each(call: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def _grouped(callers: ThreadPoolExecutor, call: Callable[[], object], times: int) -> float:
    """Seconds per document when all callers issue at the same time, one document after the other each."""

    def work() -> None:
        for _ in range(times):
            call()

    began = time.perf_counter()
    for each in [callers.submit(work) for _ in range(CALLERS)]:
        each.result()
    return (time.perf_counter() - began) / (CALLERS * times)


def _together(ledger: Ledger, write: Any, times: int) -> float:
    taken = []
    for _ in range(times):
        requests = [IssueRequest(UNIT, write) for _ in range(64)]
        began = time.perf_counter()
        ledger.issue_all(requests)
        taken.append((time.perf_counter() - began) / 64)
    return statistics.median(taken)


def _bare_database(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE row (id INTEGER PRIMARY KEY, content BLOB)")
    return connection


def _bare_commit(connection: sqlite3.Connection, content: bytes) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO row (content) VALUES (?)", (content,))
    connection.execute("COMMIT")


def _content() -> dict[str, Any]:
    left_out = ("uuid", "counter", "previous_hash", "issue_date", "issue_time")
    return {name: value for name, value in authored(5).items() if name not in left_out}


def _stamping_write(issuer: Issuer, ledger: Ledger, content: dict[str, Any]) -> Callable[[], Any]:
    """Authoring and stamping as `Issuer` does them, without the rules."""
    from khatm.document.arithmetic import compute

    def new() -> Any:
        computed = compute(issuer._read(ledger.issuing(UNIT)[0], content))
        return lambda place, generation: issuer._stamped(computed, place, generation)

    return new
