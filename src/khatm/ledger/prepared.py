"""Statements of the hot path: written once in SQLAlchemy, compiled once per database, run straight on the driver.

An issue is a few small statements; going through the toolkit for each costs ten times what the database needs.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ClauseElement, Connection

Values = Mapping[str, object]


class Prepared:
    """One statement with named parameters; values are given as the database stores them."""

    def __init__(self, statement: ClauseElement, columns: Sequence[str] = ()) -> None:
        self._statement = statement
        self._columns = list(columns) or None
        self._compiled: dict[str, tuple[str, list[str] | None]] = {}

    def run(self, connection: Connection, values: Values) -> None:
        """Run a statement that returns nothing."""
        self._execute(connection, values)

    def first(self, connection: Connection, values: Values) -> Any:
        """Run a query and return its first row as a tuple, None if it has none."""
        return self._execute(connection, values).fetchone()

    def run_many(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Run a statement that returns nothing once for each row of values."""
        if len(rows) == 1:
            self._execute(connection, rows[0])
            return
        driver, text, order = self._on(connection)
        driver.cursor().executemany(text, rows if order is None else [[row[name] for name in order] for row in rows])

    def insert_many(self, connection: Connection, rows: Sequence[Values]) -> list[int]:
        """Insert rows into a table whose key is generated and return their keys in order."""
        driver, text, order = self._on(connection)
        if order is not None:
            if len(rows) == 1:
                return [driver.execute(text, [rows[0][name] for name in order]).lastrowid]
            cursor = driver.executemany(text, [[row[name] for name in order] for row in rows])
            # SQLite gives each row the highest key plus one, and this transaction is the only one that writes.
            last: int = cursor.execute("SELECT last_insert_rowid()").fetchone()[0]
            return list(range(last - len(rows) + 1, last + 1))
        cursor = driver.cursor()
        cursor.executemany(text, rows, returning=True)
        keys = [cursor.fetchone()[0]]
        while cursor.nextset():
            keys.append(cursor.fetchone()[0])
        return keys

    def _execute(self, connection: Connection, values: Values) -> Any:
        driver, text, order = self._on(connection)
        return driver.execute(text, values if order is None else [values[name] for name in order])

    def _on(self, connection: Connection) -> tuple[Any, str, list[str] | None]:
        """Return the driver's connection (sqlite3 or psycopg), the statement's text for it, and the order of the
        parameters where they have no names.
        """
        dialect = connection.dialect
        found = self._compiled.get(dialect.name)
        if found is None:
            compiled = self._statement.compile(dialect=dialect, column_keys=self._columns)
            found = self._compiled[dialect.name] = (compiled.string, getattr(compiled, "positiontup", None))
        return connection.connection.dbapi_connection, *found
