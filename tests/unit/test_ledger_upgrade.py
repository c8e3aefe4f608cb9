"""An older schema: a copy first, then all of the migration or nothing; a server's database waits for its operator."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from khatm.ledger import migrations
from khatm.ledger.migrations import MIGRATIONS, newest_version
from khatm.ledger.store_errors import LedgerDamaged, LedgerNeedsUpgrade, LedgerUnwritable
from tests import postgresql
from tests.unit.ledger_stage import fresh_ledger, ready_ledger, simplified
from tests.wire.cli_stage import Desk

GONE = ("claimed_by", "claim_expires_at")
"""Columns, beside `claim_number`, that the first schema has and the present one has not."""
COPY = f"ledger.db.before-{newest_version()}"


@contextmanager
def older_program() -> Iterator[None]:
    """The program as it was with the first schema, as far as migrations go."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", MIGRATIONS[:1])
        yield


def filled(path: Path) -> list[tuple[object, ...]]:
    """Make a ledger of the first schema with three documents in it; return their rows."""
    with ready_ledger(path) as ledger:
        for number in range(3):
            ledger.issue("till-1", simplified, reference=f"order {number}", content_digest="d")
        issued = [ledger.document_xml(each) for each in ledger.documents("till-1")]
    # The first schema is what the migrations say; the rows are carried over from the present one.
    present = path / "ledger.db"
    present.rename(path / "present.db")
    with older_program():
        fresh_ledger(path).close()
    with closing(sqlite3.connect(present)) as raw, raw:
        raw.execute("ATTACH ? AS present", (str(path / "present.db"),))
        for (table,) in raw.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
            if table != "schema_version":
                columns = [row[1] for row in raw.execute(f"PRAGMA main.table_info({table})")]
                values = ["0" if name == "claim_number" else "NULL" if name in GONE else name for name in columns]
                source = f"SELECT {', '.join(values)} FROM present.{table}"
                raw.execute(f"INSERT INTO main.{table} ({', '.join(columns)}) {source}")
    for leftover in path.glob("present.db*"):
        leftover.unlink()
    (path / "ledger.db.head").unlink()
    assert len(issued) == 3
    return rows(present)


def rows(database: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as raw:
        return raw.execute(
            "SELECT d.icv, d.uuid, d.invoice_hash, d.reference, x.content FROM document AS d "
            "JOIN stamped_xml AS x ON x.document_id = d.id ORDER BY d.icv"
        ).fetchall()


def schema_of(database: Path) -> tuple[int, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(database)) as raw:
        number = raw.execute("SELECT max(number) FROM schema_version").fetchone()[0]
        return number, raw.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()


def test_an_older_ledger_is_copied_and_then_migrated(tmp_path: Path) -> None:
    before = filled(tmp_path)
    old = schema_of(tmp_path / "ledger.db")
    assert old[0] == 1
    with fresh_ledger(tmp_path) as ledger:
        assert ledger.verify_chain("till-1").documents == 3
        assert ledger.verify_chain("till-1").intact
        again = ledger.issue("till-1", simplified, reference="order 1", content_digest="d")
        assert (again.document.icv, again.repeated) == (2, True)
        assert ledger.issue("till-1", simplified).document.icv == 4
    assert rows(tmp_path / COPY) == before
    assert schema_of(tmp_path / COPY) == old
    assert (tmp_path / COPY).stat().st_mode & 0o777 == 0o600
    assert rows(tmp_path / "ledger.db")[:3] == before
    fresh_ledger(tmp_path).close()
    assert [each.name for each in sorted(tmp_path.glob("*before*"))] == [COPY]
    # The copy is a whole ledger: put back, it opens with the older program.
    shutil.copy(tmp_path / COPY, tmp_path / "ledger.db")
    with older_program(), closing(sqlite3.connect(tmp_path / "ledger.db")) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_migrated_ledger_is_what_a_new_one_is(tmp_path: Path) -> None:
    filled(tmp_path / "old")
    fresh_ledger(tmp_path / "old").close()
    fresh_ledger(tmp_path / "new").close()
    tables = [
        {
            (kind, name, sql if kind == "index" else "")
            for kind, name, sql in schema_of(tmp_path / each / "ledger.db")[1]
        }
        for each in ("old", "new")
    ]
    assert tables[0] == tables[1]
    assert {"document_unsent", "document_day"} < {name for _, name, _ in tables[0]}


def test_a_copy_that_is_there_already_is_kept(tmp_path: Path) -> None:
    before = filled(tmp_path)
    (tmp_path / COPY).write_bytes(b"somebody's only copy")
    fresh_ledger(tmp_path).close()
    assert (tmp_path / COPY).read_bytes() == b"somebody's only copy"
    assert rows(tmp_path / f"{COPY}-2") == before


def test_without_room_for_the_copy_nothing_is_migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = filled(tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(LedgerUnwritable, match="No space left"):
        patch.setattr("khatm.ledger.safe_files.os.fsync", full)
        fresh_ledger(tmp_path)
    assert schema_of(tmp_path / "ledger.db")[0] == 1
    assert rows(tmp_path / "ledger.db") == before
    assert list(tmp_path.glob("*before*")) == []
    fresh_ledger(tmp_path).close()
    assert schema_of(tmp_path / "ledger.db")[0] == newest_version()


def test_a_ledger_with_loose_ends_is_not_migrated(tmp_path: Path) -> None:
    filled(tmp_path)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as raw, raw:
        raw.execute("UPDATE stamped_xml SET document_id = 99 WHERE document_id = 1")
    with pytest.raises(LedgerDamaged):
        fresh_ledger(tmp_path)
    assert schema_of(tmp_path / "ledger.db")[0] == 1


def test_a_database_on_a_server_waits_for_its_operator(tmp_path: Path, postgresql_url: str) -> None:
    desk = Desk(tmp_path, {"KHATM_DATABASE_URL": postgresql_url})
    with older_program():
        fresh_ledger(desk.home, KHATM_DATABASE_URL=postgresql_url).close()
    with pytest.raises(LedgerNeedsUpgrade) as refusal:
        fresh_ledger(desk.home, KHATM_DATABASE_URL=postgresql_url)
    assert (refusal.value.found, refusal.value.known) == (1, newest_version())
    for language in ("en", "ar"):
        told = refusal.value.sentence(language)  # type: ignore[arg-type]
        assert "pg_dump" in told
        assert "khatm ledger upgrade" in told
    refused = desk.khatm("unit", "list")
    assert (refused.code, "khatm ledger upgrade" in refused.err) == (2, True)
    assert number_on(postgresql_url) == 1
    upgraded = desk.khatm("ledger", "upgrade", "--format", "json")
    assert (upgraded.code, upgraded.records[0]["schema"]) == (0, newest_version())
    assert number_on(postgresql_url) == newest_version()
    assert desk.khatm("ledger", "upgrade").code == 0
    with ready_ledger(desk.home, KHATM_DATABASE_URL=postgresql_url) as ledger:
        assert ledger.issue("till-1", simplified).document.icv == 1


def number_on(url: str) -> int:
    with postgresql.connect(url) as driver:
        row = driver.execute("SELECT max(number) FROM schema_version").fetchone()
    assert row is not None
    return int(row[0])


def test_a_new_database_on_a_server_needs_no_operator(tmp_path: Path, postgresql_url: str) -> None:
    fresh_ledger(tmp_path, KHATM_DATABASE_URL=postgresql_url).close()
    assert number_on(postgresql_url) == newest_version()
