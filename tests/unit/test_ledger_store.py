"""The store: who may read its files, how processes take turns, and what it says when it cannot be written."""

import os
import resource
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from khatm.clock import SystemClock
from khatm.ledger import schema
from khatm.ledger.errors import PassphraseNotText
from khatm.ledger.home import Home
from khatm.ledger.migrations import newest_version
from khatm.ledger.sqlite_store import SqliteStore
from khatm.ledger.store import open_store
from khatm.ledger.store_errors import (
    LedgerBusy,
    LedgerDamaged,
    LedgerDiskFull,
    LedgerNoAccess,
    LedgerReadOnly,
    LedgerTooNew,
    LedgerUnwritable,
    UnknownDatabaseUrl,
)
from tests.unit.ledger_stage import add_unit, fresh_ledger, home_at, make_live, plain_document, ready_ledger, simplified

ROOT = Path(__file__).resolve().parents[2]


def url_of(path: Path, query: str = "") -> str:
    return f"sqlite:///{path}{query}"


def test_files_are_private(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        ledger = fresh_ledger(tmp_path / "home")
        add_unit(ledger)
        modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "home").iterdir()}
        ledger.close()
    finally:
        os.umask(previous)
    assert modes == {"ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600}
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700


def test_every_connection_is_durable_and_checks_references(tmp_path: Path) -> None:
    store = open_store(url_of(tmp_path / "a.db"), SystemClock())
    with store.read() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    store.close()
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_migrations_make_the_schema_that_the_queries_see(tmp_path: Path) -> None:
    open_store(url_of(tmp_path / "migrated.db"), SystemClock()).close()
    migrated = create_engine(url_of(tmp_path / "migrated.db"))
    expected = create_engine(url_of(tmp_path / "expected.db"))
    schema.metadata.create_all(expected)
    found, wanted = inspect(migrated), inspect(expected)
    assert sorted(found.get_table_names()) == sorted(wanted.get_table_names())
    for table in wanted.get_table_names():

        def shape(inspector: object, table: str = table) -> list[tuple[str, str, bool]]:
            return [
                (column["name"], str(column["type"]), column["nullable"])
                for column in inspector.get_columns(table)  # type: ignore[attr-defined]
            ]

        assert shape(found) == shape(wanted), table
        assert (
            found.get_pk_constraint(table)["constrained_columns"]
            == (wanted.get_pk_constraint(table)["constrained_columns"])
        )
        assert sorted(key["constrained_columns"] for key in found.get_foreign_keys(table)) == sorted(
            key["constrained_columns"] for key in wanted.get_foreign_keys(table)
        )
    migrated.dispose()
    expected.dispose()


def test_a_newer_schema_is_refused_untouched(tmp_path: Path) -> None:
    place = tmp_path / "a.db"
    open_store(url_of(place), SystemClock()).close()
    raw = sqlite3.connect(place)
    raw.execute("INSERT INTO schema_version VALUES (99, 'from the future', '2030-01-01T00:00:00.000000Z')")
    raw.commit()
    raw.close()
    before = place.read_bytes()
    for query in ("", "?mode=ro"):
        with pytest.raises(LedgerTooNew) as refusal:
            open_store(url_of(place, query), SystemClock())
        assert (refusal.value.found, refusal.value.known) == (99, newest_version())
    assert place.read_bytes() == before


def test_waiting_for_a_turn_is_bounded_and_changes_nothing(tmp_path: Path) -> None:
    with fresh_ledger(tmp_path, wait=0.2) as ledger:
        add_unit(ledger)
        other = sqlite3.connect(ledger.place, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerBusy) as refusal:
            add_unit(ledger, "till-2")
        # Readers do not wait for a writer.
        assert [unit.name for unit in ledger.units()] == ["till-1"]
        other.execute("ROLLBACK")
        other.close()
        assert refusal.value.exit_code == 3
        assert 0.2 <= refusal.value.waited < 5
        assert add_unit(ledger, "till-2").name == "till-2"


def test_a_turn_that_comes_in_time_is_taken(tmp_path: Path) -> None:
    with fresh_ledger(tmp_path) as ledger:
        other = sqlite3.connect(ledger.place, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.1, lambda: other.execute("COMMIT"))
        release.start()
        assert add_unit(ledger).name == "till-1"
        release.join()
        other.close()


def test_threads_of_one_process_take_turns(tmp_path: Path) -> None:
    with ready_ledger(tmp_path) as ledger:
        workers = [
            threading.Thread(target=lambda: [ledger.issue("till-1", simplified) for _ in range(10)]) for _ in range(4)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert ledger.verify_chain("till-1").documents == 40
        assert ledger.verify_chain("till-1").intact


def test_a_read_only_address_reads_and_refuses_to_write(tmp_path: Path) -> None:
    with ready_ledger(tmp_path) as ledger:
        issued = ledger.issue("till-1", simplified)
    for address in (
        url_of(tmp_path / "ledger.db", "?mode=ro"),
        url_of(tmp_path / "ledger.db", "?immutable=1"),
        f"sqlite:///file:{tmp_path}/ledger.db?mode=ro&uri=true",
    ):
        with fresh_ledger(tmp_path, KHATM_DATABASE_URL=address) as ledger:
            assert ledger.document_xml(issued.document) == issued.xml
            assert ledger.verify_chain("till-1").intact
            for attempt in (
                lambda ledger=ledger: ledger.issue("till-1", simplified),
                lambda ledger=ledger: add_unit(ledger, "till-2"),
            ):
                with pytest.raises(LedgerReadOnly) as refusal:
                    attempt()
                assert refusal.value.exit_code == 3
                assert "mode=ro" in refusal.value.sentence()
    with fresh_ledger(tmp_path) as ledger:
        assert ledger.unit("till-1").next_icv == 2


def test_a_read_only_address_of_no_ledger_says_so(tmp_path: Path) -> None:
    with pytest.raises(LedgerNoAccess) as refusal:
        open_store(url_of(tmp_path / "none.db", "?mode=ro"), SystemClock())
    assert str(tmp_path / "none.db") in refusal.value.sentence()
    sqlite3.connect(tmp_path / "empty.db").execute("PRAGMA user_version = 1").connection.close()
    with pytest.raises(LedgerReadOnly):
        open_store(url_of(tmp_path / "empty.db", "?mode=ro"), SystemClock())


def test_a_home_that_is_a_file_is_a_clear_refusal(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("not a folder", encoding="utf-8")
    with pytest.raises(LedgerNoAccess) as refusal:
        fresh_ledger(tmp_path / "home")
    assert "KHATM_HOME" in refusal.value.sentence()


def test_a_file_that_is_no_database_is_a_clear_refusal(tmp_path: Path) -> None:
    place = tmp_path / "a.db"
    place.write_bytes(b"no database at all, but long enough to be read as one" * 200)
    with pytest.raises(LedgerDamaged) as refusal:
        open_store(url_of(place), SystemClock())
    assert refusal.value.exit_code == 2


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "other.db"
    with sqlite3.connect(place) as other:
        other.execute("CREATE TABLE unit (id INTEGER)")
    other.close()
    with pytest.raises(LedgerDamaged, match="another program"):
        open_store(url_of(place), SystemClock())
    with sqlite3.connect(place) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("unit",)]
    other.close()


@pytest.mark.parametrize("url", ["mysql://user:hunter2@host/db", "not a url", "sqlite://"])
def test_other_databases_are_named_without_their_passwords(url: str) -> None:
    with pytest.raises(UnknownDatabaseUrl) as refusal:
        open_store(url, SystemClock())
    assert "hunter2" not in str(refusal.value)


def test_a_full_database_refuses_the_issue_and_keeps_the_chain(tmp_path: Path) -> None:
    """SQLite's own page limit answers as a full disk does (SQLITE_FULL)."""
    with ready_ledger(tmp_path) as ledger:
        ledger.issue("till-1", simplified)
        store = ledger._store
        assert isinstance(store, SqliteStore)
        with store.read() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        with pytest.raises(LedgerDiskFull) as refusal:
            ledger.issue("till-1", lambda place, _: plain_document(place, filler=100_000))
        assert refusal.value.exit_code == 3
        assert ledger.unit("till-1").next_icv == 2
        assert ledger.verify_chain("till-1").intact
        with store.read() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count=1000000")
        assert ledger.issue("till-1", simplified).document.icv == 2
        assert ledger.verify_chain("till-1").documents == 2


def test_a_file_size_limit_refuses_the_issue_and_keeps_the_chain(tmp_path: Path) -> None:
    """A real refusal of the operating system, in a child process whose files may not grow past a limit."""
    with ready_ledger(tmp_path) as ledger:
        ledger.issue("till-1", simplified)
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from khatm.ledger.store_errors import LedgerUnwritable\n"
        "from tests.unit.ledger_stage import fresh_ledger, plain_document\n"
        "ledger = fresh_ledger(Path(sys.argv[1]))\n"
        "try:\n"
        "    while True:\n"
        "        print(ledger.issue('till-1', lambda place, _: plain_document(place, filler=20_000)).document.icv)\n"
        "except LedgerUnwritable as refusal:\n"
        "    print(refusal.sentence(), refusal.exit_code)\n"
        "    print(ledger.verify_chain('till-1').intact)\n"
    )
    limit = 600_000
    child = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert (child.returncode, child.stderr) == (0, "")
    *issued, refusal, intact = child.stdout.splitlines()
    assert issued == [str(icv) for icv in range(2, 2 + len(issued))]
    assert issued, "nothing was issued before the limit"
    assert "Nothing was changed" in refusal
    assert refusal.endswith(" 3")
    assert intact == "True"
    with fresh_ledger(tmp_path) as ledger:
        # Every issue that was acknowledged is there, and nothing else.
        assert ledger.verify_chain("till-1").documents == int(issued[-1])
        assert ledger.verify_chain("till-1").intact
        assert ledger.issue("till-1", simplified).document.icv == int(issued[-1]) + 1


def test_a_disk_that_fails_while_opening_is_a_clear_refusal(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from khatm.ledger.store_errors import LedgerUnwritable\n"
        "from tests.unit.ledger_stage import fresh_ledger\n"
        "try:\n"
        "    fresh_ledger(Path(sys.argv[1]))\n"
        "except LedgerUnwritable as refusal:\n"
        "    print(refusal.sentence())\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )
    assert (child.returncode, child.stderr) == (0, "")
    assert "Nothing was changed" in child.stdout
    # With room again, the ledger begins as if nothing had been.
    with ready_ledger(tmp_path) as ledger:
        assert ledger.issue("till-1", simplified).document.icv == 1


def test_unwritable_errors_speak_both_languages() -> None:
    for kind in (LedgerUnwritable, LedgerDiskFull, LedgerReadOnly, LedgerNoAccess):
        error = kind(place="/p", reason="r")
        assert "/p" in error.sentence("en")
        assert "/p" in error.sentence("ar")
        assert error.exit_code == 3


def test_looking_at_a_home_makes_nothing(tmp_path: Path) -> None:
    home = home_at(tmp_path / "home")
    assert not home.has_sealing_key
    assert not home.path.exists()


@pytest.mark.parametrize("name", ["a?mode=ro", "a#b", "100%25 mine", "ختم", "a b@c:d"])
def test_a_home_of_any_name_keeps_its_ledger_inside(tmp_path: Path, name: str) -> None:
    with ready_ledger(tmp_path / name) as ledger:
        assert Path(ledger.place).parent == tmp_path / name
        ledger.issue("till-1", simplified)
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_a_home_of_a_user_who_does_not_exist_is_a_clear_refusal(tmp_path: Path) -> None:
    with pytest.raises(LedgerNoAccess, match="~nobody-of-that-name"):
        Home(environ={"KHATM_HOME": "~nobody-of-that-name/khatm"})
    with pytest.raises(LedgerNoAccess, match="~nobody-of-that-name"):
        home_at(tmp_path, KHATM_PASSPHRASE_FILE="~nobody-of-that-name/secret").custodian()


def test_a_passphrase_that_is_no_text_is_refused_without_being_repeated(tmp_path: Path) -> None:
    with pytest.raises(PassphraseNotText) as refusal:
        home_at(tmp_path, KHATM_PASSPHRASE="hunter2\udcff").custodian()
    assert "hunter2" not in refusal.value.sentence("en") + refusal.value.sentence("ar")


def test_a_folder_that_may_not_be_looked_into_is_a_clear_refusal(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    (closed / "ledger.db").touch()
    closed.chmod(0)
    user = os.geteuid()
    try:
        if user == 0:  # for whom a closed folder is none
            os.seteuid(65534)
        with pytest.raises(LedgerNoAccess):
            open_store(url_of(closed / "ledger.db"), SystemClock())
    finally:
        if user == 0:
            os.seteuid(0)
        closed.chmod(0o700)


def test_a_home_comes_from_the_argument_then_the_setting_then_the_default(tmp_path: Path) -> None:
    assert home_at(tmp_path, KHATM_HOME="/elsewhere").path == tmp_path
    assert Home(environ={"KHATM_HOME": str(tmp_path)}).path == tmp_path
    assert Home(environ={}).path == Path.home() / ".local/share/khatm"


def test_what_is_unsent_is_found_by_its_own_index(tmp_path: Path) -> None:
    """With a large archive, the few documents that are not at the authority must not cost a walk over all."""
    with ready_ledger(tmp_path) as ledger:
        ledger.issue("till-1", simplified)
        place = ledger.place
    raw = sqlite3.connect(place)
    plan = raw.execute(
        "EXPLAIN QUERY PLAN SELECT * FROM document "
        "WHERE unit_id = 1 AND icv > 0 AND state IN ('issued', 'waiting') ORDER BY icv"
    ).fetchall()
    raw.close()
    assert "document_unsent" in plan[0][3]


def test_make_live_needs_a_store_that_writes(tmp_path: Path) -> None:
    with ready_ledger(tmp_path) as ledger:
        assert ledger.live_generation("till-1") is not None
        assert make_live(ledger, pair="second", purpose="renewal").label == "G2"


def test_a_ledger_opened_twice_in_a_process_keeps_its_locks(tmp_path: Path) -> None:
    """A file opened and closed by hand takes the process's locks with it, and a neighbour deletes the -wal file."""
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.unit.ledger_stage import fresh_ledger, simplified\n"
        "with fresh_ledger(Path(sys.argv[1])) as ledger:\n"
        "    ledger.issue('till-1', simplified)\n"
    )
    with ready_ledger(tmp_path) as first, fresh_ledger(tmp_path):
        first.issue("till-1", simplified)
        for _ in range(2):
            subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, timeout=60, check=True)
            assert (tmp_path / "ledger.db-wal").exists()
            first.issue("till-1", simplified)
    with fresh_ledger(tmp_path) as ledger:
        assert [each.icv for each in ledger.documents("till-1")] == [1, 2, 3, 4, 5]
        assert ledger.verify_chain("till-1").intact
