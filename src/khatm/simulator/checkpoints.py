"""Brings what was written from a database's log into its file beside those who write, who would wait for the disk.

Source: SQLite's documentation, "Write-Ahead Logging", section 2.1 (a checkpoint) and 3.1 (where it takes place).
"""

import contextlib
import sqlite3
import threading
from typing import Final

_SECONDS: Final = 0.25
_MOST_PAGES: Final = 8000
"""So long may the log be before whoever writes brings the rest over; only then can it begin anew while calls come."""


class Checkpoints:
    """A thread for one database in a file, with a connection of its own."""

    def __init__(self, path: str, writer: sqlite3.Connection) -> None:
        """`writer` is the connection that will write. Raises sqlite3.Error."""
        writer.execute(f"PRAGMA wal_autocheckpoint={_MOST_PAGES}")
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="khatm-checkpoints", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended.wait(_SECONDS):
            with contextlib.suppress(sqlite3.Error):  # the next time, or the writer, does it
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def close(self) -> None:
        """End the thread; the writer is closed after it."""
        self._ended.set()
        self._thread.join()
        self._connection.close()
