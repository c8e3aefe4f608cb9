"""The ledger on PostgreSQL: row locks, bounded waits, broken connections, and what the server must be like."""

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError

from khatm.clock import SystemClock
from khatm.ledger import schema
from khatm.ledger.errors import LedgerError, UnitExists
from khatm.ledger.generations import Generation
from khatm.ledger.issue import ChainPlace
from khatm.ledger.ledger import Ledger
from khatm.ledger.migrations import newest_version
from khatm.ledger.store import open_store
from khatm.ledger.store_errors import (
    DatabaseDriverMissing,
    LedgerBusy,
    LedgerDamaged,
    LedgerDiskFull,
    LedgerNoAccess,
    LedgerNotDurable,
    LedgerOutcomeUnknown,
    LedgerReadOnly,
    LedgerTooNew,
    LedgerUnreachable,
    LedgerUnwritable,
    LedgerWrongEncoding,
    UnknownDatabaseUrl,
)
from tests import postgresql
from tests.unit.ledger_stage import (
    PlainDocument,
    add_unit,
    fresh_ledger,
    make_live,
    plain_document,
    ready_ledger,
    simplified,
)


def with_password(url: str) -> str:
    return make_url(url).set(password="hunter2").render_as_string(hide_password=False)


@pytest.fixture
def ledger(tmp_path: Path, postgresql_url: str) -> Iterator[Ledger]:
    with ready_ledger(tmp_path, KHATM_DATABASE_URL=with_password(postgresql_url)) as opened:
        yield opened


def test_the_place_names_server_and_database_and_no_password(ledger: Ledger, postgresql_url: str) -> None:
    assert ledger.place.startswith("postgresql://")
    assert ledger.place.endswith(str(make_url(postgresql_url).database))
    assert "hunter2" not in ledger.place


