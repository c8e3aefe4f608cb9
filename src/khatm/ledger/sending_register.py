"""Claims, outcomes and events of sending, one transaction per method."""

from collections.abc import Collection, Mapping
from datetime import datetime

from khatm.environment import Environment
from khatm.ledger import claims, documents, events, exchanges, follow_ups, outcomes, units
from khatm.ledger.claims import UnitClaim
from khatm.ledger.documents import Document, DocumentState, Route
from khatm.ledger.events import Event, EventKind
from khatm.ledger.exchanges import Exchange
from khatm.ledger.register import Register
from khatm.ledger.units import Unit


class SendingRegister(Register):
    """The part of the ledger that says who sends for a unit, and records what became of its documents."""

    def claim_unit(self, unit: Unit, lease: float = claims.LEASE) -> UnitClaim | None:
        """Claim a unit for sending, for `lease` seconds; None when a live process has it, this one included."""
        with self._store.write() as connection:
            claim = claims.take(connection, unit.id, unit.name, self._owner, lease)
            if claim is not None and claim.taken_from is not None:
                events.add(
                    connection,
                    EventKind.CLAIM_HANDED_OVER,
                    self._clock.now(),
                    {"former": claim.taken_from, "owner": self._owner, "number": claim.number},
                    unit_id=unit.id,
                )
            return claim

    def keep_claims(self, unit_ids: Collection[int], lease: float = claims.LEASE) -> frozenset[int]:
        """Give a sign of life for this ledger object's claims on some units; return those that it still has."""
        with self._store.write() as connection:
            return claims.keep(connection, self._owner, unit_ids, lease)

    def require_claim(self, claim: UnitClaim) -> None:
        """Raise ClaimLost when a claim has passed to another process."""
        with self._store.write() as connection:
            claims.require_current(connection, claim)

    def release_unit(self, claim: UnitClaim) -> None:
        """Give a claimed unit back."""
        with self._store.write() as connection:
            claims.release(connection, claim)

    def record_attempt(self, claim: UnitClaim, document: Document, exchange: Exchange) -> None:
        """Store one exchange about a document that decides nothing yet. Raises ClaimLost."""
        with self._store.write() as connection:
            outcomes.attempt(connection, claim, document.id, exchange)

    def record_outcome(
        self,
        claim: UnitClaim,
        document: Document,
        state: DocumentState,
        *,
        exchange: Exchange | None = None,
        reason: str | None = None,
        next_attempt_at: datetime | None = None,
        route: Route | None = None,
        cleared_xml: bytes | None = None,
        stop_reason: str | None = None,
    ) -> Document:
        """Store what sending a document of a claimed unit came to, with its last exchange; all or nothing.

        `stop_reason` stops the whole unit at the same time. Raises ClaimLost.
        """
        with self._store.write() as connection:
            return outcomes.settle(
                connection,
                claim,
                document,
                state,
                exchange=exchange,
                reason=reason,
                next_attempt_at=next_attempt_at,
                route=route or document.route,
                cleared_xml=cleared_xml,
                stop_reason=stop_reason,
                now=self._clock.now(),
            )

    def put_back(self, document: Document) -> Document:
        """Let a document that was set aside be sent again. Raises NotSetAside."""
        with self._store.write() as connection:
            return outcomes.put_back(connection, document, self._clock.now())

    def followers(self, document: Document) -> list[Document]:
        """Return the documents that correct or change a document, in the order of their issue."""
        with self._store.read() as connection:
            return follow_ups.of_document(connection, document.id)

    def dismiss(self, document: Document, reason: str) -> None:
        """Write down that a refused document needs no follow-up. Raises NothingToDismiss."""
        with self._store.write() as connection:
            follow_ups.dismiss(connection, document, reason, self._clock.now())

    def sendable_units(self, holding: int) -> list[Unit]:
        """Return the units that may send and have something to send now; see `documents.sendable`.

        A stopped unit is not among them.
        """
        with self._store.read() as connection:
            found = documents.sendable(connection, self._clock.now(), holding)
            known = [units.by_id(connection, unit_id) for unit_id in found]
        return [unit for unit in known if unit.stopped_reason is None]

    def record_circuit(
        self, kind: EventKind, environment: Environment, gateway_url: str | None, **facts: object
    ) -> None:
        """Write down that a gateway is left alone, or answers again; then what waits for it becomes due at once."""
        with self._store.write() as connection:
            now = self._clock.now()
            if kind is EventKind.CIRCUIT_CLOSED:
                facts["due"] = documents.bring_forward(connection, environment.value, gateway_url, now)
            events.add(connection, kind, now, {"environment": environment.value, "gateway": gateway_url, **facts})

    def exchanges(self, document: Document) -> list[Exchange]:
        """Return every exchange with the gateway about a document, in order."""
        with self._store.read() as connection:
            return exchanges.of_document(connection, document.id)

    def record_event(
        self,
        kind: EventKind,
        facts: Mapping[str, object],
        *,
        unit_id: int | None = None,
        document_id: int | None = None,
    ) -> None:
        """Write down that something happened; the facts are plain values without secrets."""
        with self._store.write() as connection:
            events.add(connection, kind, self._clock.now(), facts, unit_id=unit_id, document_id=document_id)

    def events(
        self,
        unit: Unit | str | None = None,
        document: Document | None = None,
        kinds: tuple[EventKind, ...] = (),
        *,
        limit: int = 0,
    ) -> list[Event]:
        """Return what happened, in order: of a unit, of a document, of some kinds; with a `limit` only the last."""
        with self._store.read() as connection:
            return events.read(
                connection,
                unit_id=None if unit is None else units.find(connection, unit).id,
                document_id=None if document is None else document.id,
                kinds=kinds,
                limit=limit,
            )

    def gateway_events(self, limit: int) -> list[Event]:
        """Return the last events that concern no unit but a gateway, in order."""
        with self._store.read() as connection:
            return events.of_gateways(connection, limit)
