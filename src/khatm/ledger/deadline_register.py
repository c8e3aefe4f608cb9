"""Escalations of late documents, one transaction per method."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from khatm.ledger import escalations, units
from khatm.ledger.escalations import Escalation
from khatm.ledger.register import Register
from khatm.ledger.units import Unit


class DeadlineRegister(Register):
    """The part of the ledger that knows which simplified documents are late, and who has been told."""

    def raise_escalations(self, limit: int = 500) -> int:
        """Record what is not at the authority 6, 18 or 23 hours after its issue, once each; return how many are new.

        At most `limit` documents of a level in one transaction: call it again while it returns any.
        """
        with self._store.write() as connection:
            return escalations.raise_due(connection, self._clock.now(), limit)

    def take_escalations(self, period: timedelta, limit: int = 100) -> list[tuple[Unit, Escalation]]:
        """Take untold escalations to tell them; for the length of `period` no other process gets them."""
        with self._store.write() as connection:
            now = self._clock.now()
            taken = escalations.take_untold(connection, now, now + period, limit)
            known = {one.document.unit_id: units.by_id(connection, one.document.unit_id) for one in taken}
            return [(known[one.document.unit_id], one) for one in taken]

    def escalations_told(self, those: Sequence[Escalation]) -> None:
        """Write down that escalations were told."""
        with self._store.write() as connection:
            escalations.told(connection, those, self._clock.now())

    def put_off_escalations(self, those: Sequence[Escalation], until: datetime) -> None:
        """Write down that escalations could not be told, and when it is tried again."""
        with self._store.write() as connection:
            escalations.put_off(connection, those, until)
