"""Group commit: callers that come while another one commits are served together by the next commit.

One caller of a lane at a time leads: it takes what is waiting, its own requests included, and serves it. Then it wakes
the first of those that it served, and each of them wakes the next as it goes: woken all at once they would only contend
for the interpreter's lock. The last of them hands the lead on to whoever has waited longest, so that those who come
back at once are there when the next commit begins, and nobody stores documents while the others wake up. A lone caller
never waits for anybody, and no thread lives in the background.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice, pairwise
from typing import Generic, TypeVar

LIMIT = 64
"""How many requests share a commit at most: others who wait for the database wait for all of them."""

Result = TypeVar("Result")


class Request(Generic[Result]):
    """One wish and what became of it: `outcome` or `error` is set by whoever serves it."""

    outcome: Result | None = None
    error: BaseException | None = None
    settled = False

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


AnyRequest = TypeVar("AnyRequest", bound=Request)  # type: ignore[type-arg]


class Caller(Generic[AnyRequest]):
    """One call of `Lane.submit`: its requests that are not settled yet, and the sleep of its thread."""

    taken = False
    """Whether a leader is serving some of its requests just now."""
    left = False
    """Whether it waits no more: it was answered or interrupted."""
    following: "Caller[AnyRequest] | None" = None
    """Who is to be woken by this one as it leaves."""

    def __init__(self, requests: Sequence[AnyRequest]) -> None:
        self.requests = requests
        self._signal = threading.Lock()
        self._signal.acquire()

    def sleep(self) -> None:
        """Sleep until woken."""
        self._signal.acquire()

    def wake(self) -> None:
        """End the sleep, or the next one before it begins; once more changes nothing."""
        try:  # `suppress` takes as long as all of this
            self._signal.release()
        except RuntimeError:
            return

    def wake_following(self) -> None:
        """Wake whoever is to be woken by this one, if there is one."""
        following = self.following
        if following is not None:
            following.wake()
            self.following = None  # after it: an interruption in between wakes twice, not never


class Lane(Generic[AnyRequest]):
    """Callers of one process whose requests are served in the order in which they came."""

    def __init__(self, serve: Callable[[Sequence[AnyRequest]], None]) -> None:
        self._serve = serve
        self._guard = threading.Lock()
        self._queue: deque[Caller[AnyRequest]] = deque()
        self._leader: Caller[AnyRequest] | None = None

    def submit(self, *requests: AnyRequest) -> None:
        """Have requests served in their order, by this thread or by others; returns when all are settled.

        `serve` settles every request of its batch. What it raises goes to the leader, and those that it left unsettled
        are served by the next one.
        """
        caller = Caller(requests)
        try:
            with self._guard:
                leads = self._leader is None
                if leads:
                    self._leader = caller
                if not leads or len(requests) > 1:
                    self._queue.append(caller)
            if leads and len(requests) == 1:  # nobody else is there: the common case needs no queue
                self._serve(requests)
                caller.requests = ()
            while caller.requests:
                if self._leader is caller:
                    self._lead(caller)
                else:
                    caller.sleep()
                    caller.wake_following()
        finally:
            self._leave(caller)

    def _lead(self, caller: Caller[AnyRequest]) -> None:
        batch: list[AnyRequest] = []
        try:
            with self._guard:
                for each in self._queue:
                    each.taken = True
                    batch.extend(islice(each.requests, LIMIT - len(batch)))
                    if len(batch) == LIMIT:
                        break
            self._serve(batch)
        finally:
            with self._guard:
                served = self._settled()
                woken = [each for each in served if each is not caller]
                for one, following in pairwise(woken):
                    one.following = following
                if woken:
                    self._leader = woken[-1]
                else:
                    self._promote()
            if woken:
                woken[0].wake()

    def _settled(self) -> list[Caller[AnyRequest]]:
        """Take those out of the queue who were served and those who left meanwhile; return who now can leave."""
        served: list[Caller[AnyRequest]] = []
        waiting: deque[Caller[AnyRequest]] = deque()
        for each in self._queue:
            if each.taken:
                each.taken = False
                one = len(each.requests) == 1 and each.requests[0].settled
                each.requests = () if one else [request for request in each.requests if not request.settled]
            if each.left:
                continue
            (waiting if each.requests else served).append(each)
        self._queue = waiting
        return served

    def _promote(self) -> None:
        """Give the lead to whoever has waited longest; the guard is held."""
        self._leader = self._queue[0] if self._queue else None
        if self._leader is not None:
            self._leader.wake()

    def _leave(self, caller: Caller[AnyRequest]) -> None:
        """Wake whoever follows and hand the lead on; an interrupted caller takes back what nobody serves yet."""
        with self._guard:
            caller.left = True
            if caller.requests and not caller.taken:
                with suppress(ValueError):
                    self._queue.remove(caller)
            if self._leader is caller:
                self._promote()
        caller.wake_following()
