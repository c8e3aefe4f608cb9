"""Group commit: callers that come while another one commits are served together by the next commit.

One caller of a lane at a time leads: it takes what is waiting, its own request included, serves it, hands the lead to
the first of those that came meanwhile and wakes the first of those that it served. Each of them wakes the next as it
goes: woken all at once they would only contend for the interpreter's lock. A lone caller never waits for anybody, and
no thread lives in the background.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice, pairwise
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
        self.left = False
        """Whether its caller waits for it no more: it was answered, or its caller was interrupted."""
        self.following: Request[Result] | None = None
        """Whose caller is to be woken by this one's as it leaves."""
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
            if len(requests) != 1 or not self._alone(requests[0]):
                self._in_turn(requests)
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

    def _in_turn(self, requests: Sequence[AnyRequest]) -> None:
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
        self._leave(requests)

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
                self._queue = deque(each for each in self._queue if not each.settled and not each.left)
                for each in self._queue:
                    each.taken = False
                self._promote()
                # Who has left already would wake nobody.
                waiting = [each for each in batch if each.settled and not each.left]
                for one, following in pairwise(waiting):
                    one.following = following
            if waiting:
                waiting[0].wake()

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
        """Wake whoever follows. Of an interrupted caller, take back what nobody serves yet, and hand the lead on."""
        with self._guard:
            for each in requests:
                each.left = True
            if not all(each.settled for each in requests):
                self._queue = deque(each for each in self._queue if each.taken or not each.left)
            if self._leader in requests:
                self._promote()
        for each in requests:
            following, each.following = each.following, None
            if following is not None:
                following.wake()
