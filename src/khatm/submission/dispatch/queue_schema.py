"""Where procrastinate keeps its tables: a schema of their own in the ledger's database.

The schema is named after what procrastinate would put into it, so that two versions of it never share tables: during
an upgrade each version's workers use their own queue, and the ledger's claims keep them apart. A queue holds nothing
that the ledger does not know; an old one may be dropped.
"""

import hashlib

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url


def conninfo(database_url: str) -> str:
    """Return a ledger's address as libpq takes it."""
    return make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)


def options_with_schema(database_url: str, schema: str) -> str:
    """Return the connection's options, those of the address included, with another search path."""
    url: URL = make_url(database_url)
    given = url.query.get("options", "")
    return f"{given if isinstance(given, str) else ' '.join(given)} -c search_path={schema}".strip()


def ensure_schema(database_url: str) -> str:
    """Make the schema unless it is there, and return its name; safe when several processes start together.

    Raises psycopg's errors.
    """
    from procrastinate.schema import SchemaManager

    statements = SchemaManager.get_schema()
    fingerprint = hashlib.sha256(statements.encode()).hexdigest()[:8]
    with psycopg.connect(conninfo(database_url)) as connection:
        row = connection.execute("SELECT current_schema()").fetchone()
        assert row is not None
        name = f"{row[0]}_khatm_queue_{fingerprint}"[-63:]
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (name,))
        there = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (name,)).fetchone()
        if there is None:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
            connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(sql.Identifier(name)))
            connection.execute(statements)
    return name
