"""Processes that examine documents beside the server, so that it uses more than one core.

The server lets a worker examine a document as soon as it has come in, and then works on the call as if nothing had
been done, but with the examination at hand. A worker knows no state: where an examination asks for the authority's
records, or the worker is not there, or the call turned out to be another one, the server examines the document itself.
A worker ends when its server does, however that ends.
"""

import asyncio
import contextlib
import pickle
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import Final

from khatm.simulator.examination import examine
from khatm.simulator.official_rules import OfficialRules
from khatm.simulator.received import Examination, Examined, Received

_PROGRAM: Final = "import sys; from khatm.simulator.examiners import work; work(int(sys.argv[1]))"
_GOODBYE_SECONDS: Final = 5.0
_LENGTH: Final = 4
"""Octets in which a message's length stands before it."""
_PORTION: Final = 256 * 1024


class _UndecidableError(Exception):
    """The question needs the authority's records."""


@dataclass(frozen=True, slots=True)
class _OnlyTheCallers:
    """Knows the caller's own certificate, which stamps nearly every document; of others it cannot tell."""

    certificate_der: bytes

    def __call__(self, der: bytes) -> bool:
        if der == self.certificate_der:
            return True
        raise _UndecidableError


class _Worker:
    """One child and the socket that leads to it."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            command = (sys.executable, "-c", _PROGRAM, str(theirs.fileno()))
            self._process = subprocess.Popen(command, pass_fds=(theirs.fileno(),))  # noqa: S603 - our own command
        self._socket.setblocking(False)

    async def examine(self, received: Received) -> Examination | None:
        """Return what was found, None where it could not be decided. Raises OSError and EOFError: the child is gone."""
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._socket, _framed(received))
        parts = bytearray()
        while len(parts) < _LENGTH or len(parts) < _LENGTH + int.from_bytes(parts[:_LENGTH]):
            part = await loop.sock_recv(self._socket, _PORTION)
            if not part:
                raise EOFError
            parts += part
        found: Examination | None = pickle.loads(memoryview(parts)[_LENGTH:])  # noqa: S301 - from our own child
        return found

    def close(self) -> None:
        self._socket.close()
        try:
            self._process.wait(_GOODBYE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Examiners:
    """So many workers, each with one document at a time; they belong to one event loop."""

    def __init__(self, count: int) -> None:
        """Start them; the first documents wait until they are ready."""
        self._workers = {_Worker() for _ in range(count)}
        self._idle: asyncio.LifoQueue[_Worker] | None = None

    async def examine(self, received: Received) -> Examined | None:
        """Return the examination of a submission, None where only the server can tell."""
        if not isinstance(received.rules, OfficialRules):
            return None
        if self._idle is None:
            self._idle = asyncio.LifoQueue()
            for each in self._workers:
                self._idle.put_nowait(each)
        worker = await self._idle.get()
        known = _OnlyTheCallers(received.credential.certificate_der)
        try:
            found = await worker.examine(replace(received, known_certificate=known, previous=None))
        except BaseException as error:  # also of a call that is given up: its answer must not become another's
            self._workers.discard(worker)
            worker.close()
            worker = _Worker()
            self._workers.add(worker)
            if not isinstance(error, (OSError, EOFError)):
                raise
            return None
        finally:
            self._idle.put_nowait(worker)
        return None if found is None else Examined(received, found)

    def close(self) -> None:
        """End the workers."""
        for each in self._workers:
            each.close()


def work(descriptor: int) -> None:
    """Be a worker: until the server closes the socket, read what was received and write what was found."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; the server says when to end
    with contextlib.suppress(OSError), socket.socket(fileno=descriptor) as server, server.makefile("rb") as tasks:
        while head := tasks.read(_LENGTH):
            task = tasks.read(int.from_bytes(head))
            found = None
            with contextlib.suppress(Exception):  # the server meets the same, and answers for it
                found = examine(pickle.loads(task))  # noqa: S301 - from our own parent
            server.sendall(_framed(found))


def _framed(message: object) -> bytes:
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return len(data).to_bytes(_LENGTH) + data
