"""Statements of the hot path: written once in SQLAlchemy, compiled once per database, run straight on the driver.

An issue is a few small statements; going through the toolkit for each costs ten times what the database needs.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

from sqlalchemy import ClauseElement, Connection
from sqlalchemy.engine import Dialect

_AT_ONCE: Final = 32
"""Rows of one insertion: SQLite takes 999 parameters at least, and keeps the statements of a connection prepared."""

Values = Sequence[object]
"""The values of one run, in the order of the statement's parameters, as the database stores them."""


class Prepared:
    """One statement and the names of its parameters, in the order in which their values are given and its text has
    them.
    """

    def __init__(self, statement: ClauseElement, parameters: Sequence[str]) -> None:
        self._statement = statement
        self._parameters = list(parameters)
        self._compiled: dict[str, str] = {}
        self._repeated: dict[int, str] = {}

    def run(self, connection: Connection, values: Values) -> None:
        """Run a statement that returns nothing."""
        driver, text = self._on(connection)
        driver.execute(text, values)

    def first(self, connection: Connection, values: Values) -> Any:
        """Run a query and return its first row as a tuple, None if it has none."""
        driver, text = self._on(connection)
        return driver.execute(text, values).fetchone()

    def run_many(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Run a statement that returns nothing once for each row of values."""
        if len(rows) == 1:
            self.run(connection, rows[0])
            return
        driver, text = self._on(connection)
        driver.cursor().executemany(text, rows)

    def insert_many(self, connection: Connection, rows: Sequence[Values]) -> Sequence[int]:
        """Insert rows into a table whose key is generated and return their keys in order."""
        driver, text = self._on(connection)
        if connection.dialect.name == "sqlite":
            # SQLite gives each row the highest key plus one, and this transaction is the only one that writes.
            last = self._insert_at_once(driver, text, rows)
            return range(last - len(rows) + 1, last + 1)
        cursor = driver.cursor()
        cursor.executemany(text, rows, returning=True)
        keys = [cursor.fetchone()[0]]
        while cursor.nextset():
            keys.append(cursor.fetchone()[0])
        return keys

    def _insert_at_once(self, driver: Any, text: str, rows: Sequence[Values]) -> int:
        """Insert small rows many to a statement, which takes two thirds of one each; return the last key."""
        last = 0
        for begin in range(0, len(rows), _AT_ONCE):
            part = rows[begin : begin + _AT_ONCE]
            last = driver.execute(self._of_rows(text, len(part)), list(chain.from_iterable(part))).lastrowid
        return last

    def _of_rows(self, text: str, number: int) -> str:
        found = self._repeated.get(number)
        if found is None:
            insertion, _, values = text.partition(" VALUES ")
            found = self._repeated[number] = f"{insertion} VALUES {', '.join([values] * number)}"
        return found

    def _on(self, connection: Connection) -> tuple[Any, str]:
        """Return the driver's connection (sqlite3 or psycopg) and the statement's text for it."""
        dialect = connection.dialect
        text = self._compiled.get(dialect.name)
        if text is None:
            text = self._compiled[dialect.name] = self._text(dialect)
        return connection.connection.dbapi_connection, text

    def _text(self, dialect: Dialect) -> str:
        style = "qmark" if dialect.name == "sqlite" else "format"
        positional = type(dialect)(paramstyle=style)  # type: ignore[call-arg]
        compiled: Any = self._statement.compile(dialect=positional, column_keys=self._parameters)
        assert compiled.positiontup == self._parameters, compiled.positiontup
        return str(compiled.string)
