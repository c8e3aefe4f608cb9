"""How many calls a caller may make: the switch `rate_limit`.

The real gateway answers 429 at a rate that is not published (gateway contract 4.12, 8.7).
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable

_WINDOW = 60.0
"""Seconds."""
_MOST_CALLERS = 10_000


class RateLimit:
    """Counts calls in the last minute, by the machine's clock: the simulator's may stand still."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._calls: dict[Hashable, deque[float]] = {}

    def passes(self, caller: Hashable, limit: int) -> bool:
        """Tell whether one more call of this caller is within so many in a minute; refused ones do not count."""
        now = self._seconds()
        with self._lock:
            if len(self._calls) > _MOST_CALLERS:
                self._calls = {each: times for each, times in self._calls.items() if times[-1] > now - _WINDOW}
            times = self._calls.setdefault(caller, deque())
            while times and times[0] <= now - _WINDOW:
                times.popleft()
            if len(times) >= limit:
                return False
            times.append(now)
            return True
