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
    copying.wrote(10_000, writer)
    copying.close()
    assert (tmp_path / "x").stat().st_size > 50 * PAGE
    assert writer.execute("SELECT count(*) FROM t").fetchone() == (50,)


def test_little_starts_no_thread(writer: sqlite3.Connection) -> None:
    def never() -> sqlite3.Connection:
        pytest.fail("a thread was started")

    copying = LogCopying(never)
    for _ in range(100):
        copying.wrote(3, writer)
    copying.close()


def test_one_thread_at_a_time_and_the_next_after_as_much_again(
    writer: sqlite3.Connection, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_copying, "_EARLIER", 100)
    started, go_on = threading.Semaphore(0), threading.Event()

    def slow() -> sqlite3.Connection:
        started.release()
        go_on.wait()
        return connect()

    copying = LogCopying(slow)
    for _ in range(50):
        copying.wrote(100, writer)
    started.acquire()
    go_on.set()
    copying.close()
    assert not started.acquire(blocking=False)
    copying.wrote(100, writer)  # ends the log that the thread has copied
    copying.wrote(100, writer)
    copying.close()
    assert started.acquire(blocking=False)


def log_of(writer: sqlite3.Connection) -> tuple[int, int]:
    """Pages of the log, and how many of them are copied."""
    _, pages, copied = writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return pages, copied


def test_the_log_begins_anew_after_the_next_commit(
    writer: sqlite3.Connection, connect: Connect, tmp_path: Path
) -> None:
    copying = LogCopying(connect)
    write(writer, 50)
    copying.wrote(10_000, writer)
    copying.close()
    write(writer, 5)  # what came while the thread copied: the log goes on
    size = (tmp_path / "x-wal").stat().st_size
    copying.wrote(5, writer)
    write(writer, 5)
    assert (tmp_path / "x-wal").stat().st_size == size
    assert log_of(writer)[0] < 50
    assert writer.execute("SELECT count(*) FROM t").fetchone() == (60,)


def test_a_reader_keeps_the_log_and_then_it_is_left_alone(
    writer: sqlite3.Connection, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[bool] = []
    all_copied = log_copying._all_copied
    monkeypatch.setattr(
        log_copying, "_all_copied", lambda connection: tried.append(all_copied(connection)) or tried[-1]
    )
    copying = LogCopying(connect)
    write(writer, 50)
    with closing(connect()) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM t").fetchone() == (50,)
        write(writer, 5)
        copying.wrote(10_000, writer)
        copying.close()
        for number in range(30):
            write(writer, 1)
            copying.wrote(1, writer)
            assert reader.execute("SELECT count(*) FROM t").fetchone() == (50,), number
    assert tried == [False] * (log_copying._PASSES + log_copying._TRIES)
    assert writer.execute("SELECT count(*) FROM t").fetchone() == (85,)


def test_a_neighbour_who_copies_just_then_does_no_harm(writer: sqlite3.Connection, connect: Connect) -> None:
    class Busy:
        def execute(self, _statement: str) -> "Busy":
            return self

        def fetchone(self) -> tuple[int, int, int]:
            return 1, -1, -1

    assert not log_copying._all_copied(Busy())  # type: ignore[arg-type]
    assert log_copying._all_copied(writer)


def test_a_database_that_cannot_be_opened_is_left_to_those_who_write(writer: sqlite3.Connection) -> None:
    def refused() -> sqlite3.Connection:
        raise sqlite3.OperationalError("unable to open database file")

    copying = LogCopying(refused)
    copying.wrote(10_000, writer)
    copying.close()
    copying.wrote(1, writer)
    assert writer.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_where_no_thread_can_be_started_writing_goes_on(
    writer: sqlite3.Connection, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    copying = LogCopying(connect)
    copying.wrote(10_000, writer)
    copying.wrote(10_000, writer)
    copying.close()
