"""The ledger's log is copied into the database beside those who write, never without end, and nothing depends on it."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from khatm.ledger import log_copying
from khatm.ledger.log_copying import LogCopying

PAGE = 4096
Connect = Callable[[], sqlite3.Connection]


@pytest.fixture
def connect(tmp_path: Path) -> Connect:
    def connected() -> sqlite3.Connection:
        connection = sqlite3.connect(tmp_path / "x", isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA wal_autocheckpoint=0")  # so that what is copied was copied by the thread
        return connection

    return connected


@pytest.fixture
def writer(connect: Connect) -> Iterator[sqlite3.Connection]:
    with closing(connect()) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (v BLOB)")
        yield connection


def write(writer: sqlite3.Connection, pages: int) -> None:
    for _ in range(pages):
        writer.execute("INSERT INTO t VALUES (zeroblob(?))", (PAGE,))


def test_what_was_written_is_in_the_database_once_it_is_closed(
    writer: sqlite3.Connection, connect: Connect, tmp_path: Path
) -> None:
    copying = LogCopying(connect)
    write(writer, 50)
    assert (tmp_path / "x").stat().st_size < 50 * PAGE
    copying.wrote(10_000)
    copying.close()
    assert (tmp_path / "x").stat().st_size > 50 * PAGE
    assert writer.execute("SELECT count(*) FROM t").fetchone() == (50,)


def test_little_starts_no_thread(connect: Connect) -> None:
    def never() -> sqlite3.Connection:
        pytest.fail("a thread was started")

    copying = LogCopying(never)
    for _ in range(100):
        copying.wrote(3)
    copying.close()


def test_one_thread_at_a_time_and_the_next_after_as_much_again(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_copying, "_EARLIER", 100)
    started, go_on = threading.Semaphore(0), threading.Event()

    def slow() -> sqlite3.Connection:
        started.release()
        go_on.wait()
        return connect()

    copying = LogCopying(slow)
    for _ in range(50):
        copying.wrote(100)
    started.acquire()
    go_on.set()
    copying.close()
    assert not started.acquire(blocking=False)
    copying.wrote(100)
    copying.close()
    assert started.acquire(blocking=False)


def test_a_database_that_cannot_be_opened_is_left_to_those_who_write() -> None:
    def refused() -> sqlite3.Connection:
        raise sqlite3.OperationalError("unable to open database file")

    copying = LogCopying(refused)
    copying.wrote(10_000)
    copying.close()
