"""What was said: every exchange with the gateway, the latest ones kept, for people and tests that want to see it.

Kept in a database of its own, so that going back to a snapshot of the state takes back no evidence.
"""

import json
import sqlite3
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from khatm.environment import Environment
from khatm.simulator.causes import Because, Cause
from khatm.simulator.checkpoints import Checkpoints
from khatm.simulator.errors import UnusableStore
from khatm.simulator.exchange import Request, Response
from khatm.simulator.faults import EndpointName
from khatm.simulator.store import PAGE_BYTES, milliseconds, moment
from khatm.simulator.verdicts import Verdict, verdict_of

MOST = 2000
MOST_BYTES = 64 * 1024 * 1024

_SCHEMA = """
CREATE TABLE IF NOT EXISTS exchange (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at INTEGER NOT NULL,
    seconds REAL NOT NULL,
    environment TEXT,
    endpoint TEXT,
    vat_number TEXT,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    request_headers TEXT NOT NULL,
    request_body BLOB NOT NULL,
    status INTEGER,
    verdict TEXT NOT NULL,
    content_type TEXT,
    response_headers TEXT,
    response_body BLOB,
    cause TEXT,
    found TEXT,
    fault TEXT
)
"""
_VERSION = 1

Delivered = Literal["all", "part", "nothing"]
"""How much of an answer was sent."""


