"""The ledger in a SQLite file: opening it, taking turns, and saying plainly why it cannot be used."""

import errno
import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import cast
from urllib.parse import parse_qsl, quote, urlencode

from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from khatm.clock import Clock
from khatm.ledger import migrations
from khatm.ledger.errors import (
    LedgerBusy,
    LedgerDamaged,
    LedgerDiskFull,
    LedgerError,
    LedgerNoAccess,
    LedgerReadOnly,
    LedgerUnwritable,
)
from khatm.ledger.file_lock import file_lock
from khatm.ledger.store import DEFAULT_WAIT


class SqliteStore:
    """SQLite in WAL mode with synchronous=FULL: several processes take turns, each commit is on disk."""

    def __init__(self, url: URL, clock: Clock, *, wait: float = DEFAULT_WAIT) -> None:
        self.path, self._options = _file_of(url)
        self.read_only = self._options["mode"] == "ro"
        self.place = str(self.path)
        self.wait = wait
        self._jitter = random.Random()  # noqa: S311 (spreads waiting processes, guards nothing)
        self._engine = self._make_engine()
        try:
            self._prepare(clock)
        except BaseException:
            self.close()
            raise

    def write(self) -> AbstractContextManager[Connection]:
        """Begin a write transaction (BEGIN IMMEDIATE) within the bounded wait; see `Store.write`."""
        if self.read_only:
            raise LedgerReadOnly(place=self.place, reason="the database address says mode=ro")
        return self._transaction(_begin_write)

    def read(self) -> AbstractContextManager[Connection]:
        """Begin a read transaction; readers never wait for writers in WAL mode."""
        return self._transaction(_begin_read)

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Hold a name by a file lock beside the database; see `Store.hold`. Raises HeldElsewhere, LedgerNoAccess."""
        folder = self.path.parent / "locks"
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise LedgerNoAccess(place=str(folder), reason=error.strerror or type(error).__name__) from None
        with file_lock(folder, name):
            yield

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self, begin: Callable[[sqlite3.Connection], object]) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                driver = _driver(connection)
                self._in_turn(lambda: begin(driver))
                try:
                    yield connection
                    driver.execute("COMMIT")
                except BaseException:
                    driver.rollback()  # after a full disk SQLite may have done so by itself; then this does nothing
                    raise
        except (DBAPIError, sqlite3.Error) as error:
            raise self._explain(error) from None
        except PoolTimeout:
            raise LedgerBusy(place=self.place, waited=self.wait) from None

    def _in_turn(self, step: Callable[[], object]) -> None:
        """Try a step until the database is free; SQLite's own fixed waits would let equals collide again and again."""
        started = time.monotonic()
        pause = 0.0005
        while True:
            try:
                step()
                return
            except sqlite3.Error as error:
                waited = time.monotonic() - started
                if _result_code(error) not in _BUSY:
                    raise
                if waited >= self.wait:
                    raise LedgerBusy(place=self.place, waited=waited) from None
            time.sleep(pause * self._jitter.uniform(0.5, 1.5))
            pause = min(pause * 2, 0.005)

    def _prepare(self, clock: Clock) -> None:
        if not self.read_only:
            self._create_private_file()
            try:
                with self._engine.connect() as connection:
                    driver = _driver(connection)
                    self._in_turn(lambda: driver.execute("PRAGMA journal_mode=WAL"))
            except (DBAPIError, sqlite3.Error) as error:
                raise self._explain(error) from None
        with self.read() as connection:
            found = migrations.refuse_newer(connection, self.place)
        if found == migrations.newest_version():
            return
        if self.read_only:
            raise LedgerReadOnly(place=self.place, reason=f"it has schema {found} and must be brought up to date first")
        with self.write() as connection:
            migrations.migrate(connection, self.place, clock.now)

    def _create_private_file(self) -> None:
        # SQLite gives the -wal and -shm files the mode of the database file, so the mode is set before it opens it.
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.path.exists():
                # Never opened here: closing it would drop the locks that this process's other connections hold on it,
                # and a neighbour would take the -wal file away under them (SQLite, "How to corrupt", 2.2).
                if not os.access(self.path, os.R_OK | os.W_OK):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
                return
            with suppress(FileExistsError):
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except OSError as error:
            # Path.is_file would raise about a folder that may not be looked into.
            is_file = os.path.isfile(self.path)  # noqa: PTH113
            kind = LedgerReadOnly if is_file or error.errno == errno.EROFS else LedgerNoAccess
            raise kind(place=self.place, reason=error.strerror or type(error).__name__) from None

    def _make_engine(self) -> Engine:
        address = f"file:{quote(str(self.path))}?{urlencode(self._options)}"

        def connect() -> sqlite3.Connection:
            # SQLite itself waits while the settings are made; from then on `_in_turn` does, with jitter.
            connection = sqlite3.connect(
                address, uri=True, isolation_level=None, check_same_thread=False, timeout=self.wait
            )
            for setting in ("synchronous=FULL", "foreign_keys=ON", "busy_timeout=0"):
                connection.execute(f"PRAGMA {setting}")
            return connection

        return create_engine(
            "sqlite://",
            creator=connect,
            poolclass=QueuePool,
            pool_size=4,
            max_overflow=28,
            pool_timeout=self.wait,
            hide_parameters=True,
        )

    def _explain(self, error: DBAPIError | sqlite3.Error) -> LedgerError:
        code = _result_code(error)
        reason = str(error.orig if isinstance(error, DBAPIError) else error)
        if code in _BUSY:
            return LedgerBusy(place=self.place, waited=self.wait)
        kind = _UNWRITABLE.get(code)
        if kind is not None:
            return kind(place=self.place, reason=reason)
        if code in _DAMAGED:
            return LedgerDamaged(place=self.place, reason=reason)
        raise error


def _file_of(url: URL) -> tuple[Path, dict[str, str]]:
    """Return the file of a SQLite address, and the options that SQLite itself is to open it with."""
    database = url.database or ""
    query = {name: str(value) for name, value in url.query.items()}
    if database.startswith("file:"):
        database, _, inner = database.removeprefix("file:").partition("?")
        query |= dict(parse_qsl(inner))
    immutable = query.get("immutable") == "1"  # a medium that nobody can write to needs no lock files
    options = {"mode": "ro" if immutable or query.get("mode") == "ro" else "rw"}
    return Path(database).expanduser().absolute(), options | ({"immutable": "1"} if immutable else {})


def _driver(connection: Connection) -> sqlite3.Connection:
    return cast(sqlite3.Connection, connection.connection.dbapi_connection)


def _begin_write(driver: sqlite3.Connection) -> None:
    driver.execute("BEGIN IMMEDIATE")


def _begin_read(driver: sqlite3.Connection) -> None:
    driver.execute("BEGIN")
    try:
        # The first look fixes what the transaction sees, and meets a neighbour that is closing or recovering the file.
        driver.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.Error:
        driver.rollback()
        raise


def _result_code(error: DBAPIError | sqlite3.Error) -> int:
    """Return SQLite's primary result code, or -1."""
    code = getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else -1


_BUSY = frozenset((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED))
_DAMAGED = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))
_UNWRITABLE: dict[int, type[LedgerUnwritable]] = {
    sqlite3.SQLITE_FULL: LedgerDiskFull,
    sqlite3.SQLITE_IOERR: LedgerUnwritable,
    sqlite3.SQLITE_READONLY: LedgerReadOnly,
    sqlite3.SQLITE_CANTOPEN: LedgerNoAccess,
    sqlite3.SQLITE_PERM: LedgerNoAccess,
}
