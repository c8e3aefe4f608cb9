"""Where the simulator keeps its state: one SQLite database, in a file that a later run goes on from, or for one run.

The state is what gateway contract 14.3 lists. All access goes through one connection behind one lock: the work
between two accesses (reading documents, signing certificates) is what costs time, not this.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from khatm.simulator.checkpoints import Checkpoints
from khatm.simulator.errors import ForeignStore, UnusableStore

_APPLICATION_ID = 0x4B68746D
_SCHEMA_VERSION = 3
_SCHEMA = """
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE authority_key (name TEXT PRIMARY KEY, private_key BLOB NOT NULL, certificate BLOB NOT NULL);
CREATE TABLE taxpayer (vat_number TEXT PRIMARY KEY, first_seen INTEGER NOT NULL);
CREATE TABLE otp (
    id INTEGER PRIMARY KEY,
    environment TEXT NOT NULL,
    vat_number TEXT NOT NULL REFERENCES taxpayer,
    purpose TEXT NOT NULL,
    code TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
);
CREATE INDEX otp_code ON otp (environment, code);
CREATE TABLE device (
    id INTEGER PRIMARY KEY,
    environment TEXT NOT NULL,
    vat_number TEXT NOT NULL REFERENCES taxpayer,
    common_name TEXT NOT NULL,
    egs_serial TEXT NOT NULL,
    type_map TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    onboarded_at INTEGER,
    revoked_at INTEGER
);
CREATE INDEX device_taxpayer ON device (environment, vat_number);
CREATE TABLE credential (
    id INTEGER PRIMARY KEY,
    device_id INTEGER NOT NULL REFERENCES device,
    environment TEXT NOT NULL,
    kind TEXT NOT NULL,
    request_id INTEGER NOT NULL,
    ccsid_serial INTEGER UNIQUE,
    token_hash BLOB NOT NULL,
    secret_hash BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    certificate BLOB NOT NULL,
    request BLOB NOT NULL,
    vat_number TEXT NOT NULL,
    type_map TEXT NOT NULL,
    issued_at INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    revoked_at INTEGER,
    predecessor_id INTEGER REFERENCES credential,
    source_id INTEGER REFERENCES credential
);
CREATE INDEX credential_token ON credential (environment, token_hash);
CREATE INDEX credential_device ON credential (device_id);
CREATE INDEX credential_source ON credential (source_id);
CREATE INDEX credential_certificate ON credential (fingerprint);
CREATE TABLE step (
    credential_id INTEGER NOT NULL REFERENCES credential,
    name TEXT NOT NULL,
    passed_at INTEGER NOT NULL,
    PRIMARY KEY (credential_id, name)
) WITHOUT ROWID;
CREATE TABLE submission (
    id INTEGER PRIMARY KEY,
    received_at INTEGER NOT NULL,
    device_id INTEGER NOT NULL REFERENCES device,
    credential_id INTEGER NOT NULL REFERENCES credential,
    call TEXT NOT NULL,
    profile TEXT,
    type_code TEXT NOT NULL,
    uuid TEXT NOT NULL,
    document_hash TEXT NOT NULL,
    counter TEXT NOT NULL,
    previous_hash TEXT NOT NULL,
    http_status INTEGER NOT NULL,
    outcome TEXT NOT NULL
);
CREATE INDEX submission_device ON submission (device_id);
CREATE TABLE accepted (
    environment TEXT NOT NULL,
    vat_number TEXT NOT NULL,
    document_hash TEXT NOT NULL,
    accepted_at INTEGER NOT NULL,
    cleared BLOB NOT NULL,
    UNIQUE (environment, vat_number, document_hash)
);
"""
_ADDED_IN_2 = """
CREATE TABLE fault (
    id INTEGER PRIMARY KEY,
    script TEXT NOT NULL,
    matched INTEGER NOT NULL,
    fired INTEGER NOT NULL
);
CREATE TABLE turned_away (
    environment TEXT NOT NULL,
    vat_number TEXT NOT NULL,
    document_hash TEXT NOT NULL,
    PRIMARY KEY (environment, vat_number, document_hash)
) WITHOUT ROWID;
"""
_ADDED_IN_3 = """
ALTER TABLE taxpayer ADD COLUMN status TEXT NOT NULL DEFAULT 'Active';
ALTER TABLE otp ADD COLUMN device_id INTEGER REFERENCES device;
CREATE INDEX otp_taxpayer ON otp (environment, vat_number, expires_at);
"""
_RESET = (
    "accepted", "submission", "step", "credential", "otp", "device", "taxpayer", "fact", "fault", "turned_away",
)  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CACHE_KIB = 64 * 1024
"""For a state of one run: so much of it stays in memory."""
PAGE_BYTES = 32 * 1024
"""Of a database that is not in a file: at each commit SQLite goes through all pages that it holds in memory, so they
are few and large."""
_LASTING_CACHE_KIB = 4 * 1024
"""For a state in a file, which the system's own cache holds as well."""


