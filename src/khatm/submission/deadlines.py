"""The deadline guard: who hears of simplified documents that are not at the authority 6, 18 and 23 hours after issue.

What is late is recorded in the ledger, once per document and level, whether or not anybody listens. Telling runs beside
the sending and never holds it up; what could not be told is told again later.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Self

from khatm.clock import Clock
from khatm.errors import KhatmError
from khatm.ledger.escalations import Escalation
from khatm.ledger.ledger import Ledger
from khatm.ledger.units import Unit
from khatm.submission.alarms import PATIENCE, Alarm, AlarmHook, LateDocument
from khatm.submission.errors import EscalationFailed

LOOK = 30.0
"""Seconds between two looks."""
_LONGEST_PAUSE = timedelta(minutes=15)


class DeadlineGuard:
    """Looks for late documents and tells of them; as a context manager, every half minute in a thread of its own."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        hook: AlarmHook | None,
        trouble: Callable[[KhatmError], None],
        *,
        look: float = LOOK,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._hook = hook
        self._trouble = trouble
        self._look = look
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="khatm-deadlines", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join(PATIENCE)

    def look_once(self) -> int:
        """Record what has become late, tell what is untold, and return how many documents were told of.

        Raises the ledger's errors; a hook that fails is reported and tried again later.
        """
        while self._ledger.raise_escalations():
            pass
        number = 0
        while self._hook is not None and not self._ending.is_set():
            taken = self._ledger.take_escalations(timedelta(seconds=2 * PATIENCE))
            if not taken:
                break
            number += sum(self._tell(self._hook, unit, those) for unit, those in _grouped(taken))
        return number

    def _tell(self, hook: AlarmHook, unit: Unit, those: list[Escalation]) -> int:
        documents = [one.document for one in those]
        late = tuple(
            LateDocument(one.uuid, one.icv, one.state.value, one.deadline, one.attempts, one.reason)
            for one in documents
        )
        try:
            hook.tell(Alarm(unit.name, unit.environment, those[0].hours, late))
        except EscalationFailed as error:
            self._trouble(error)
            pause = min(timedelta(seconds=LOOK) * 2 ** min(those[0].attempts, 8), _LONGEST_PAUSE)
            self._ledger.put_off_escalations(those, self._clock.now() + pause)
            return 0
        self._ledger.escalations_told(those)
        return len(those)

    def _watch(self) -> None:
        while True:
            with suppress(KhatmError):  # a ledger that cannot be used now is told of by the sending
                self.look_once()
            if self._ending.wait(self._look):
                return


def _grouped(taken: list[tuple[Unit, Escalation]]) -> list[tuple[Unit, list[Escalation]]]:
    """Put together what belongs to one unit and level: a long outage is one alarm and not thousands."""
    groups: dict[tuple[int, int], tuple[Unit, list[Escalation]]] = {}
    for unit, one in taken:
        groups.setdefault((unit.id, one.hours), (unit, []))[1].append(one)
    return list(groups.values())
