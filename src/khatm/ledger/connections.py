"""Connections of a store, lent out one at a time and kept open in between.

The toolkit's own pool resets and wraps a connection anew for each transaction, which costs as much as a short
transaction itself; the stores end their transactions by themselves.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

LIMIT = 32
"""How many connections of one process may be open at a time."""


class Connections:
    """Lends connections to the threads of one process."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._idle: deque[Connection] = deque()
        self._free = threading.BoundedSemaphore(LIMIT)

    @contextmanager
    def lent(self, wait: float) -> Iterator[Connection]:
        """Lend a connection for the time of the block; one that the block invalidates is closed.

        Raises TimeoutError when all of them are lent out for `wait` seconds.
        """
        if not self._free.acquire(timeout=wait):
            raise TimeoutError
        try:
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = self._connect()
            try:
                yield connection
            except BaseException:
                if not connection.invalidated:
                    connection.rollback()  # the toolkit's own notion of a transaction begins anew
                raise
            finally:
                if connection.invalidated:
                    connection.close()
                else:
                    self._idle.append(connection)
        finally:
            self._free.release()

    def close(self) -> None:
        """Close the connections that are not lent out."""
        while self._idle:
            self._idle.pop().close()