class Store:
    """The database and its lock. `path` None keeps the state for one run only."""

    def __init__(self, path: Path | None = None) -> None:
        """Open or create the state.

        Raises UnusableStore if the file cannot be opened or written, ForeignStore if it holds something else.
        """
        self._lock = threading.RLock()
        self._depth = 0
        self._on_replaced: list[Callable[[], None]] = []
        # The empty name is a temporary database of SQLite's own: in memory up to the cache's size, spilled to a
        # file that is already unlinked beyond it, so that a long run does not grow.
        self._where = str(path) if path is not None else ""
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self._where, isolation_level=None, check_same_thread=False, timeout=5)
        except (sqlite3.Error, OSError) as error:
            raise UnusableStore(path=self._where, reason=str(error)) from error
        try:
            self._connection.row_factory = sqlite3.Row
            self._prepare(lasting=path is not None)
            self._checkpoints = None if path is None else Checkpoints(self._where, self._connection)
        except sqlite3.Error as error:
            self._connection.close()
            raise UnusableStore(path=self._where, reason=str(error)) from error
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self, *, lasting: bool) -> None:
        if not lasting:
            self._connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
        with self.transaction() as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            owner = connection.execute("PRAGMA application_id").fetchone()[0]
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if tables and (owner != _APPLICATION_ID or not 1 <= version <= _SCHEMA_VERSION):
                raise ForeignStore(path=self._where, found=version, allowed=_SCHEMA_VERSION)
            scripts = (_SCHEMA, _ADDED_IN_2, _ADDED_IN_3)[version if tables else 0 :]
            for statement in ";".join(scripts).split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id={_APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={_SCHEMA_VERSION}")
        self._connection.execute(f"PRAGMA cache_size=-{_LASTING_CACHE_KIB if lasting else _CACHE_KIB}")
        self._connection.execute("PRAGMA foreign_keys=ON")
        if lasting:
            # What was answered survives the process; only a power cut may take the last moments of play.
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
        else:
            self._connection.execute("PRAGMA journal_mode=MEMORY")
            self._connection.execute("PRAGMA synchronous=OFF")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the lock and one transaction; inner ones join the outer; an exception undoes all of it."""
        with self._lock:
            if self._depth:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            else:
                self._connection.execute("COMMIT")
            finally:
                self._depth = 0

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Hold the lock for one look at the state, within the transaction around it if there is one."""
        with self._lock:
            yield self._connection

    @property
    def settled(self) -> bool:
        """Tell those who hold the lock whether what they read is there to stay: no transaction is open."""
        return not self._depth

    def tell_replaced(self, listener: Callable[[], None]) -> None:
        """Let someone know, within the lock, when the whole state becomes another one."""
        self._on_replaced.append(listener)

    def next_number(self, name: str, *, first: int = 1) -> int:
        """Return the number of this name after the one before, beginning with `first`."""
        with self.transaction() as connection:
            row = connection.execute("SELECT value FROM counter WHERE name = ?", (name,)).fetchone()
            value = first if row is None else row[0] + 1
            connection.execute("INSERT OR REPLACE INTO counter VALUES (?, ?)", (name, value))
            return value

    def fact(self, name: str) -> str | None:
        """Return a remembered fact, or None."""
        with self.reading() as connection:
            row = connection.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
            return None if row is None else str(row[0])

    def remember(self, name: str, value: str) -> None:
        """Remember a fact of the instance, such as how far its clock was moved."""
        with self.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))

    def authority_key(self, name: str) -> tuple[bytes, bytes] | None:
        """Return private key (PKCS#8 DER) and certificate (DER) of one of the authority's names, or None."""
        with self.reading() as connection:
            row = connection.execute(
                "SELECT private_key, certificate FROM authority_key WHERE name = ?", (name,)
            ).fetchone()
            return None if row is None else (bytes(row[0]), bytes(row[1]))

    def keep_authority_key(self, name: str, private_key: bytes, certificate: bytes) -> None:
        """Keep one of the authority's own throw-away keys with its certificate."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO authority_key VALUES (?, ?, ?)", (name, private_key, certificate)
            )

    def reset(self) -> None:
        """Forget taxpayers, OTPs, devices, credentials, documents and faults; the authority's own keys stay."""
        with self.transaction() as connection:
            for table in _RESET:
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names from the constant
            self._replaced()

    def copy_to(self, target: sqlite3.Connection) -> None:
        """Copy the whole state into another database, as it is between two transactions. Raises sqlite3.Error."""
        with self._lock:
            self._connection.backup(target)

    def copy_from(self, source: sqlite3.Connection) -> None:
        """Replace the whole state by that of another database. Raises sqlite3.Error."""
        with self._lock:
            source.backup(self._connection)
            self._replaced()

    def _replaced(self) -> None:
        for each in self._on_replaced:
            each()

    def forget(self, name: str) -> None:
        """Let go of a fact."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM fact WHERE name = ?", (name,))

    def close(self) -> None:
        """Close the database."""
        if self._checkpoints is not None:
            self._checkpoints.close()
        with self._lock:
            self._connection.close()


def milliseconds(moment: datetime) -> int:
    """Return an aware time as Unix milliseconds, the form in which the store keeps times."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def moment(stored: int) -> datetime:
    """Return a kept time as an aware UTC datetime."""
    return _EPOCH + timedelta(milliseconds=stored)


def utc_text(moment: datetime) -> str:
    """Return a time as management writes it: ISO 8601 in UTC with milliseconds."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
