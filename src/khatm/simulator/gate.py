"""Lets calls pass side by side, and what concerns the whole state only while none is under way."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """A lock that many calls share and one snapshot, restoration or reset has alone.

    Whoever waits to be alone holds back those who come after, so that a busy simulator can be saved at all. A holder
    must not come a second time.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._alone = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Be inside together with others."""
        with self._changed:
            while self._alone:
                self._changed.wait()
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be inside with nobody else."""
        with self._changed:
            while self._alone:
                self._changed.wait()
            self._alone = True
            while self._inside:
                self._changed.wait()
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()