@dataclass(frozen=True, slots=True)
class FaultNote:
    """What a fault did to an exchange."""

    id: int
    """The fault's number."""
    strike: int
    """The number of this strike among those of the fault, from 1 on."""
    then: object
    """What the script says that it does."""
    processed: bool
    """Whether the call reached the authority."""
    true_status: int | None
    """What the authority answered."""
    delivered: Delivered
    case: str | None = None
    """The case of the grading that struck; None for a fault of the script."""

    def members(self) -> dict[str, object]:
        """Return its JSON members."""
        by_grading = {} if self.case is None else {"case": self.case}
        return {
            "id": self.id,
            "strike": self.strike,
            "then": self.then,
            "processed": self.processed,
            "true_status": self.true_status,
            "delivered": self.delivered,
            **by_grading,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One call and its answer."""

    request: Request
    response: Response | None
    """What was answered, or would have been had a fault not broken the connection; None: there was no answer."""
    received_at: datetime
    """By the simulator's clock."""
    seconds: float = 0.0
    """How long it took to process, by the machine's clock and without what a fault added."""
    environment: Environment | None = None
    """None, as the next two: the call reached no endpoint, or names nobody."""
    endpoint: EndpointName | None = None
    vat_number: str | None = None
    fault: FaultNote | None = None

    @property
    def verdict(self) -> Verdict:
        """What the answer says about the matter of the call."""
        return verdict_of(self.endpoint, self.response)


@dataclass(frozen=True, slots=True)
class RecordedExchange:
    """An exchange with its number, which rises by one with every call."""

    number: int
    exchange: Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which exchanges are asked for; empty is any."""

    environments: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    statuses: tuple[range, ...] = ()
    verdicts: tuple[str, ...] = ()
    vat_number: str | None = None
    since: int | None = None
    """Only those with a higher number; the first of them, not the latest."""
    before: int | None = None
    """Only those with a lower number."""


class Recorder:
    """Keeps the latest exchanges within a bound of number and size. `path` None keeps them for this run.

    Raises UnusableStore, at the start and when an exchange cannot be written.
    """

    def __init__(self, path: Path | None = None, *, most: int = MOST, most_bytes: int | None = MOST_BYTES) -> None:
        """`most_bytes` None sets no bound of size."""
        self._lock = threading.Lock()
        self._most = most
        self._most_bytes = most_bytes
        self._where = ":memory:" if path is None else str(path)
        self._sizes: deque[tuple[int, int]] = deque()
        self._bytes = 0
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self._where, isolation_level=None, check_same_thread=False, timeout=5)
            self._connection.row_factory = sqlite3.Row
            if path is None:
                self._connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
            self._connection.execute(f"PRAGMA journal_mode={'MEMORY' if path is None else 'WAL'}")
            self._connection.execute(f"PRAGMA synchronous={'OFF' if path is None else 'NORMAL'}")
            self._prepare()
            self._checkpoints = None if path is None else Checkpoints(self._where, self._connection)
        except (sqlite3.Error, OSError) as error:
            raise UnusableStore(path=self._where, reason=str(error)) from error

    def _prepare(self) -> None:
        connection = self._connection
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _VERSION):
            raise sqlite3.DatabaseError(f"it was written by another version ({version}, this one reads {_VERSION})")
        connection.execute(_SCHEMA)
        connection.execute(f"PRAGMA user_version={_VERSION}")
        row = connection.execute("SELECT max(number) FROM exchange").fetchone()
        if row[0] is not None:
            connection.execute("DELETE FROM exchange WHERE number <= ?", (row[0] - self._most,))
        row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'exchange'").fetchone()
        self._last = 0 if row is None else int(row[0])

    @property
    def last_number(self) -> int:
        """The number of the latest exchange, 0 before the first."""
        return self._last

    def record(self, exchange: Exchange) -> int:
        """Keep one exchange, let go of the oldest beyond the bounds, and return its number."""
        row = _row(exchange)
        marks = ", ".join("?" * len(row))
        with self._lock:
            try:
                with self._connection as connection:  # one commit for what comes and what goes
                    connection.execute("BEGIN")
                    cursor = connection.execute(
                        f"INSERT INTO exchange ({', '.join(row)}) VALUES ({marks})",  # noqa: S608 - names of our own
                        tuple(row.values()),
                    )
                    self._last = int(cursor.lastrowid or 0)
                    self._let_go(_size(exchange))
                return self._last
            except sqlite3.Error as error:
                raise UnusableStore(path=self._where, reason=str(error)) from error

    def _let_go(self, size: int) -> None:
        until = self._last - self._most
        if self._most_bytes is not None:
            self._sizes.append((self._last, size))
            self._bytes += size
            while self._sizes and (self._sizes[0][0] <= until or self._bytes > self._most_bytes):
                until, gone = self._sizes.popleft()
                self._bytes -= gone
        if until > 0:
            self._connection.execute("DELETE FROM exchange WHERE number <= ?", (until,))

    def find(self, wanted: Wanted, limit: int) -> list[RecordedExchange]:
        """Return at most `limit` exchanges, oldest first: the latest, or with `since` the first after it."""
        conditions, values = _conditions(wanted)
        order = "DESC" if wanted.since is None else "ASC"
        with self._lock:
            rows = self._connection.execute(
                f"SELECT * FROM exchange WHERE {conditions} ORDER BY number {order} LIMIT ?",  # noqa: S608 - ours
                (*values, limit),
            ).fetchall()
        found = [_recorded(row) for row in rows]
        return found[::-1] if wanted.since is None else found

    def numbers(self, wanted: Wanted, limit: int) -> list[int]:
        """Return the numbers of what `find` returns."""
        conditions, values = _conditions(wanted)
        order = "DESC" if wanted.since is None else "ASC"
        with self._lock:
            rows = self._connection.execute(
                f"SELECT number FROM exchange WHERE {conditions} ORDER BY number {order} LIMIT ?",  # noqa: S608 - ours
                (*values, limit),
            ).fetchall()
        return sorted(row[0] for row in rows)

    def one(self, number: int) -> RecordedExchange | None:
        """Return an exchange by its number, None if it is not kept."""
        with self._lock:
            row = self._connection.execute("SELECT * FROM exchange WHERE number = ?", (number,)).fetchone()
        return None if row is None else _recorded(row)

    def forget(self) -> None:
        """Let go of everything; numbers go on."""
        with self._lock:
            self._connection.execute("DELETE FROM exchange")
            self._sizes.clear()
            self._bytes = 0

    def close(self) -> None:
        """Close the database."""
        if self._checkpoints is not None:
            self._checkpoints.close()
        with self._lock:
            self._connection.close()


def _size(exchange: Exchange) -> int:
    """Return the octets that an exchange holds, near enough."""
    request, response = exchange.request, exchange.response
    headers = sum(len(name) + len(value) for name, value in request.headers.items())
    return len(request.path) + headers + len(request.body) + (0 if response is None else len(response.body))


def _row(exchange: Exchange) -> dict[str, object]:
    request, response = exchange.request, exchange.response
    because = None if response is None else response.because
    return {
        "received_at": milliseconds(exchange.received_at),
        "seconds": exchange.seconds,
        "environment": exchange.environment,
        "endpoint": exchange.endpoint,
        "vat_number": exchange.vat_number,
        "method": request.method,
        "path": _storable(request.path),
        "request_headers": json.dumps(dict(request.headers)),
        "request_body": request.body,
        "status": None if response is None else response.status,
        "verdict": exchange.verdict,
        "content_type": None if response is None else response.content_type,
        "response_headers": None if response is None else json.dumps(dict(response.headers)),
        "response_body": None if response is None else response.body,
        "cause": None if because is None else because.cause,
        "found": None if because is None else _storable(because.found),
        "fault": None if exchange.fault is None else json.dumps(exchange.fault.members()),
    }


def _storable(text: str) -> str:
    """Return a text without halves of characters, which no database takes."""
    return text.encode("utf-8", "replace").decode()


def _recorded(row: sqlite3.Row) -> RecordedExchange:
    because = None if row["cause"] is None else Because(Cause(row["cause"]), row["found"])
    response = None
    if row["status"] is not None:
        headers: Mapping[str, str] = json.loads(row["response_headers"])
        response = Response(row["status"], row["response_body"], row["content_type"], headers, because)
    exchange = Exchange(
        request=Request(row["method"], row["path"], json.loads(row["request_headers"]), row["request_body"]),
        response=response,
        received_at=moment(row["received_at"]),
        seconds=row["seconds"],
        environment=None if row["environment"] is None else Environment(row["environment"]),
        endpoint=row["endpoint"],
        vat_number=row["vat_number"],
        fault=None if row["fault"] is None else FaultNote(**json.loads(row["fault"])),
    )
    return RecordedExchange(row["number"], exchange)


def _conditions(wanted: Wanted) -> tuple[str, list[object]]:
    conditions, values = ["1"], list[object]()
    for column, words in (
        ("environment", wanted.environments),
        ("endpoint", wanted.endpoints),
        ("verdict", wanted.verdicts),
        ("vat_number", () if wanted.vat_number is None else (wanted.vat_number,)),
    ):
        if words:
            conditions.append(f"{column} IN ({', '.join('?' * len(words))})")
            values += words
    if wanted.statuses:
        conditions.append("(" + " OR ".join("status BETWEEN ? AND ?" for _ in wanted.statuses) + ")")
        values += [bound for each in wanted.statuses for bound in (each.start, each.stop - 1)]
    for comparison, number in (("number > ?", wanted.since), ("number < ?", wanted.before)):
        if number is not None:
            conditions.append(comparison)
            values.append(number)
    return " AND ".join(conditions), values
