"""Processes that examine documents beside the server, so that it uses more than one core.

A worker is a child that reads one document after the other from its standard input and writes what it found. It knows
no state: what an examination asks of the authority's records goes along, and where that does not suffice, or a worker
is not there, the server examines the document itself. A worker ends when its server does, however that ends.
"""

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import BinaryIO, Final, cast

from khatm.simulator.examination import examine
from khatm.simulator.official_rules import OfficialRules
from khatm.simulator.received import Examination, Received

_COMMAND: Final = (sys.executable, "-c", "from khatm.simulator.examiners import work; work()")
_GOODBYE_SECONDS: Final = 5.0


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
    """One child and its two pipes."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._tasks = cast("BinaryIO", self._process.stdin)
        self._answers = cast("BinaryIO", self._process.stdout)

    def examine(self, received: Received) -> Examination | None:
        """Return what was found, None where it could not be decided. Raises OSError and EOFError: the child is gone."""
        pickle.dump(received, self._tasks, pickle.HIGHEST_PROTOCOL)
        self._tasks.flush()
        found: Examination | None = pickle.load(self._answers)  # noqa: S301 - from our own child
        return found

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._tasks.close()
        try:
            self._process.wait(_GOODBYE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers.close()


class Examiners:
    """So many workers, each with one document at a time; callable from many threads."""

    def __init__(self, count: int) -> None:
        """Start them; they are ready when they are, and the first documents wait for that."""
        self._count = count
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        for _ in range(count):
            self._idle.put(_Worker())

    def examine(self, received: Received) -> Examination:
        """Judge one submission as `examination.examine` does."""
        if not isinstance(received.rules, OfficialRules):
            return examine(received)
        task = replace(received, known_certificate=_OnlyTheCallers(received.credential.certificate_der))
        worker = self._idle.get()
        try:
            found = worker.examine(task)
        except (OSError, EOFError, pickle.UnpicklingError):
            worker.close()
            worker, found = _Worker(), None
        finally:
            self._idle.put(worker)
        return examine(received) if found is None else found

    def close(self) -> None:
        """End the workers; no call may be under way."""
        for _ in range(self._count):
            self._idle.get().close()


def work() -> None:
    """Be a worker: until standard input ends, read what was received and write what was found."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; the server says when to end
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that prints may stand between two answers
    while True:
        try:
            received: Received = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own parent
        except EOFError:
            return
        try:
            found = examine(received)
        except Exception:  # the server meets it too, and answers for it
            found = None
        try:
            pickle.dump(found, answers, pickle.HIGHEST_PROTOCOL)
            answers.flush()
        except BrokenPipeError:
            return
