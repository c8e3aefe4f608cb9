"""The ledger in a PostgreSQL database: many processes on many machines, one writer at a time for each unit.

Isolation. A write transaction is READ COMMITTED: it locks the unit's row first, and the statement that waited for the
lock sees what the former holder committed, so the head of the chain is always the last one. REPEATABLE READ or
SERIALIZABLE would end such a wait in an error and a repetition, stamping included. A read transaction is REPEATABLE
READ and READ ONLY: one state of the database for all its statements, and it never fails for it.
"""

import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import cast

import psycopg
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from khatm.clock import Clock
from khatm.ledger import migrations
from khatm.ledger.connections import Connections
from khatm.ledger.errors import LedgerError
from khatm.ledger.store import DEFAULT_WAIT
from khatm.ledger.store_errors import (
    HeldElsewhere,
    LedgerBusy,
    LedgerDamaged,
    LedgerDiskFull,
    LedgerNeedsUpgrade,
    LedgerNoAccess,
    LedgerNotDurable,
    LedgerOutcomeUnknown,
    LedgerReadOnly,
    LedgerUnreachable,
    LedgerUnwritable,
    LedgerWrongEncoding,
)

_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED"
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

# Pinned for the session, so that no later change of a default reaches it: how long a lock is waited for, and that a
# commit returns once it is on disk. What is stricter than `on` stays as the operator has set it.
_PIN = """SELECT set_config('lock_timeout', %s, false), set_config('synchronous_commit',
    CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END,
    false)"""

_FIT = "SELECT current_setting('fsync'), current_setting('server_encoding'), current_schema()"

_HOLDER = """SELECT activity.application_name FROM pg_locks JOIN pg_stat_activity AS activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid::bigint = %s AND objid::bigint = %s"""


class PostgresqlStore:
    """PostgreSQL through psycopg: row locks instead of turns, each commit on the server's disk."""

    head_record: Path | None = None
    writers_per_unit = True

    def __init__(self, url: URL, clock: Clock, *, wait: float = DEFAULT_WAIT, upgrade: bool = False) -> None:
        self.place = _place(url)
        self.wait = wait
        self._secrets = _secrets(url)
        self._schema = ""
        self._engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args=_connect_options(url, wait),
            isolation_level="AUTOCOMMIT",  # transactions are begun and ended here, by their own words
            use_native_hstore=False,
            poolclass=NullPool,
            hide_parameters=True,
        )
        self._connections = Connections(self._connected)

        @event.listens_for(self._engine, "connect")
        def pin(driver: psycopg.Connection, _record: object) -> None:
            driver.execute(_PIN, (f"{max(int(wait * 1000), 1)}ms",))

        try:
            self._prepare(clock, upgrade)
        except BaseException:
            self.close()
            raise

    def write(self) -> AbstractContextManager[Connection]:
        """Begin a write transaction; waits for rows are bounded. See `Store.write`."""
        return self._transaction(_WRITE)

    def read(self) -> AbstractContextManager[Connection]:
        """Begin a read transaction; readers never wait for writers."""
        return self._transaction(_READ)

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Hold a name by an advisory lock on a connection of its own; see `Store.hold`. Raises HeldElsewhere."""
        key = self._lock_number(name)
        with ExitStack() as held:
            try:
                connection = held.enter_context(self._connected())
                driver = _driver(connection)
                if not _first(driver.execute("SELECT pg_try_advisory_lock(%s)", (key,)))[0]:
                    raise HeldElsewhere(name=name, pid=_holder(driver, key))
            except psycopg.Error as error:
                raise self._explain(error) from None
            held.callback(_release, connection, driver, key)
            yield

    def close(self) -> None:
        """Close every connection."""
        self._connections.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        started = time.monotonic()
        committing = False
        connection = self._begun(begin)
        driver = _driver(connection)
        try:
            yield connection
            committing = True
            ended = driver.execute("COMMIT").statusmessage
            # PostgreSQL answers so when a statement had failed and its error was swallowed.
            assert ended == "COMMIT", ended
        except BaseException as error:
            _roll_back(connection, driver)
            if isinstance(error, (DBAPIError, psycopg.Error)):
                waited = time.monotonic() - started
                raise self._explain(error, waited=waited, committing=committing) from None
            raise
        finally:
            self._connections.give_back(connection)

    def _begun(self, begin: str) -> Connection:
        """Lend a connection with a transaction begun on it; one that the server has closed is replaced."""
        for last_try in (False, True):
            try:
                connection = self._connections.take(self.wait)
            except TimeoutError:
                raise LedgerBusy(place=self.place, waited=self.wait) from None
            driver = _driver(connection)
            try:
                driver.execute(begin)
                return connection
            except BaseException as error:
                lost = driver.closed
                _roll_back(connection, driver)
                self._connections.give_back(connection)
                if not isinstance(error, psycopg.Error):
                    raise
                if last_try or not lost:
                    raise self._explain(error) from None
                self._connections.close()  # the others are as old
        raise AssertionError

    def _connected(self) -> Connection:
        """Return a new connection. Raises LedgerUnreachable."""
        try:
            return self._engine.connect()
        except DBAPIError as error:
            raise LedgerUnreachable(place=self.place, reason=self._without_secrets(error.orig)) from None

    def _prepare(self, clock: Clock, upgrade: bool) -> None:
        with self.read() as connection:
            fsync, encoding, schema = _first(_driver(connection).execute(_FIT))
            if fsync != "on":
                raise LedgerNotDurable(place=self.place, setting="fsync")
            if encoding != "UTF8":
                raise LedgerWrongEncoding(place=self.place, found=str(encoding))
            if schema is None:
                raise LedgerNoAccess(place=self.place, reason="the search path names no schema that exists")
            self._schema = str(schema)
            found = migrations.refuse_newer(connection, self.place)
        if found == migrations.newest_version():
            return
        if found and not upgrade:
            raise LedgerNeedsUpgrade(place=self.place, found=found, known=migrations.newest_version())
        with self.write() as connection:
            _driver(connection).execute("SELECT pg_advisory_xact_lock(%s)", (self._lock_number("migration"),))
            migrations.migrate(connection, self.place, clock.now)

    def _lock_number(self, name: str) -> int:
        """Return the 64-bit number of a name; advisory locks are the database's, and a schema holds a ledger."""
        digest = sha256(f"khatm\0{self._schema}\0{name}".encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)

    def _explain(
        self, error: DBAPIError | psycopg.Error, *, waited: float = 0.0, committing: bool = False
    ) -> LedgerError:
        cause = error.orig if isinstance(error, DBAPIError) else error
        state = getattr(cause, "sqlstate", None) or ""
        reason = self._without_secrets(cause)
        if state in _BUSY:
            return LedgerBusy(place=self.place, waited=waited)
        if isinstance(cause, psycopg.OperationalError) and (not state or state.startswith(_BROKEN)):
            kind = LedgerOutcomeUnknown if committing else LedgerUnreachable
            return kind(place=self.place, reason=reason)
        if state.startswith(_DAMAGED):
            return LedgerDamaged(place=self.place, reason=reason)
        for beginning, unwritable in _UNWRITABLE.items():
            if state.startswith(beginning):
                return unwritable(place=self.place, reason=reason)
        raise error

    def _without_secrets(self, error: BaseException | None) -> str:
        text = " ".join(str(error).split())
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def _place(url: URL) -> str:
    """Return the address as messages show it: server and database, neither user nor password nor options."""
    host = url.host or url.query.get("host")
    if not isinstance(host, str):
        host = ",".join(host or ())
    port = f":{url.port}" if url.port else ""
    return f"postgresql://{host}{port}/{url.database}"


