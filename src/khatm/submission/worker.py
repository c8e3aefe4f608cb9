"""What every worker does, whoever tells it which unit is next: find units with something to send, and send for one."""

import random
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from khatm.clock import Clock
from khatm.errors import KhatmError
from khatm.ledger.claims import LEASE
from khatm.ledger.ledger import Ledger
from khatm.ledger.units import Unit
from khatm.submission.circuits import journalled_breakers
from khatm.submission.claiming import ClaimKeeper
from khatm.submission.lane import HOLDING_ATTEMPTS
from khatm.submission.outbox import GatewayFactory, Listener
from khatm.submission.report import DocumentResult
from khatm.submission.unit_run import UnitRun

TURN = 10.0
"""Seconds after which a unit with more to send lets others have their turn."""
_REST = 5.0
"""Seconds that a unit rests after a trouble of our own, such as a ledger that cannot be written."""
_REST_AFTER_FAULT = 60.0

Trouble = Callable[[Unit | None, Exception], None]
"""Hears of what kept a unit, or all of them, from being sent for; a KhatmError, or a fault of ours."""


class Worker:
    """Sends for units of one ledger from any number of threads; claims and circuits are shared between them.

    `listener` hears of each document as soon as its outcome is stored, one at a time. `trouble` hears of errors, which
    never end the worker: the unit rests and is tried again.
    """

    def __init__(
        self,
        ledger: Ledger,
        gateway_factory: GatewayFactory,
        clock: Clock,
        listener: Listener,
        trouble: Trouble,
        *,
        lease: float = LEASE,
        rng: random.Random | None = None,
    ) -> None:
        self.ledger = ledger
        self.breakers = journalled_breakers(ledger, clock)
        self._gateway_factory = gateway_factory
        self._clock = clock
        self._listener = listener
        self._trouble = trouble
        self._keeper = ClaimKeeper(ledger, lease)
        self._rng = rng or random.Random()  # noqa: S311 (jitter, no secret)
        self._telling = threading.Lock()
        self._resting: dict[int, float] = {}
        self._ending = threading.Event()

    def __enter__(self) -> Self:
        self._keeper.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        self._keeper.__exit__(kind, error, trace)

    @property
    def is_ending(self) -> bool:
        """Whether `end` was called."""
        return self._ending.is_set()

    def end(self) -> None:
        """Let the calls under way finish and make no more."""
        self._ending.set()

    def ready_units(self) -> list[Unit]:
        """Return the units that have something to send now, by a gateway that is not left alone, in a fair order."""
        found = [unit for unit in self.ledger.sendable_units(HOLDING_ATTEMPTS) if self._is_ready(unit)]
        self._rng.shuffle(found)  # several workers then begin at different units
        return found

    def is_expecting(self) -> bool:
        """Whether documents wait that will be sent without anybody's doing: those of units that may send."""
        return any(
            unit.stopped_reason is None and self.ledger.live_generation(unit) and self.ledger.unsent_count(unit)
            for unit in self.ledger.units()
        )

    def send_for(self, unit_name: str) -> bool:
        """Give a unit its turn: send what it has to send, for a few seconds; return whether it was ours to send for.

        Nothing is raised but what ends the process.
        """
        unit: Unit | None = None
        try:
            unit = self.ledger.unit(unit_name)
            if self.is_ending or unit.stopped_reason is not None or not self._is_ready(unit):
                return False
            return self._run(unit)
        except Exception as error:
            if unit is not None:
                rest = _REST if isinstance(error, KhatmError) else _REST_AFTER_FAULT
                self._resting[unit.id] = time.monotonic() + rest
            self.tell(unit, error)
            return False

    def tell(self, unit: Unit | None, error: Exception) -> None:
        """Tell of an error that concerns a unit or all of them."""
        with self._telling:
            self._trouble(unit, error)

    def _run(self, unit: Unit) -> bool:
        ends = time.monotonic() + TURN
        run = UnitRun(
            self.ledger,
            unit,
            self._gateway_factory(unit),
            self._keeper,
            self.breakers.of(unit.environment, unit.gateway_url),
            self._clock,
            self._rng,
            is_over=lambda: self._ending.is_set() or time.monotonic() >= ends,
        )

        def tell(result: DocumentResult) -> None:
            with self._telling:
                self._listener(result)

        return run.work_off(tell)

    def _is_ready(self, unit: Unit) -> bool:
        if time.monotonic() < self._resting.get(unit.id, 0.0):
            return False
        return self.breakers.of(unit.environment, unit.gateway_url).is_ready()
