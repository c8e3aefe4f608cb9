"""Processes that examine documents beside the server, so that it uses more than one core.

The server lets a worker examine a document as soon as it has come in, and then works on the call as if nothing had
been done, but with the examination at hand. A worker knows no state: where an examination asks for the authority's
records, or the worker is not there, or the call turned out to be another one, the server examines the document itself.
A worker ends when its server does, however that ends.
"""

import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from operator import attrgetter
from typing import Final

from khatm.simulator.examination import examine
from khatm.simulator.handover import PORTION, Incoming, framed, submission, submitted
from khatm.simulator.official_rules import OfficialRules
from khatm.simulator.received import Examination, Examined, Received

_PROGRAM: Final = "import sys; from khatm.simulator.examiners import work; work(int(sys.argv[1]))"
_GOODBYE_SECONDS: Final = 5.0
_AT_HAND: Final = 2
"""Documents that a worker is given at a time."""


class _Worker:
    """One child and the socket that leads to it."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            command = (sys.executable, "-c", _PROGRAM, str(theirs.fileno()))
            self._process = subprocess.Popen(command, pass_fds=(theirs.fileno(),))  # noqa: S603 - our own command
        self._socket.setblocking(False)
        self._incoming = Incoming()
        self._unsent = bytearray()
        self._asked: deque[asyncio.Future[Examination | None]] = deque()
        """What it answers next stands first."""

    @property
    def busy(self) -> int:
        """How many documents it has."""
        return len(self._asked)

    def attach(self, loop: asyncio.AbstractEventLoop, on_lost: "Callable[[_Worker], None]") -> None:
        """Let a loop hear of its answers."""
        self._loop, self._on_lost = loop, on_lost
        loop.add_reader(self._socket, self._read)

    def ask(self, message: bytes) -> "asyncio.Future[Examination | None]":
        """Hand a document over; what is found is None where it could not be decided, or the child is gone."""
        asked = self._loop.create_future()
        self._asked.append(asked)
        waits = bool(self._unsent)
        self._unsent += message
        if not waits:
            self._write()
            if self._unsent:
                self._loop.add_writer(self._socket, self._write_on)
        return asked

    def _write_on(self) -> None:
        self._write()
        if not self._unsent:
            self._loop.remove_writer(self._socket)

    def _write(self) -> None:
        try:
            del self._unsent[: self._socket.send(self._unsent)]
        except BlockingIOError:
            return
        except OSError:
            self._lose()

    def _read(self) -> None:
        try:
            portion = self._socket.recv(PORTION)
        except BlockingIOError:
            return
        except OSError:
            portion = b""
        for found in self._incoming.messages(portion):
            asked = self._asked.popleft()
            if not asked.done():  # the call was given up
                asked.set_result(found)
        if not portion:
            self._lose()

    def _lose(self) -> None:
        """The child is gone: what it had is examined elsewhere."""
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        for asked in self._asked:
            if not asked.done():
                asked.set_result(None)
        self._asked.clear()
        self._unsent.clear()
        self._on_lost(self)

    def close(self) -> None:
        self._socket.close()
        try:
            self._process.wait(_GOODBYE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Examiners:
    """So many workers; each has a document, and a second one at hand, so that it does not wait for the server."""

    def __init__(self, count: int) -> None:
        """Start them; the first documents wait until they are ready."""
        self._workers = [_Worker() for _ in range(count)]
        self._loop: asyncio.AbstractEventLoop | None = None
        self._room = asyncio.Semaphore()

    async def examine(self, received: Received) -> Examined | None:
        """Return the examination of a submission, None where only the server can tell."""
        if not isinstance(received.rules, OfficialRules):
            return None
        try:
            message = submission(received)
        except RecursionError:  # a member of the body that is nested as deep as JSON is read
            return None
        self._belong_to(asyncio.get_running_loop())
        async with self._room:
            found = await min(self._workers, key=attrgetter("busy")).ask(message)
        return None if found is None else Examined(received, found)

    def _belong_to(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop is not self._loop:
            self._loop, self._room = loop, asyncio.Semaphore(_AT_HAND * len(self._workers))
            for each in self._workers:
                each.attach(loop, self._replace)

    def _replace(self, lost: _Worker) -> None:
        assert self._loop is not None
        lost.close()
        self._workers.remove(lost)
        self._workers.append(_Worker())
        self._workers[-1].attach(self._loop, self._replace)

    def close(self) -> None:
        """End the workers."""
        for each in self._workers:
            each.close()


def work(descriptor: int) -> None:
    """Be a worker: until the server closes the socket, read what was received and write what was found."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; the server says when to end
    incoming = Incoming()
    with contextlib.suppress(OSError), socket.socket(fileno=descriptor) as server:
        while portion := server.recv(PORTION):
            for message in incoming.messages(portion):
                found = None
                with contextlib.suppress(Exception):  # the server meets the same, and answers for it
                    found = examine(submitted(message))
                server.sendall(framed(found))
