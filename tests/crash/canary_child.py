"""The command line in a process that writes down what it hands to the database, and fails where it is told to.

`python -m tests.crash.canary_child ARGUMENTS…`. CANARY_STATEMENTS names a folder for the statements with their
parameters as they leave for the database. CANARY_FAULT makes the program fail with a secret in its hands and in the
error's text: `key` when a private key is loaded, else when a secret of that purpose (`ccsid`, `pcsid`) is sealed.
CANARY_MIGRATION makes it a program with a newer schema. Where the program sleeps between two attempts it sleeps for a
tenth of a second.
"""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.pool import Pool


class Recorder:
    """A file of this process with every statement that a driver is given, and its values."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / f"{os.getpid()}").open("ab")
        event.listen(Pool, "connect", self._traced)
        if "KHATM_DATABASE_URL" not in os.environ:
            return
        import psycopg

        for cursor in (psycopg.Cursor, psycopg.AsyncCursor):
            for name in ("execute", "executemany"):
                setattr(cursor, name, self._recorded(getattr(cursor, name)))

    def _traced(self, connection: Any, _record: object) -> None:
        if hasattr(connection, "set_trace_callback"):  # SQLite, which tells statements with their values in place
            connection.set_trace_callback(self._write)

    def _recorded(self, method: Callable[..., object]) -> Callable[..., object]:
        def record(cursor: object, statement: object, *values: Any, **options: Any) -> object:
            self._write(statement)
            for value in _flat(values):
                self._write(value)
            return method(cursor, statement, *values, **options)

        return record

    def _write(self, value: object) -> None:
        self._file.write((bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()) + b"\n")
        self._file.flush()


def _flat(values: Any) -> Iterator[object]:
    for value in values.values() if isinstance(values, dict) else values:
        if isinstance(value, dict | list | tuple):
            yield from _flat(value)
        else:
            yield value


def fail_on(secret: str) -> None:
    from khatm.ledger import sealing
    from khatm.stamp import keys

    def failing(plain: bytes) -> None:
        raise RuntimeError(f"{secret} in hand: {plain!r} {plain.decode(errors='replace')}")

    if secret == "key":
        keys.load_key = failing  # type: ignore[assignment]
        return
    seal = sealing.Seals.seal

    def sealed(self: sealing.Seals, plain: bytes, purpose: str) -> bytes:
        if secret in purpose:
            failing(plain)
        return seal(self, plain, purpose)

    sealing.Seals.seal = sealed  # type: ignore[method-assign]


def grow() -> None:
    from khatm.ledger import migrations

    newest = migrations.newest_version()
    migrations.MIGRATIONS += (
        migrations.Migration(newest + 1, "what comes later", ("CREATE TABLE later (id INTEGER)",)),
    )


def hurry() -> None:
    sleep = time.sleep
    time.sleep = lambda seconds: sleep(min(seconds, 0.1))


if __name__ == "__main__":
    hurry()
    from khatm.cli.khatm import main

    Recorder(Path(os.environ["CANARY_STATEMENTS"]))
    if os.environ.get("CANARY_FAULT"):
        fail_on(os.environ["CANARY_FAULT"])
    if os.environ.get("CANARY_MIGRATION"):
        grow()
    main()
