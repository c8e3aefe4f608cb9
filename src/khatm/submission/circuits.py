"""The breakers of a process, with every opening and closing written into the ledger."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from khatm.clock import Clock
from khatm.environment import Environment
from khatm.errors import KhatmError
from khatm.ledger.events import EventKind
from khatm.ledger.ledger import Ledger
from khatm.submission.breaker import Breakers, Circuit, Turn


def journalled_breakers(ledger: Ledger, clock: Clock, timer: Callable[[], float] = time.monotonic) -> Breakers:
    """Return breakers whose turns leave events; when a gateway answers again, what waits for it becomes due."""

    def write_down(environment: Environment, address: str | None, turn: Turn) -> None:
        with suppress(KhatmError):  # the outcome that is stored next meets the same ledger, and says what is wrong
            if turn.circuit is Circuit.CLOSED:
                ledger.record_circuit(EventKind.CIRCUIT_CLOSED, environment, address)
                return
            assert turn.cause is not None
            ledger.record_circuit(
                EventKind.CIRCUIT_OPENED,
                environment,
                address,
                until=(clock.now() + timedelta(seconds=turn.seconds)).isoformat(),
                row=turn.cause.row,
                reason={"en": turn.cause.sentence("en"), "ar": turn.cause.sentence("ar")},
            )

    return Breakers(write_down, timer)
