"""Copies SQLite's log into the database beside those who write, who would else wait for the disk every so often.

Source: SQLite's documentation, "Write-Ahead Logging", sections 2.1 (a checkpoint) and 3.1 (where it takes place).
"""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Final

MOST_PAGES: Final = 16_000
"""Pages of the log at which whoever commits copies what is left, after which it begins anew: 64 MB."""
_EARLIER: Final = 12_000
"""Pages, by our count of what this process wrote, at which a thread begins with it."""
_PAGES_OF_A_COMMIT: Final = 6
_PAGES_OF_A_ROW: Final = 1.4
"""As issues of 10 KB write: three rows and ten pages for one alone, two rows and three pages in a large group."""
_PASSES: Final = 2
"""Of the thread: the second copies what was written during the first, and leaves little to whoever ends the log."""
_TRIES: Final = 8
"""Commits that try to end the log; a neighbour who reads or writes just then prevents it."""


class LogCopying:
    """Starts a short thread whenever this process has written enough; between them there is none.

    What is written while the thread copies would keep the log from ever beginning anew. So the next commit copies that
    little itself, when nobody else of this process writes.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._pages = 0.0
        self._tries = 0
        self._thread: threading.Thread | None = None

    def wrote(self, rows: int, connection: sqlite3.Connection) -> None:
        """Count what a transaction has changed, after its commit; two threads may lose a count, and it comes later."""
        self._pages += _PAGES_OF_A_COMMIT + _PAGES_OF_A_ROW * rows
        if self._tries:
            self._end_log(connection)
        elif self._pages >= _EARLIER:
            self._begin()

    def _begin(self) -> None:
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            self._pages = 0.0
            thread = threading.Thread(target=self._copy, name="khatm-log-copying", daemon=True)
            with suppress(RuntimeError):  # no more threads: a commit does it, and what was committed stays acknowledged
                thread.start()
                self._thread = thread

    def _copy(self) -> None:
        with suppress(sqlite3.Error), closing(self._connect()) as connection:  # what fails here, a commit does again
            for _ in range(_PASSES):
                _all_copied(connection)
            self._tries = _TRIES

    def _end_log(self, connection: sqlite3.Connection) -> None:
        self._tries -= 1
        with suppress(sqlite3.Error):
            if _all_copied(connection):
                self._tries = 0
                self._pages = 0.0

    def close(self) -> None:
        """Wait for the thread, if there is one; nothing is written meanwhile."""
        with self._lock:
            if self._thread is not None:
                self._thread.join()


def _all_copied(connection: sqlite3.Connection) -> bool:
    """Copy what can be; whether nothing is left, so that whoever writes next begins the log anew."""
    busy, pages, copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return not busy and bool(pages == copied)
