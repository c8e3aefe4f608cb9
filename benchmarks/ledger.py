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
from khatm.ledger.issue import ChainPlace, IssueRequest
from khatm.ledger.ledger import Ledger

ALONE_AIM = 2.0
GROUPED_AIM = 0.5
CALLERS = 32

COMMITS = 400
"""In a turn of single commits, which write so much that it is copied from the log into the database more than once."""
GROUPED = 2400
"""Documents in a turn of those that share commits; they write a third as much each."""

Timed = Callable[[], list[float]]
"""Does a thing some times over and returns the seconds of each; of several at once, of one in the mean."""


def measure(*, rounds: int, turn: float) -> list[Row | Missing]:
    """Everything takes turns on one disk in one process; what `tempfile` gives should be a real disk.

    What counts is the mean of a turn, checkpoints included, less what the writer takes in memory. The median of single
    commits, which leaves checkpoints out on both sides, stands beside it.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        ready_ledger(Path(folder) / "home") as ledger,
        closing(_bare_database(Path(folder) / "bare.db")) as bare,
        ThreadPoolExecutor(CALLERS) as callers,
    ):
        write = costless()
        commits, grouped = (COMMITS, GROUPED) if turn > 0.01 else (8, 64)
        content = _content()
        issuer = Issuer(ledger, SystemClock())
        stamped = _stamping_write(issuer, ledger, content)
        place, generation = ChainPlace("", 1, ""), ledger.issuing(UNIT)[1]
        assert generation is not None
        ways: list[Timed] = [
            partial(_each, partial(_bare_commit, bare, b"x" * DOCUMENT_BYTES), commits),
            partial(_each, partial(write, place, generation), commits),
            partial(_each, lambda: ledger.issue(UNIT, write), commits),
            partial(_grouped, callers, lambda: ledger.issue(UNIT, write), grouped // CALLERS),
            partial(_together, ledger, write, grouped // 64),
            partial(_each, lambda: ledger.issue(UNIT, stamped()), commits // 8),
            partial(_each, lambda: issuer.issue(UNIT, content), commits // 8),
        ]
        taken = _in_turns(ways, max(rounds, 2))
    mean, median = _by(statistics.fmean, taken), _by(statistics.median, taken)
    return [
        _row("issue, the ledger's own cost", mean, 2, ALONE_AIM),
        _row(f"the same, {CALLERS} callers", mean, 3, GROUPED_AIM),
        _row("the same, 64 documents of one caller", mean, 4),
        _row("issue alone, the median of single commits", median, 2),
        _row("issue with authoring and stamping", mean, 5),
        _row("issue with authoring, stamping and the rules", mean, 6),
    ]


def _by(middle: Callable[[list[float]], float], taken: list[list[list[float]]]) -> Turns:
    """Return what one document took in each turn; of the ledger's own ways the writer's time is taken off."""
    turns = [[middle(turn) for turn in way] for way in taken]
    for way in (2, 3, 4):
        turns[way] = [whole - writer for whole, writer in zip(turns[way], turns[1], strict=True)]
    return Turns(turns)


def _row(claim: str, turns: Turns, way: int, aim: float | None = None) -> Row:
    beside = f"bare commit {milliseconds(turns.median(0))}"
    return Row(claim, milliseconds(turns.median(way)), beside, turns.ratio(way, 0), aim, at_least=False)


def _in_turns(ways: list[Timed], rounds: int) -> list[list[list[float]]]:
    """Return what each way took in each round."""
    for way in ways:
        way()  # fills caches, compiles statements
    rows = [[way() for way in ways] for _ in range(rounds)]
    return [list(way) for way in zip(*rows, strict=True)]


def _each(call: Callable[[], object], times: int) -> list[float]:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return taken


def _grouped(callers: ThreadPoolExecutor, call: Callable[[], object], times: int) -> list[float]:
    """Seconds of a document when all callers issue at the same time, one document after the other each."""

    def work() -> None:
        for _ in range(times):
            call()

    began = time.perf_counter()
    for each in [callers.submit(work) for _ in range(CALLERS)]:
        each.result()
    return [(time.perf_counter() - began) / (CALLERS * times)]


def _together(ledger: Ledger, write: Any, times: int) -> list[float]:
    taken = []
    for _ in range(times):
        requests = [IssueRequest(UNIT, write) for _ in range(64)]
        began = time.perf_counter()
        ledger.issue_all(requests)
        taken.append((time.perf_counter() - began) / 64)
    return taken


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
