"""Units and the journal of their calls, one transaction per method."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from khatm.environment import Environment
from khatm.ledger import events, journal, units
from khatm.ledger.events import EventKind
from khatm.ledger.generations import Generation
from khatm.ledger.journal import Intent
from khatm.ledger.register import Register
from khatm.ledger.units import Unit

if TYPE_CHECKING:
    from khatm.stamp.csr_fields import CsrFields


class UnitRegister(Register):
    """The part of the ledger that knows EGS units and what was asked of the authority for them."""

    def add_unit(
        self,
        name: str,
        environment: Environment,
        csr_fields: "CsrFields",
        seller: dict[str, object] | None = None,
        gateway_url: str | None = None,
    ) -> Unit:
        """Add an EGS unit with an empty chain (counter 1, the constant first hash). Raises UnitExists."""
        with self._store.write() as connection:
            return units.add(
                connection,
                name=name,
                environment=environment,
                csr_fields=csr_fields,
                seller=seller,
                gateway_url=gateway_url,
                now=self._clock.now(),
            )

    def unit(self, name: str) -> Unit:
        """Return the unit of that name. Raises UnknownUnit."""
        with self._store.read() as connection:
            return units.by_name(connection, name)

    def units(self) -> list[Unit]:
        """Return all units by name."""
        with self._store.read() as connection:
            return units.everyone(connection)

    def set_seller(self, unit: Unit | str, seller: dict[str, object]) -> Unit:
        """Replace a unit's seller block; documents already issued keep what they say. Raises UnknownUnit."""
        with self._store.write() as connection:
            return units.set_seller(connection, units.locked(connection, unit).id, seller)

    def set_gateway_url(self, unit: Unit | str, gateway_url: str | None) -> Unit:
        """Replace the gateway's address for a unit; None takes the setting or ZATCA's own. Raises UnknownUnit."""
        with self._store.write() as connection:
            return units.set_gateway_url(connection, units.locked(connection, unit).id, gateway_url)

    def stop_unit(self, unit: Unit | str, reason: str) -> None:
        """Record that nothing more may be sent for a unit, and why."""
        with self._store.write() as connection:
            found, now = units.locked(connection, unit), self._clock.now()
            units.stop(connection, found.id, reason, now)
            events.add(connection, EventKind.UNIT_STOPPED, now, {"reason": reason}, unit_id=found.id)

    def resume_unit(self, unit: Unit | str) -> None:
        """Let a stopped unit send again."""
        with self._store.write() as connection:
            found = units.locked(connection, unit)
            units.resume(connection, found.id)
            if found.stopped_reason is not None:
                events.add(connection, EventKind.UNIT_RESUMED, self._clock.now(), unit_id=found.id)

    def journal_intent(self, about: Generation | Unit, call: str, facts: Mapping[str, object] | None = None) -> int:
        """Write down a call before it is made; return the number to answer it with."""
        unit_id, generation_id = (about.unit_id, about.id) if isinstance(about, Generation) else (about.id, None)
        with self._store.write() as connection:
            return journal.open_intent(
                connection,
                unit_id=unit_id,
                generation_id=generation_id,
                call=call,
                facts=facts or {},
                now=self._clock.now(),
            )

    def journal_answer(self, intent_id: int, facts: Mapping[str, object]) -> None:
        """Write down what a call was answered with, or how it failed."""
        with self._store.write() as connection:
            journal.close_intent(connection, intent_id, facts, self._clock.now())

    def open_intents(self, unit: Unit | str) -> list[Intent]:
        """Return the calls whose answer was never stored: their outcome is unknown."""
        with self._store.read() as connection:
            return journal.of_unit(connection, units.find(connection, unit).id, only_open=True)

    def calls(self, unit: Unit | str) -> list[Intent]:
        """Return every journalled call of a unit in order."""
        with self._store.read() as connection:
            return journal.of_unit(connection, units.find(connection, unit).id, only_open=False)
