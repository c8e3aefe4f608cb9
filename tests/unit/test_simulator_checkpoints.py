"""The log of a database in a file: brought over while nobody waits, and never without end."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from khatm.simulator import checkpoints
from khatm.simulator.checkpoints import Checkpoints

PAGE = 4096
FRAME = PAGE + 24
"""SQLite's file format, section 4.1: a frame of the log is a header of 24 octets and a page."""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "x", isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size={PAGE}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (v BLOB)")
        yield connection


def write(writer: sqlite3.Connection, pages: int) -> None:
    for _ in range(pages):
        writer.execute("INSERT INTO t VALUES (zeroblob(?))", (PAGE,))


def test_what_was_written_comes_into_the_file_while_the_writer_stays_open(
    writer: sqlite3.Connection, tmp_path: Path
) -> None:
    opened = Checkpoints(str(tmp_path / "x"), writer)
    write(writer, 20)
    while (tmp_path / "x").stat().st_size < 20 * PAGE:  # for as long as it takes
        pass
    opened.close()
    assert writer.execute("SELECT count(*) FROM t").fetchone() == (20,)


def test_the_log_begins_anew_also_where_nobody_comes_to_bring_it_over(
    writer: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "_SECONDS", 10_000.0)
    monkeypatch.setattr(checkpoints, "_MOST_PAGES", 50)
    opened = Checkpoints(str(tmp_path / "x"), writer)
    write(writer, 500)
    assert (tmp_path / "x-wal").stat().st_size < 70 * FRAME
    opened.close()


def test_the_last_to_close_leaves_no_log(writer: sqlite3.Connection, tmp_path: Path) -> None:
    opened = Checkpoints(str(tmp_path / "x"), writer)
    write(writer, 20)
    opened.close()
    writer.close()
    assert not (tmp_path / "x-wal").exists()
