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
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from khatm.clock import Clock
from khatm.ledger import migrations
from khatm.ledger.connections import Connections
from khatm.ledger.errors import LedgerError
from khatm.ledger.file_lock import file_lock
from khatm.ledger.log_copying import MOST_PAGES, LogCopying
from khatm.ledger.safe_files import keep_copy, sync_folder
from khatm.ledger.store import DEFAULT_WAIT
from khatm.ledger.store_errors import (
    LedgerBusy,
    LedgerDamaged,
    LedgerDiskFull,
    LedgerNoAccess,
    LedgerOutcomeUnknown,
    LedgerReadOnly,
    LedgerUnwritable,
)


class SqliteStore:
    """SQLite in WAL mode with synchronous=FULL: several processes take turns, each commit is on disk."""

    writers_per_unit = False

    def __init__(self, url: URL, clock: Clock, *, wait: float = DEFAULT_WAIT) -> None:
        self.file, self._options = _file_of(url)
        self.read_only = self._options["mode"] == "ro"
        self.place = str(self.file)
        self.head_record: Path | None = self.file.with_name(f"{self.file.name}.head")
        self.wait = wait
        self._jitter = random.Random()  # noqa: S311 (spreads waiting processes, guards nothing)
        self._engine = create_engine("sqlite://", creator=self._connect, poolclass=NullPool, hide_parameters=True)
        self._connections = Connections(self._engine.connect)
        self._log_copying = LogCopying(self._connect)
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
        folder = self.file.parent / "locks"
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise LedgerNoAccess(place=str(folder), reason=error.strerror or type(error).__name__) from None
        with file_lock(folder, name):
            yield

    def close(self) -> None:
        """Close every connection."""
        self._log_copying.close()
        self._connections.close()

    @contextmanager
    def _transaction(self, begin: Callable[[sqlite3.Connection], object]) -> Iterator[Connection]:
        try:
            connection = self._connections.take(self.wait)
        except (DBAPIError, sqlite3.Error) as error:
            raise self._explain(error) from None
        except TimeoutError:
            raise LedgerBusy(place=self.place, waited=self.wait) from None
        driver = _driver(connection)
        try:
            self._in_turn(begin, driver)
            before = driver.total_changes
            yield connection
            driver.execute("COMMIT")
            rows = driver.total_changes - before
            if rows:
                self._log_copying.wrote(rows, driver)
        except BaseException as error:
            driver.rollback()  # after a full disk SQLite may have done so by itself; then this does nothing
            connection.rollback()  # the toolkit's own notion of a transaction begins anew
            if isinstance(error, (DBAPIError, sqlite3.Error)):
                raise self._explain(error) from None
            raise
        finally:
            self._connections.give_back(connection)

    def _in_turn(self, step: Callable[[sqlite3.Connection], object], driver: sqlite3.Connection) -> None:
        """Try a step until the database is free; SQLite's own fixed waits would let equals collide again and again."""
        started, pause = 0.0, 0.0005
        while True:
            try:
                step(driver)
                return
            except sqlite3.Error as error:
                if _result_code(error) not in _BUSY:
                    raise
                now = time.monotonic()
                started = started or now
                if now - started >= self.wait:
                    raise LedgerBusy(place=self.place, waited=now - started) from None
            time.sleep(pause * self._jitter.uniform(0.5, 1.5))
            pause = min(pause * 2, 0.005)

    def _prepare(self, clock: Clock) -> None:
        if not self.read_only:
            self._create_private_file()
            try:
                with self._engine.connect() as connection:
                    self._in_turn(_use_wal, _driver(connection))
            except (DBAPIError, sqlite3.Error) as error:
                raise self._explain(error) from None
        with self.read() as connection:
            found = migrations.refuse_newer(connection, self.place)
        if found == migrations.newest_version():
            return
        if self.read_only:
            raise LedgerReadOnly(place=self.place, reason=f"it has schema {found} and must be brought up to date first")
        self._migrate(clock)

    def _migrate(self, clock: Clock) -> None:
        """Bring the schema up to date, alone in the database and with a copy of an older ledger made before."""
        try:
            with self._engine.connect() as connection:
                driver = _driver(connection)
                # A table that is made anew is dropped first; what refers to it is checked at the end instead.
                driver.execute("PRAGMA foreign_keys=OFF")
                self._in_turn(_begin_write, driver)
                found = migrations.refuse_newer(connection, self.place)
                if 0 < found < migrations.newest_version():
                    self._keep_copy()
                migrations.migrate(connection, self.place, clock.now)
                if driver.execute("PRAGMA foreign_key_check").fetchone() is not None:
                    raise LedgerDamaged(place=self.place, reason="rows refer to others that are missing")
                driver.execute("COMMIT")
        except (DBAPIError, sqlite3.Error) as error:
            raise self._explain(error) from None

    def _keep_copy(self) -> None:
        """Copy the ledger as it is to `<file>.before-<newest schema>` beside it, on disk when this returns.

        The caller holds the write lock, so nothing is added meanwhile. Raises LedgerUnwritable.
        """
        try:
            keep_copy(self.file, self.file.with_name(f"{self.file.name}.before-{migrations.newest_version()}"))
        except OSError as error:
            raise LedgerUnwritable(place=self.place, reason=error.strerror or type(error).__name__) from None

    def _create_private_file(self) -> None:
        # SQLite gives the -wal and -shm files the mode of the database file, so the mode is set before it opens it.
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.file.exists():
                # Never opened here: closing it would drop the locks that this process's other connections hold on it,
                # and a neighbour would take the -wal file away under them (SQLite, "How to corrupt", 2.2).
                if not os.access(self.file, os.R_OK | os.W_OK):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
                return
            with suppress(FileExistsError):
                os.close(os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            # Its name is to survive a power cut as well as what is written into it.
            sync_folder(self.file.parent)
            sync_folder(self.file.parent.parent)
        except OSError as error:
            # Path.is_file would raise about a folder that may not be looked into.
            is_file = os.path.isfile(self.file)  # noqa: PTH113
            kind = LedgerReadOnly if is_file or error.errno == errno.EROFS else LedgerNoAccess
            raise kind(place=self.place, reason=error.strerror or type(error).__name__) from None

    def _connect(self) -> sqlite3.Connection:
        # SQLite itself waits while the settings are made; from then on `_in_turn` does, with jitter.
        address = f"file:{quote(str(self.file))}?{urlencode(self._options)}"
        connection = sqlite3.connect(
            address, uri=True, isolation_level=None, check_same_thread=False, timeout=self.wait
        )
        for setting in _SETTINGS:
            connection.execute(f"PRAGMA {setting}")
        return connection

    def _explain(self, error: DBAPIError | sqlite3.Error) -> LedgerError:
        code = _result_code(error)
        reason = str(error.orig if isinstance(error, DBAPIError) else error)
        if code in _BUSY:
            return LedgerBusy(place=self.place, waited=self.wait)
        if _cause(error) in _NOT_SYNCED:
            # The commit was written, and whether it is on disk the disk itself cannot say.
            return LedgerOutcomeUnknown(place=self.place, reason=reason)
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


def _use_wal(driver: sqlite3.Connection) -> None:
    driver.execute("PRAGMA journal_mode=WAL")


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


def _cause(error: DBAPIError | sqlite3.Error) -> int:
    """Return SQLite's extended result code, or -1."""
    code = getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlite_errorcode", None)
    return code if isinstance(code, int) else -1


def _result_code(error: DBAPIError | sqlite3.Error) -> int:
    """Return SQLite's primary result code."""
    return _cause(error) & 0xFF


_SETTINGS = (
    "synchronous=FULL",
    # macOS tells the drive to write what it holds only when asked by these; elsewhere they change nothing.
    "fullfsync=ON",
    "checkpoint_fullfsync=ON",
    "foreign_keys=ON",
    "busy_timeout=0",
    # Pages that every issue changes are copied into the database once for each checkpoint: at 64 MB of log instead of
    # SQLite's 4, a sixteenth as often. The most of it is copied before, beside those who write (`LogCopying`).
    f"wal_autocheckpoint={MOST_PAGES}",
)

_BUSY = frozenset((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED))
_DAMAGED = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))
_NOT_SYNCED = frozenset((sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC))
_UNWRITABLE: dict[int, type[LedgerUnwritable]] = {
    sqlite3.SQLITE_FULL: LedgerDiskFull,
    sqlite3.SQLITE_IOERR: LedgerUnwritable,
    sqlite3.SQLITE_READONLY: LedgerReadOnly,
    sqlite3.SQLITE_CANTOPEN: LedgerNoAccess,
    sqlite3.SQLITE_PERM: LedgerNoAccess,
}