def _secrets(url: URL) -> tuple[str, ...]:
    values = [url.password, *(url.query.get(name) for name in ("password", "sslpassword"))]
    return tuple(str(value) for value in values if value)


def _connect_options(url: URL, wait: float) -> dict[str, object]:
    """Return what the connection is opened with unless the address says otherwise."""
    options: dict[str, object] = {
        # Who holds a lock is looked up by this name.
        "application_name": f"khatm/{os.getpid()}/{socket.gethostname()}"[:63],
        "client_encoding": "utf8",
        "connect_timeout": max(int(wait), 2),
    }
    return {name: value for name, value in options.items() if name not in url.query}


def _driver(connection: Connection) -> psycopg.Connection:
    return cast(psycopg.Connection, connection.connection.dbapi_connection)


def _first(cursor: psycopg.Cursor) -> tuple[object, ...]:
    row = cursor.fetchone()
    assert row is not None
    return row


def _roll_back(connection: Connection, driver: psycopg.Connection) -> None:
    with suppress(psycopg.Error):
        driver.rollback()
    if driver.closed:
        connection.invalidate()
    else:
        connection.rollback()  # the toolkit's own notion of a transaction begins anew


def _release(connection: Connection, driver: psycopg.Connection, key: int) -> None:
    try:
        driver.execute("SELECT pg_advisory_unlock(%s)", (key,))
    except psycopg.Error:
        connection.invalidate()  # the end of the session releases it too


def _holder(driver: psycopg.Connection, key: int) -> int | None:
    """Return the process that holds a lock, None if it is on another machine or gone."""
    number = key & 0xFFFFFFFF_FFFFFFFF
    row = driver.execute(_HOLDER, (number >> 32, number & 0xFFFFFFFF)).fetchone()
    name = re.fullmatch(r"khatm/(\d+)/(.*)", str(row[0])) if row else None
    return int(name[1]) if name and name[2] == socket.gethostname()[: len(name[2])] else None


_BUSY = frozenset(("55P03", "40P01", "40001", "57014"))  # lock not available, deadlock, serialization, cancelled
_BROKEN = ("08", "57P", "53300", "25P03", "57P05")  # connection, shutdown, too many connections, idle too long
_DAMAGED = ("XX001", "XX002")
_UNWRITABLE: dict[str, type[LedgerUnwritable]] = {
    "53100": LedgerDiskFull,
    "53": LedgerUnwritable,
    "58": LedgerUnwritable,
    "25006": LedgerReadOnly,
    "42501": LedgerNoAccess,
}
