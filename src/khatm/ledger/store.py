"""The database behind the ledger: what every kind of it does, and which kind an address names."""

from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from khatm.clock import Clock
from khatm.ledger.store_errors import DatabaseDriverMissing, UnknownDatabaseUrl

DEFAULT_WAIT = 20.0
"""Seconds that a caller waits for its turn before the ledger says that it is busy."""


class Store(Protocol):
    """Transactions on the ledger's tables; what raises inside a `write` leaves no trace."""

    place: str
    """Where the database lies, for messages; never with a password."""
    head_record: Path | None
    """The file beside the database that remembers where chains stand (`head_record`), None for one on a server."""
    writers_per_unit: bool
    """Whether units can be written side by side; otherwise one writer is let in at a time."""

    def write(self) -> AbstractContextManager[Connection]:
        """Begin a write transaction; commit on leaving, durable then.

        A transaction that changes a unit or what belongs to it locks the unit's row first (`units.locked`): SQLite
        lets one writer in at a time, PostgreSQL one for each unit.
        """
        ...

    def read(self) -> AbstractContextManager[Connection]:
        """Begin a transaction that sees one state of the database and changes nothing."""
        ...

    def hold(self, name: str) -> AbstractContextManager[None]:
        """Hold a name for the time of the block, against every process that uses this database.

        The holder's death in any way releases it. Raises HeldElsewhere.
        """
        ...

    def close(self) -> None:
        """Give back every connection."""
        ...


def open_store(url: str | URL, clock: Clock, *, wait: float = DEFAULT_WAIT, upgrade: bool = False) -> Store:
    """Open the database of a ledger and bring its schema up to date.

    A SQLite file of an older schema is copied before. A database on a server is brought up to date only with
    `upgrade`, by which the operator says that a copy was made. `url` is `sqlite:///PATH`, optionally with `?mode=ro`,
    or `postgresql://USER:PASSWORD@HOST/DATABASE`.
    Raises UnknownDatabaseUrl, LedgerBusy, LedgerUnwritable, LedgerUnreachable, LedgerNotDurable,
    LedgerWrongEncoding, LedgerDamaged, LedgerTooNew, LedgerNeedsUpgrade, DatabaseDriverMissing.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # The text may hold a password: only its scheme is repeated.
        raise UnknownDatabaseUrl(found=str(url).split(":", 1)[0]) from None
    if parsed.database:
        if parsed.get_backend_name() == "sqlite":
            from khatm.ledger.sqlite_store import SqliteStore

            return SqliteStore(parsed, clock, wait=wait)
        if parsed.drivername in _POSTGRESQL:
            try:
                from khatm.ledger.postgresql_store import PostgresqlStore
            except ImportError as error:
                raise DatabaseDriverMissing(reason=str(error).partition("\n")[0]) from None

            # A port that is no number, among others.
            with suppress(ArgumentError):
                return PostgresqlStore(parsed, clock, wait=wait, upgrade=upgrade)
    raise UnknownDatabaseUrl(found=parsed.drivername)


_POSTGRESQL = ("postgresql", "postgres", "postgresql+psycopg")
