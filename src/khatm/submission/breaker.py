"""The circuit breaker: a gateway that fails again and again is left alone for a while, then asked once.

One breaker stands for one environment at one address and is shared by all units and threads of a process.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from khatm.environment import Environment
from khatm.gateway.transport import Fault
from khatm.gateway.verdict import Action, Outcome

FAILURES = 5
"""So many failed calls in a row, whichever documents they were for, open the circuit."""
SILENCES = 2
"""So many in a row that reached nobody, or were waited for in vain, do so already: each may cost a minute."""
SHORTEST, LONGEST = 5.0, 60.0
"""Seconds that a circuit stays open, doubled from the one to the other while the single question fails."""


class Circuit(StrEnum):
    """Whether calls go through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    """One call is asking whether the gateway is back."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a breaker turned to: open for so many seconds and why, or closed."""

    circuit: Circuit
    seconds: float = 0.0
    cause: Outcome | None = None
    """The outcome of the call that opened it."""


class Breaker:
    """Counts how calls to one gateway end; `clock` gives seconds on a scale of its own."""

    def __init__(
        self, listener: Callable[[Turn], None] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._listener = listener
        self._clock = clock
        self._guard = threading.Lock()
        self._failures = 0
        self._silences = 0
        self._open_until: float | None = None
        self._pause = SHORTEST
        self._asking: int | None = None

    @property
    def circuit(self) -> Circuit:
        """How the circuit stands now."""
        with self._guard:
            if self._open_until is None:
                return Circuit.CLOSED
            return Circuit.OPEN if self._asking is None else Circuit.HALF_OPEN

    def is_ready(self) -> bool:
        """Whether `admit` would let a call through now."""
        with self._guard:
            return self._is_ready()

    def admit(self) -> bool:
        """Say whether the calling thread may call now; when the time has come, one thread may ask, the others wait."""
        with self._guard:
            if not self._is_ready():
                return False
            if self._open_until is not None:
                self._asking = threading.get_ident()
            return True

    def withdraw(self) -> None:
        """Say that a call that was let through was not made, or broke off here and not at the gateway."""
        with self._guard:
            if self._asking == threading.get_ident():
                self._asking = None

    def note(self, outcome: Outcome) -> None:
        """Count how a call ended."""
        with self._guard:
            turn = self._turn(outcome)
        if turn is not None and self._listener is not None:
            self._listener(turn)

    def _is_ready(self) -> bool:
        if self._open_until is None:
            return True
        return self._asking in (None, threading.get_ident()) and self._clock() >= self._open_until

    def _turn(self, outcome: Outcome) -> Turn | None:
        asked = self._asking == threading.get_ident()
        if asked:
            self._asking = None
        if outcome.http_status == 429:
            # The document itself waits as long as it was told; the others ask after a minute at most.
            return self._open(min(outcome.retry_after or SHORTEST, LONGEST), outcome)
        if not _is_trouble(outcome):
            was_open, self._open_until, self._pause = self._open_until is not None, None, SHORTEST
            self._failures = self._silences = 0
            return Turn(Circuit.CLOSED) if was_open else None
        self._failures += 1
        self._silences = self._silences + 1 if _is_silence(outcome) else 0
        if asked:
            self._pause = min(self._pause * 2, LONGEST)
            return self._open(self._pause, outcome)
        if self._open_until is not None:  # this call was under way when another one opened the circuit
            return None
        enough = self._failures >= FAILURES or self._silences >= SILENCES
        return self._open(self._pause, outcome) if enough or outcome.action is Action.CHECK_CONNECTION else None

    def _open(self, seconds: float, outcome: Outcome) -> Turn:
        self._open_until = self._clock() + seconds
        return Turn(Circuit.OPEN, seconds, outcome)


class Breakers:
    """The breakers of one process, by environment and address (None: the setting's or ZATCA's own)."""

    def __init__(
        self,
        listener: Callable[[Environment, str | None, Turn], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._listener = listener
        self._clock = clock
        self._known: dict[tuple[Environment, str | None], Breaker] = {}
        self._guard = threading.Lock()

    def of(self, environment: Environment, address: str | None) -> Breaker:
        """Return the breaker of a gateway."""
        with self._guard:
            found = self._known.get((environment, address))
            if found is None:

                def tell(turn: Turn) -> None:
                    if self._listener is not None:
                        self._listener(environment, address, turn)

                found = self._known[environment, address] = Breaker(tell, self._clock)
            return found

    def circuits(self) -> dict[tuple[Environment, str | None], Circuit]:
        """Return how each circuit stands."""
        with self._guard:
            known = dict(self._known)
        return {gateway: breaker.circuit for gateway, breaker in known.items()}


def _is_trouble(outcome: Outcome) -> bool:
    """Whether a call found no working gateway: no answer, a server's failure, or a page of something in between."""
    return outcome.http_status is None or outcome.row in _TROUBLE or outcome.action is Action.CHECK_CONNECTION


def _is_silence(outcome: Outcome) -> bool:
    return outcome.row == "unreachable" or (outcome.exchange.failure or "").startswith(Fault.TIMED_OUT)


_TROUBLE = frozenset({"gateway-trouble", "page-in-between", "answer-malformed"})
