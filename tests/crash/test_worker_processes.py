"""Worker processes that are killed, suspended and asked to end, and several that share the units of one ledger."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from khatm.ledger.documents import DocumentState
from khatm.ledger.events import EventKind
from khatm.ledger.ledger import Ledger
from tests.crash.gateway_stub import GatewayStub, serving
from tests.unit.ledger_stage import add_unit, fresh_ledger, home_at, make_live, ready_ledger, simplified, standard

ROOT = Path(__file__).resolve().parents[2]
LEASE = 2.0
PATIENCE = 40.0

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")


@pytest.fixture(params=["sqlite embedded", "postgresql embedded", "postgresql distributed"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the ledger lies and who shares out the units."""
    store, engine = str(request.param).split()
    if store == "postgresql":
        (tmp_path / "postgresql.url").write_text(request.getfixturevalue("postgresql_url"), encoding="utf-8")
    return engine


@pytest.fixture
def gateway() -> Iterator[GatewayStub]:
    with serving(GatewayStub()) as stub:
        yield stub


class WorkerProcess:
    """A worker in a process of its own, and what it has said."""

    def __init__(self, home: Path, gateway: GatewayStub, engine: str, jobs: int) -> None:
        database = home_at(home).database_url
        settings = {"KHATM_HOME": str(home), "KHATM_GATEWAY_URL": gateway.url}
        if database:
            settings["KHATM_DATABASE_URL"] = database
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.worker_child", engine, str(jobs), str(LEASE)],
            cwd=ROOT,
            env={**os.environ, **settings},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"
        self.lines: list[str] = []
        self._reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout or ()), daemon=True)
        self._reader.start()

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        """Ask it to end, and return its exit code."""
        self.send(signal.SIGTERM)
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code


@contextmanager
def workers(home: Path, gateway: GatewayStub, engine: str, count: int, jobs: int = 2) -> Iterator[list[WorkerProcess]]:
    started: list[WorkerProcess] = []
    try:
        for _ in range(count):
            started.append(WorkerProcess(home, gateway, engine, jobs))
        yield started
    finally:
        for one in started:
            if one.process.poll() is None:
                one.send(signal.SIGCONT)
                one.process.kill()
                one.process.wait(PATIENCE)


def eventually(holds: Callable[[], bool], what: str) -> float:
    """Wait for something to hold, and return how many seconds that took."""
    started = time.monotonic()
    while not holds():
        assert time.monotonic() - started < PATIENCE, what
        time.sleep(0.05)
    return time.monotonic() - started


def all_accepted(ledger: Ledger) -> bool:
    return all(
        document.state is DocumentState.ACCEPTED for unit in ledger.units() for document in ledger.documents(unit)
    )


def test_the_unit_of_a_killed_worker_passes_on_within_seconds(
    tmp_path: Path, gateway: GatewayStub, engine: str
) -> None:
    with ready_ledger(tmp_path) as ledger, workers(tmp_path, gateway, engine, 1) as (first,):
        release = gateway.hold_next()
        issued = [ledger.issue("till-1", writer).document for writer in (standard, simplified)]
        assert gateway.held.wait(PATIENCE)
        with workers(tmp_path, gateway, engine, 1) as (second,):
            first.send(signal.SIGKILL)
            first.process.wait(PATIENCE)
            taken = eventually(lambda: all_accepted(ledger), "nobody took over")
            release()
            assert taken < 15
            assert second.end() == 0
        assert gateway.accepted == Counter({one.invoice_hash: 1 for one in issued})
        for one in issued:
            assert len(set(gateway.bodies[one.uuid])) == 1
            assert ledger.exchanges(one)
        assert len(gateway.bodies[issued[0].uuid]) + len(gateway.bodies[issued[1].uuid]) == 3