def test_migrations_make_the_schema_that_the_queries_see(postgresql_url: str) -> None:
    open_store(postgresql_url, SystemClock()).close()
    engine = create_engine(make_url(postgresql_url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA expected")
        schema.metadata.create_all(connection.execution_options(schema_translate_map={None: "expected"}))
    found = inspect(engine)
    assert sorted(found.get_table_names()) == sorted(found.get_table_names(schema="expected"))
    for table in schema.metadata.tables:
        shapes = [
            [
                (column["name"], type(column["type"]), column["nullable"])
                for column in found.get_columns(table, schema=where)
            ]
            for where in (None, "expected")
        ]
        assert shapes[0] == shapes[1], table
    engine.dispose()


def test_every_text_sorts_by_code_points(postgresql_url: str) -> None:
    """Moments are compared as text, and names must come in one order on every server."""
    open_store(postgresql_url, SystemClock()).close()
    with postgresql.connect(postgresql_url) as driver:
        others = driver.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'"
        ).fetchall()
    assert others == []


def test_units_issue_side_by_side_and_one_unit_waits_for_its_row(ledger: Ledger) -> None:
    add_unit(ledger, "till-2")
    make_live(ledger, "till-2", "second")
    inside, leave = threading.Event(), threading.Event()

    def slow(place: ChainPlace, _generation: Generation) -> PlainDocument:
        inside.set()
        assert leave.wait(30)
        return plain_document(place)

    with ThreadPoolExecutor() as pool:
        first = pool.submit(ledger.issue, "till-1", slow)
        assert inside.wait(30)
        # The row of till-1 is locked; that of till-2 is free.
        assert ledger.issue("till-2", simplified).document.icv == 1
        second = pool.submit(ledger.issue, "till-1", simplified)
        assert not second.done()
        leave.set()
        assert first.result(30).document.icv == 1
        assert second.result(30).document.icv == 2
        assert second.result().document.previous_hash == first.result().document.invoice_hash


def test_waiting_for_a_unit_is_bounded_and_changes_nothing(tmp_path: Path, postgresql_url: str) -> None:
    with ready_ledger(tmp_path, KHATM_DATABASE_URL=postgresql_url) as ledger:
        add_unit(ledger, "till-2")
    with fresh_ledger(tmp_path, wait=0.2, KHATM_DATABASE_URL=postgresql_url) as ledger:
        with postgresql.connect(postgresql_url) as other, other.transaction():
            other.execute("SELECT 1 FROM unit WHERE name = 'till-1' FOR UPDATE")
            with pytest.raises(LedgerBusy) as refusal:
                ledger.issue("till-1", simplified)
            with pytest.raises(LedgerBusy):
                ledger.stop_unit("till-1", "401")
            assert ledger.unit("till-1").next_icv == 1
            ledger.stop_unit("till-2", "401")
        assert refusal.value.exit_code == 3
        assert 0.2 <= refusal.value.waited < 5
        assert ledger.issue("till-1", simplified).document.icv == 1


def test_a_deadlock_is_a_busy_ledger(ledger: Ledger, postgresql_url: str) -> None:
    add_unit(ledger, "till-2")

    with postgresql.connect(postgresql_url) as other, other.transaction():
        other.execute("SELECT 1 FROM unit WHERE name = 'till-2' FOR UPDATE")
        waiting = threading.Thread(target=other.execute, args=("SELECT 1 FROM unit WHERE name = 'till-1' FOR UPDATE",))
        with pytest.raises(LedgerBusy), ledger._store.write() as connection:
            connection.exec_driver_sql("SELECT 1 FROM unit WHERE name = 'till-1' FOR UPDATE")
            waiting.start()
            while not blocked(postgresql_url):
                pass
            connection.exec_driver_sql("SET LOCAL deadlock_timeout = '10ms'")
            connection.exec_driver_sql("SELECT 1 FROM unit WHERE name = 'till-2' FOR UPDATE")
        waiting.join()


def blocked(url: str) -> bool:
    """Whether some session of the server waits for a lock."""
    with postgresql.connect(url) as driver:
        row = driver.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    return row is not None and row[0] > 0


def test_the_same_name_added_by_many_belongs_to_one(tmp_path: Path, postgresql_url: str) -> None:
    with fresh_ledger(tmp_path, KHATM_DATABASE_URL=postgresql_url) as ledger:
        start = threading.Barrier(6)

        def add() -> str:
            start.wait(30)
            try:
                return add_unit(ledger).name
            except UnitExists:
                return "exists"

        with ThreadPoolExecutor(6) as pool:
            answers = [each.result(60) for each in [pool.submit(add) for _ in range(6)]]
        assert sorted(answers) == ["exists"] * 5 + ["till-1"]


def test_a_connection_that_the_server_closed_is_replaced(ledger: Ledger, postgresql_url: str) -> None:
    ledger.issue("till-1", simplified)
    kick_everyone(postgresql_url)
    assert ledger.issue("till-1", simplified).document.icv == 2
    kick_everyone(postgresql_url)
    assert ledger.unit("till-1").next_icv == 3


def test_a_connection_lost_in_the_middle_changes_nothing(ledger: Ledger, postgresql_url: str) -> None:
    def lost(place: ChainPlace, _generation: Generation) -> PlainDocument:
        kick_everyone(postgresql_url)
        return plain_document(place)

    with pytest.raises(LedgerUnreachable) as refusal:
        ledger.issue("till-1", lost)
    assert refusal.value.exit_code == 3
    assert "Nothing was changed" in refusal.value.sentence()
    assert ledger.issue("till-1", simplified).document.icv == 1


def test_a_connection_lost_at_the_commit_is_not_called_unchanged(ledger: Ledger, postgresql_url: str) -> None:
    with pytest.raises(LedgerOutcomeUnknown) as refusal, ledger._store.write() as connection:
        connection.exec_driver_sql("UPDATE unit SET next_icv = next_icv")
        kick_everyone(postgresql_url)
    assert refusal.value.exit_code == 3
    assert "Nothing was changed" not in refusal.value.sentence()


def kick_everyone(url: str) -> None:
    """End every other session of a database, as a restart of the server does."""
    with postgresql.connect(url) as driver:
        driver.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_swallowed_error_does_not_pass_for_a_commit(ledger: Ledger) -> None:
    with (
        pytest.raises(AssertionError, match="ROLLBACK"),
        ledger._store.write() as connection,
        contextlib.suppress(DataError),
    ):
        connection.exec_driver_sql("SELECT 1 / 0")


def test_commits_are_durable_even_where_the_default_says_otherwise(tmp_path: Path, postgresql_url: str) -> None:
    name = make_url(postgresql_url).database
    for default, expected in (("off", "on"), ("local", "local"), ("on", "on")):
        with postgresql.connect(postgresql_url) as driver:
            driver.execute(f"ALTER DATABASE {name} SET synchronous_commit = '{default}'".encode())
        store = open_store(postgresql_url, SystemClock())
        with store.write() as connection:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == expected
            assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "read committed"
        with store.read() as connection:
            assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "repeatable read"
            assert connection.exec_driver_sql("SHOW transaction_read_only").scalar() == "on"
        store.close()


def test_a_server_that_does_not_sync_is_refused(tmp_path: Path) -> None:
    with (
        postgresql.server(None, settings=("fsync=off",)) as careless,
        careless.database() as url,
        pytest.raises(LedgerNotDurable) as refusal,
    ):
        fresh_ledger(tmp_path, KHATM_DATABASE_URL=url)
    assert "fsync" in refusal.value.sentence()


def test_a_database_without_arabic_is_refused(tmp_path: Path, postgresql_server: postgresql.Server) -> None:
    postgresql_server.execute("CREATE DATABASE khatm_ascii TEMPLATE template0 ENCODING 'SQL_ASCII'")
    try:
        with pytest.raises(LedgerWrongEncoding, match="SQL_ASCII"):
            fresh_ledger(tmp_path, KHATM_DATABASE_URL=postgresql_server.address("khatm_ascii"))
    finally:
        postgresql_server.execute("DROP DATABASE khatm_ascii")


def test_a_newer_schema_is_refused_untouched(tmp_path: Path, postgresql_url: str) -> None:
    open_store(postgresql_url, SystemClock()).close()
    with postgresql.connect(postgresql_url) as driver:
        driver.execute("INSERT INTO schema_version VALUES (99, 'from the future', '2030-01-01T00:00:00.000000Z')")
    with pytest.raises(LedgerTooNew) as refusal:
        fresh_ledger(tmp_path, KHATM_DATABASE_URL=postgresql_url)
    assert (refusal.value.found, refusal.value.known) == (99, newest_version())


def test_the_database_of_another_program_is_left_alone(tmp_path: Path, postgresql_url: str) -> None:
    with postgresql.connect(postgresql_url) as driver:
        driver.execute("CREATE TABLE unit (id INTEGER)")
        with pytest.raises(LedgerDamaged, match="another program"):
            fresh_ledger(tmp_path, KHATM_DATABASE_URL=postgresql_url)
        tables = driver.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        assert tables.fetchall() == [("unit",)]


def test_openings_in_a_race_migrate_once(tmp_path: Path, postgresql_url: str) -> None:
    start = threading.Barrier(8)

    def opened() -> None:
        start.wait(30)
        open_store(postgresql_url, SystemClock()).close()

    with ThreadPoolExecutor(8) as pool:
        for each in [pool.submit(opened) for _ in range(8)]:
            each.result(60)
    with postgresql.connect(postgresql_url) as driver:
        rows = driver.execute("SELECT number FROM schema_version ORDER BY number").fetchall()
    assert len(rows) == len(set(rows))
    assert rows[-1] == (newest_version(),)


def test_a_user_without_rights_and_a_read_only_database_are_clear_refusals(
    tmp_path: Path, postgresql_server: postgresql.Server, postgresql_url: str
) -> None:
    name = make_url(postgresql_url).database
    guest = f"guest_of_{name}"
    postgresql_server.execute(f"CREATE ROLE {guest} LOGIN PASSWORD 'hunter2'")
    as_guest = make_url(postgresql_url).set(username=guest, password="hunter2").render_as_string(hide_password=False)
    try:
        with postgresql.connect(postgresql_url) as driver:
            driver.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        with pytest.raises(LedgerNoAccess) as refusal:
            fresh_ledger(tmp_path, KHATM_DATABASE_URL=as_guest)
        assert "permission denied" in refusal.value.sentence()
        assert "hunter2" not in refusal.value.sentence()
        with ready_ledger(tmp_path, KHATM_DATABASE_URL=postgresql_url) as ledger:
            ledger.issue("till-1", simplified)
        with postgresql.connect(postgresql_url) as driver:
            driver.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
        with fresh_ledger(tmp_path, KHATM_DATABASE_URL=postgresql_url) as ledger:
            assert ledger.verify_chain("till-1").documents == 1
            with pytest.raises(LedgerReadOnly) as read_only:
                ledger.issue("till-1", simplified)
            assert read_only.value.exit_code == 3
    finally:
        postgresql_server.execute(f"DROP ROLE {guest}")


def test_a_server_that_is_not_there_is_named_without_the_password(tmp_path: Path) -> None:
    for url in (
        "postgresql://khatm:hunter2@127.0.0.1:1/ledger",
        f"postgresql:///ledger?host={tmp_path}&password=hunter2",
        "postgresql://khatm:hunter2@127.0.0.1:1/ledger?no_such_option=hunter2",
    ):
        with pytest.raises(LedgerUnreachable) as refusal:
            fresh_ledger(tmp_path, wait=2.0, KHATM_DATABASE_URL=url)
        assert refusal.value.exit_code == 3
        for language in ("en", "ar"):
            assert "hunter2" not in refusal.value.sentence(language)  # type: ignore[arg-type]
        assert "ledger" in refusal.value.place


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("53100", LedgerDiskFull),
        ("53200", LedgerUnwritable),
        ("58030", LedgerUnwritable),
        ("42501", LedgerNoAccess),
        ("25006", LedgerReadOnly),
        ("XX001", LedgerDamaged),
        ("XX002", LedgerDamaged),
        ("55P03", LedgerBusy),
        ("40001", LedgerBusy),
        ("57014", LedgerBusy),
    ],
)
def test_what_the_server_reports_has_its_own_error_and_changes_nothing(
    ledger: Ledger, state: str, kind: type[LedgerError]
) -> None:
    """Conditions that a test cannot bring about on a server, such as a full disk, by their SQLSTATE."""

    with ledger._store.write() as connection:
        connection.exec_driver_sql(
            f"CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION 'hunter2 has no room' USING ERRCODE = '{state}'; END $$"
        )
        connection.exec_driver_sql("CREATE TRIGGER fail BEFORE INSERT ON stamped_xml EXECUTE FUNCTION fail()")
    with pytest.raises(kind) as refusal:
        ledger.issue("till-1", simplified)
    assert type(refusal.value) is kind
    assert "hunter2" not in refusal.value.sentence()
    with ledger._store.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER fail ON stamped_xml")
    assert ledger.issue("till-1", simplified).document.icv == 1
    assert ledger.verify_chain("till-1").intact


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://khatm:hunter2@host",
        "postgresql+psycopg2://khatm:hunter2@host/ledger",
        "postgresql://khatm:hunter2@host/ledger?port=hunter2",
        "postgresql://khatm:hunter2@host:hunter2/ledger",
    ],
)
def test_an_address_of_no_database_or_another_driver_is_refused(url: str) -> None:
    with pytest.raises(UnknownDatabaseUrl) as refusal:
        open_store(url, SystemClock())
    assert "hunter2" not in refusal.value.sentence()


def test_without_the_driver_the_way_to_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "khatm.ledger.postgresql_store", None)
    with pytest.raises(DatabaseDriverMissing, match=r"khatm\[postgresql\]"):
        open_store("postgresql://host/ledger", SystemClock())
