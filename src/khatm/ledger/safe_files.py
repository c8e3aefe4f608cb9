"""Files whose contents and names are on disk when a function returns."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Have the names in a folder written to disk; does nothing where folders cannot be synced."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def keep_copy(database: Path, target: Path) -> Path:
    """Copy a SQLite database as it is now, private (0600), to `target` or the first free name after it.

    A copy that is there already is never overwritten: it may be the only one of what it holds. Raises OSError,
    sqlite3.Error; then no file is left.
    """
    aside = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        os.close(os.open(aside, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600))
        with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(aside)) as copy:
            source.backup(copy)
            # Whole in one file: nothing of it is left in a log beside it.
            copy.execute("PRAGMA journal_mode=DELETE")
        with aside.open("rb") as written:
            os.fsync(written.fileno())
        kept, number = target, 1
        while kept.exists():
            number += 1
            kept = target.with_name(f"{target.name}-{number}")
        aside.rename(kept)
        sync_folder(kept.parent)
        return kept
    finally:
        aside.unlink(missing_ok=True)
