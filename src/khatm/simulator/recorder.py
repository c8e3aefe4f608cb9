"""The latest exchanges with the gateway, for people and tests that want to see what was said; secrets masked."""

import re
import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Literal

from khatm.simulator.exchange import Request, Response

_MOST = 2000
_MOST_BYTES = 64 * 1024 * 1024
_SECRET = re.compile(rb'("secret":)"[^"]*"')
_MASKED_HEADERS = frozenset({"authorization", "otp", "cookie"})


Delivered = Literal["all", "part", "nothing"]
"""How much of an answer was sent."""


@dataclass(frozen=True, slots=True)
class FaultNote:
    """What a fault did to an exchange."""

    fault: int
    """The fault's number."""
    strike: int
    """The number of this strike among those of the fault, from 1 on."""
    then: object
    """What the script says that it does."""
    true_status: int | None
    """What the authority answered; None: the call never reached it."""
    delivered: Delivered

    def members(self) -> dict[str, object]:
        """Return its JSON members."""
        return {
            "id": self.fault,
            "strike": self.strike,
            "then": self.then,
            "processed": self.true_status is not None,
            "true_status": self.true_status,
            "delivered": self.delivered,
        }


@dataclass(frozen=True, slots=True)
class RecordedExchange:
    """One call and its answer."""

    number: int
    """Rises by one with every call of the run."""
    received_at: datetime
    """By the simulator's clock."""
    request: Request
    response: Response | None
    """What was answered, or would have been had a fault not broken the connection; None: there was no answer."""
    fault: FaultNote | None = None

    @property
    def size(self) -> int:
        """The octets that it holds, near enough."""
        headers = sum(len(name) + len(value) for name, value in self.request.headers.items())
        answer = 0 if self.response is None else len(self.response.body)
        return len(self.request.path) + headers + len(self.request.body) + answer

    def shown_headers(self) -> dict[str, str]:
        """Return the request's headers, those that authenticate as three dots."""
        return {name: "…" if name in _MASKED_HEADERS else value for name, value in self.request.headers.items()}

    def shown_answer(self) -> bytes:
        """Return the answer's body with the value of a CSID's `secret` as three dots."""
        return b"" if self.response is None else _SECRET.sub('\\1"…"'.encode(), self.response.body)


class Recorder:
    """Keeps the latest exchanges within a bound of number and size, in memory."""

    def __init__(self, most: int = _MOST, most_bytes: int = _MOST_BYTES) -> None:
        self._lock = threading.Lock()
        self._kept: deque[RecordedExchange] = deque()
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._count = 0

    def record(
        self, request: Request, response: Response | None, received_at: datetime, fault: FaultNote | None = None
    ) -> None:
        """Keep one exchange and let go of the oldest beyond the bounds."""
        with self._lock:
            self._count += 1
            exchange = RecordedExchange(self._count, received_at, request, response, fault)
            self._kept.append(exchange)
            self._bytes += exchange.size
            while self._kept and (len(self._kept) > self._most or self._bytes > self._most_bytes):
                self._bytes -= self._kept.popleft().size

    def latest(self, limit: int) -> list[RecordedExchange]:
        """Return at most `limit` exchanges, the latest ones, oldest first."""
        with self._lock:
            return list(islice(self._kept, max(0, len(self._kept) - limit), None))

    def forget(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0
