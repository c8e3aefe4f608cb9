"""Connections of a store, lent out one at a time and kept open in between.

The toolkit's own pool resets and wraps a connection anew for each transaction, which costs as much as a short
transaction itself; the stores end their transactions by themselves.
"""

from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue

from sqlalchemy import Connection

LIMIT = 32
"""How many connections of one process may be lent out at a time."""


class Connections:
    """Lends connections to the threads of one process."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._idle: deque[Connection] = deque()
        self._free: SimpleQueue[None] = SimpleQueue()
        for _ in range(LIMIT):
            self._free.put(None)

    def take(self, wait: float) -> Connection:
        """Lend a connection; it must be given back. Raises TimeoutError when none comes free for `wait` seconds."""
        try:
            self._free.get(timeout=wait)
        except Empty:
            raise TimeoutError from None
        try:
            return self._idle.pop()
        except IndexError:
            pass
        try:
            return self._connect()
        except BaseException:
            self._free.put(None)
            raise

    def give_back(self, connection: Connection) -> None:
        """Take a connection back; one that was invalidated is closed."""
        if connection.invalidated:
            connection.close()
        else:
            self._idle.append(connection)
        self._free.put(None)

    def close(self) -> None:
        """Close the connections that are not lent out."""
        while self._idle:
            self._idle.pop().close()
