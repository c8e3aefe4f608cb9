"""Statements of the hot path: written once in SQLAlchemy, compiled once per database, run straight on the driver.

An issue is a few small statements; going through the toolkit for each costs ten times what the database needs.
"""

from collections.abc import Mapping, Sequence
from typing import cast

from sqlalchemy import ClauseElement, Connection
from sqlalchemy.engine import Dialect


class Prepared:
    """One statement with named parameters; values are given as the database stores them."""

    def __init__(self, statement: ClauseElement, columns: Sequence[str] = ()) -> None:
        self._statement = statement
        self._columns = list(columns) or None
        self._compiled: dict[str, tuple[str, list[str] | None]] = {}

    def run(self, connection: Connection, values: Mapping[str, object]) -> None:
        """Run a statement that returns nothing."""
        self._execute(connection, values)

    def run_many(self, connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
        """Run a statement that returns nothing once for each row of values."""
        text, order = self._for(connection.dialect)
        cursor = connection.connection.cursor()
        try:
            cursor.executemany(text, rows if order is None else [[row[name] for name in order] for row in rows])
        finally:
            cursor.close()

    def first(self, connection: Connection, values: Mapping[str, object]) -> tuple[object, ...] | None:
        """Run a query and return its first row."""
        return self._execute(connection, values)

    def _execute(self, connection: Connection, values: Mapping[str, object]) -> tuple[object, ...] | None:
        text, order = self._for(connection.dialect)
        cursor = connection.connection.cursor()
        try:
            cursor.execute(text, values if order is None else [values[name] for name in order])
            return None if cursor.description is None else cast("tuple[object, ...] | None", cursor.fetchone())
        finally:
            cursor.close()

    def _for(self, dialect: Dialect) -> tuple[str, list[str] | None]:
        """Return the statement's text for a database, and the order of its parameters where they have no names."""
        found = self._compiled.get(dialect.name)
        if found is None:
            compiled = self._statement.compile(dialect=dialect, column_keys=self._columns)
            order = cast("list[str] | None", getattr(compiled, "positiontup", None))
            found = self._compiled[dialect.name] = (compiled.string, order)
        return found
