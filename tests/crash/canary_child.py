"""The command line in a process that writes down what it hands to the database, and fails where it is told to.

`python -m tests.crash.canary_child ARGUMENTS…`. CANARY_STATEMENTS names a folder for the statements with their
parameters as they leave for the database. CANARY_FAULT makes the program fail with a secret in its hands and in the
error's text: `key` when a private key is loaded, else when a secret of that purpose (`ccsid`, `pcsid`) is sealed.
CANARY_MIGRATION makes it a program with a newer schema. Where the program sleeps between two attempts it sleeps for a
tenth of a second.
"""

import os
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event


def record_statements(folder: Path) -> None:
    file = (folder / f"{os.getpid()}").open("ab")

    def record(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        rows = parameters if isinstance(parameters, list) else [parameters]
        values = [value for row in rows for value in (row.values() if isinstance(row, dict) else row or ())]
        file.write(statement.encode() + b"\n")
        for value in values:
            file.write((bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()) + b"\n")
        file.flush()

    event.listen(Engine, "before_cursor_execute", record)


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
    migrations.MIGRATIONS += (migrations.Migration(newest + 1, "a test's", ("CREATE TABLE nothing (id INTEGER)",)),)


def hurry() -> None:
    sleep = time.sleep
    time.sleep = lambda seconds: sleep(min(seconds, 0.1))


if __name__ == "__main__":
    hurry()
    from khatm.cli.khatm import main

    record_statements(Path(os.environ["CANARY_STATEMENTS"]))
    if os.environ.get("CANARY_FAULT"):
        fail_on(os.environ["CANARY_FAULT"])
    if os.environ.get("CANARY_MIGRATION"):
        grow()
    main()