def test_a_suspended_worker_does_no_harm_when_it_wakes(tmp_path: Path, gateway: GatewayStub, engine: str) -> None:
    with ready_ledger(tmp_path) as ledger, workers(tmp_path, gateway, engine, 1) as (first,):
        release = gateway.hold_next()
        issued = ledger.issue("till-1", simplified).document
        assert gateway.held.wait(PATIENCE)
        first.send(signal.SIGSTOP)
        with workers(tmp_path, gateway, engine, 1) as (second,):
            eventually(lambda: all_accepted(ledger), "nobody took over from the suspended worker")
            release()
            first.send(signal.SIGCONT)  # its answer is there now, and it stores what it can
            time.sleep(1.0)
            (evidence,) = ledger.exchanges(issued)
            assert evidence.row == "already-reported"
            assert (ledger.document(issued.uuid).state, ledger.document(issued.uuid).attempts) == (
                DocumentState.ACCEPTED,
                1,
            )
            (event,) = ledger.events("till-1", kinds=(EventKind.CLAIM_HANDED_OVER,))
            assert f"/{first.process.pid}/" in str(event.facts["former"])
            # Both go on working.
            for _ in range(3):
                ledger.issue("till-1", simplified)
            eventually(lambda: all_accepted(ledger), "the queue stands still")
            assert second.end() == 0
            ledger.issue("till-1", simplified)
            eventually(lambda: all_accepted(ledger), "the woken worker stands still")
        assert first.end() == 0
        assert not any("trouble" in line for line in (*first.lines, *second.lines))
        assert set(gateway.accepted.values()) == {1}


def test_a_worker_asked_to_end_finishes_the_call_under_way(tmp_path: Path, gateway: GatewayStub, engine: str) -> None:
    with ready_ledger(tmp_path) as ledger, workers(tmp_path, gateway, engine, 1) as (only,):
        release = gateway.hold_next()
        first, second = (ledger.issue("till-1", simplified).document for _ in range(2))
        assert gateway.held.wait(PATIENCE)
        only.send(signal.SIGTERM)
        time.sleep(0.5)
        assert only.process.poll() is None
        release()
        assert only.end() == 0
        assert ledger.document(first.uuid).state is DocumentState.ACCEPTED
        assert ledger.document(second.uuid).state is DocumentState.ISSUED
        assert ledger.claim_unit(ledger.unit("till-1")) is not None, "the unit was not given back"


def test_two_workers_share_the_units(tmp_path: Path, gateway: GatewayStub, engine: str) -> None:
    units, each = 20, 6
    gateway.delay = 0.02
    with ready_ledger(tmp_path) as ledger:
        for number in range(2, units + 1):
            add_unit(ledger, f"till-{number}")
            make_live(ledger, f"till-{number}")
        with workers(tmp_path, gateway, engine, 2) as (first, second):
            for turn in range(each):
                for number in range(1, units + 1):
                    ledger.issue(f"till-{number}", standard if turn % 2 else simplified)
            eventually(lambda: all_accepted(ledger), "the queue does not drain")
            assert (first.end(), second.end()) == (0, 0)
        assert len(gateway.accepted) == units * each
        assert max(len(bodies) for bodies in gateway.bodies.values()) == 1, "a document was sent twice"
        assert len(first.lines) + len(second.lines) == units * each
        assert min(len(first.lines), len(second.lines)) > 0, "one worker did it all"
        assert ledger.events(kinds=(EventKind.CLAIM_HANDED_OVER,)) == []


def test_a_lost_task_only_delays(tmp_path: Path, gateway: GatewayStub, postgresql_url: str) -> None:
    import psycopg

    (tmp_path / "postgresql.url").write_text(postgresql_url, encoding="utf-8")
    with ready_ledger(tmp_path) as ledger, workers(tmp_path, gateway, "distributed", 1) as (only,):
        ledger.issue("till-1", simplified)
        eventually(lambda: all_accepted(ledger), "the first document waits")
        release = gateway.hold_next()
        ledger.issue("till-1", simplified)
        assert gateway.held.wait(PATIENCE)
        ledger.issue("till-1", simplified)
        with psycopg.connect(postgresql_url, autocommit=True) as database:
            schema = database.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE '%khatm_queue%'").fetchone()
            assert schema is not None
            database.execute("SELECT set_config('search_path', %s, false)", schema)
            database.execute("DELETE FROM procrastinate_jobs")
        release()
        eventually(lambda: all_accepted(ledger), "the lost task was needed")
        assert only.end() == 0
        # The queue's tables are no part of the ledger, which opens as before.
        fresh_ledger(tmp_path).close()
