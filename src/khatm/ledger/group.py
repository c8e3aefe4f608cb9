"""Group commit: callers that come while another one commits are served together by the next commit.

One caller of a lane at a time leads: it takes what is waiting, its own request included, serves it and wakes the
others, then hands the lead to the first of those that came meanwhile. A lone caller never waits for anybody, and no
thread lives in the background.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from typing import Generic, TypeVar

LIMIT = 64
"""How many requests share a commit at most: others who wait for the database wait for all of them."""

Result = TypeVar("Result")


class Request(Generic[Result]):
    """One caller's wish and what became of it: `outcome` or `error` is set by whoever serves it."""

    def __init__(self) -> None:
        self.outcome: Result | None = None
        self.error: BaseException | None = None
        self.settled = False
        self.taken = False
        """Whether a leader is serving it just now."""
        self.abandoned = False
        """Whether its caller was interrupted meanwhile and waits for it no more."""
        self._signal = threading.Lock()
        self._signal.acquire()

    def settle(self, outcome: Result) -> None:
        """Set the outcome; the caller hears of it when the batch is over."""
        self.outcome, self.settled = outcome, True

    def fail(self, error: BaseException) -> None:
        """Set the error that the caller is to get."""
        self.error, self.settled = error, True

    def answer(self) -> Result:
        """Return the outcome or raise the error."""
        if self.error is not None:
            raise self.error
        assert self.outcome is not None
        return self.outcome

    def wait(self) -> None:
        """Sleep until woken."""
        self._signal.acquire()

    def wake(self) -> None:
        """End the sleep, or the next one before it begins; once more changes nothing."""
        with suppress(RuntimeError):
            self._signal.release()


AnyRequest = TypeVar("AnyRequest", bound=Request)  # type: ignore[type-arg]


class Lane(Generic[AnyRequest]):
    """Callers of one process whose requests are served in the order in which they came."""

    def __init__(self, serve: Callable[[Sequence[AnyRequest]], None]) -> None:
        self._serve = serve
        self._guard = threading.Lock()
        self._queue: deque[AnyRequest] = deque()
        self._leader: AnyRequest | None = None
        self._crowd = 0
        """How many the last batch served: where there was a crowd, it comes back as soon as it is let."""

    def submit(self, *requests: AnyRequest) -> None:
        """Have requests served in their order, by this thread or by others; returns when all are settled.

        `serve` settles every request of its batch. What it raises goes to the leader, and those that it left unsettled
        are served by the next one.
        """
        try:
            if len(requests) == 1 and self._alone(requests[0]):
                return
            with self._guard:
                self._queue.extend(requests)
                if self._leader is None:
                    self._leader = requests[0]
            for request in requests:
                if not request.settled:
                    if self._leader is not request:
                        request.wait()
                    if not request.settled:
                        self._lead()
        except BaseException:
            self._leave(requests)
            raise

    def _alone(self, request: AnyRequest) -> bool:
        """Serve a request at once if nobody else is there; the common case, without a queue."""
        if self._crowd > 1:
            return False
        with self._guard:
            if self._leader is not None:
                return False
            self._leader = request
        try:
            self._serve((request,))
        finally:
            with self._guard:
                self._promote()
        return True

    def _lead(self) -> None:
        self._gather()
        with self._guard:
            batch = list(islice(self._queue, LIMIT))
            for each in batch:
                each.taken = True
        self._crowd = len(batch)
        try:
            self._serve(batch)
        finally:
            with self._guard:
                self._queue = deque(each for each in self._queue if not each.settled and not each.abandoned)
                for each in self._queue:
                    each.taken = False
                self._promote()
            for each in batch:
                if each.settled:
                    each.wake()

    def _promote(self) -> None:
        """Give the lead to whoever has waited longest; the guard is held."""
        self._leader = self._queue[0] if self._queue else None
        if self._leader is not None:
            self._leader.wake()

    def _gather(self) -> None:
        """Let those who were woken by the last commit come in before the next begins, if there were several."""
        wanted = min(self._crowd, LIMIT)
        if wanted < 2:
            return
        until = time.monotonic() + 0.002
        before = -1
        while before < len(self._queue) < wanted and time.monotonic() < until:
            before = len(self._queue)
            time.sleep(0)

    def _leave(self, requests: Sequence[AnyRequest]) -> None:
        """Take back what an interrupted caller had asked for, as far as nobody serves it; hand the lead on."""
        with self._guard:
            for each in requests:
                each.abandoned = True
            self._queue = deque(each for each in self._queue if each.taken or not each.abandoned)
            if self._leader in requests:
                self._promote()
