"""Copies SQLite's log into the database beside those who write, who would else wait for the disk every so often.

Source: SQLite's documentation, "Write-Ahead Logging", sections 2.1 (a checkpoint) and 3.1 (where it takes place).
"""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Final

MOST_PAGES: Final = 8000
"""Pages of the log at which whoever commits copies what is left, after which it begins anew: 32 MB."""
_EARLIER: Final = 6000
"""Pages, by our count of what this process wrote, at which a thread begins with it."""
_PAGES_OF_A_COMMIT: Final = 6
_PAGES_OF_A_ROW: Final = 1.4
"""As issues of 10 KB write: three rows and ten pages for one alone, two rows and three pages in a large group."""


class LogCopying:
    """Starts a short thread whenever this process has written enough; between them there is none."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._pages = 0.0
        self._thread: threading.Thread | None = None

    def wrote(self, rows: int) -> None:
        """Count what a transaction has changed, after its commit; two threads may lose a count, and it comes later."""
        self._pages += _PAGES_OF_A_COMMIT + _PAGES_OF_A_ROW * rows
        if self._pages < _EARLIER:
            return
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            self._pages = 0.0
            self._thread = threading.Thread(target=self._copy, name="khatm-log-copying", daemon=True)
            self._thread.start()

    def _copy(self) -> None:
        with suppress(sqlite3.Error), closing(self._connect()) as connection:  # what fails here, a commit does again
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def close(self) -> None:
        """Wait for the thread, if there is one; nothing is written meanwhile."""
        with self._lock:
            if self._thread is not None:
                self._thread.join()
