"""Kept states to go back to: whole copies of the database, for one run or beside the state in its folder.

A snapshot holds taxpayers, OTPs, devices, credentials, documents, armed faults with their counts, and the moment of
the simulator's clock. Exchanges are no part of it: they are the record of what happened.
"""

import sqlite3
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from khatm.simulator.errors import TooManySnapshots, UnknownSnapshot, UnusableStore
from khatm.simulator.store import Store

MOST_SNAPSHOTS = 100
_TAKEN_AT = "snapshot taken at"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One kept state."""

    id: int
    taken_at: datetime
    """By the simulator's clock."""


class Snapshots:
    """Takes, keeps and gives back copies of a store. `folder` None keeps them for this run."""

    def __init__(self, store: Store, folder: Path | None = None) -> None:
        self._store = store
        self._folder = folder
        self._lock = threading.Lock()
        self._kept: dict[int, sqlite3.Connection] = {}
        if folder is not None and folder.is_dir():
            numbers = (path.stem for path in folder.glob("*.sqlite3"))
            for number in sorted(int(each) for each in numbers if each.isascii() and each.isdigit()):
                self._kept[number] = _open(self._path(number))

    def take(self, now: datetime) -> Snapshot:
        """Copy the state. Raises TooManySnapshots, and UnusableStore when the copy cannot be written."""
        with self._lock:
            if len(self._kept) >= MOST_SNAPSHOTS:
                raise TooManySnapshots(allowed=MOST_SNAPSHOTS)
            number = max(self._kept, default=0) + 1
            path = self._path(number)
            copy = _open(path)
            try:
                self._store.copy_to(copy)
                with copy:
                    copy.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (_TAKEN_AT, now.isoformat()))
            except sqlite3.Error as error:
                copy.close()
                raise UnusableStore(path=path, reason=str(error)) from error
            self._kept[number] = copy
            return Snapshot(number, now)

    def restore(self, number: int) -> Snapshot:
        """Replace the state by a kept one. Raises UnknownSnapshot."""
        with self._lock:
            copy = self._one(number)
            self._store.copy_from(copy)
            return Snapshot(number, _taken_at(copy))

    def kept(self) -> list[Snapshot]:
        """Return what is kept, oldest first."""
        with self._lock:
            return [Snapshot(number, _taken_at(copy)) for number, copy in self._kept.items()]

    def drop(self, number: int) -> None:
        """Let one go. Raises UnknownSnapshot."""
        with self._lock:
            self._one(number).close()
            del self._kept[number]
            if self._folder is not None:
                Path(self._path(number)).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the copies; those in a folder stay there."""
        with self._lock:
            for copy in self._kept.values():
                copy.close()
            self._kept.clear()

    def _one(self, number: int) -> sqlite3.Connection:
        if number not in self._kept:
            raise UnknownSnapshot(snapshot=str(number))
        return self._kept[number]

    def _path(self, number: int) -> str:
        """Return the file of a snapshot; the empty name is a temporary database of SQLite's own."""
        return "" if self._folder is None else str(self._folder / f"{number}.sqlite3")


def _open(path: str) -> sqlite3.Connection:
    try:
        if path:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        return sqlite3.connect(path, check_same_thread=False)
    except (sqlite3.Error, OSError) as error:
        raise UnusableStore(path=path, reason=str(error)) from error


def _taken_at(copy: sqlite3.Connection) -> datetime:
    row = copy.execute("SELECT value FROM fact WHERE name = ?", (_TAKEN_AT,)).fetchone()
    return datetime.fromisoformat(row[0])
