"""Archive and sending of documents, one transaction per method."""

from datetime import date, datetime, timedelta

from khatm.ledger import claims, documents, exchanges, units
from khatm.ledger.claims import Claim
from khatm.ledger.documents import Document, DocumentState, Route
from khatm.ledger.exchanges import Exchange
from khatm.ledger.register import Register
from khatm.ledger.units import Unit


class DocumentRegister(Register):
    """The part of the ledger that keeps the documents' bytes and records what became of them."""

    def document(self, uuid: str) -> Document:
        """Return the document with that UUID. Raises UnknownDocument."""
        with self._store.read() as connection:
            return documents.by_uuid(connection, uuid)

    def document_at(self, unit: Unit | str, icv: int) -> Document:
        """Return the document at a place of a unit's chain. Raises UnknownDocument."""
        with self._store.read() as connection:
            return documents.by_icv(connection, units.find(connection, unit).id, icv)

    def documents(
        self, unit: Unit | str, state: DocumentState | None = None, *, after: int = 0, limit: int = 0
    ) -> list[Document]:
        """Return a unit's documents in ICV order, beyond ICV `after`, at most `limit` (0: all)."""
        states = () if state is None else (state,)
        with self._store.read() as connection:
            return documents.of_unit(
                connection, units.find(connection, unit).id, states=states, after=after, limit=limit
            )

    def documents_of_day(self, unit: Unit | str, day: date) -> list[Document]:
        """Return a unit's documents whose issue date (BT-2) is a day, in ICV order."""
        with self._store.read() as connection:
            return documents.of_day(connection, units.find(connection, unit).id, day)

    def unsent_documents(self, unit: Unit | str, *, after: int = 0, limit: int = 0) -> list[Document]:
        """Return the documents without a decision (issued or waiting) in ICV order."""
        with self._store.read() as connection:
            return documents.unsent(connection, units.find(connection, unit).id, after=after, limit=limit)

    def unsent_count(self, unit: Unit | str) -> int:
        """Return how many documents of a unit have no decision yet."""
        with self._store.read() as connection:
            return documents.unsent_count(connection, units.find(connection, unit).id)

    def due_documents(self, unit: Unit | str, *, after: int = 0, limit: int = 0) -> list[Document]:
        """Return the documents without a decision whose next attempt is due, in ICV order."""
        with self._store.read() as connection:
            found = units.find(connection, unit).id
            return documents.due(connection, found, self._clock.now(), after=after, limit=limit)

    def document_counts(self, unit: Unit | str) -> dict[DocumentState, int]:
        """Return how many documents of a unit are in each state, every state named."""
        with self._store.read() as connection:
            return documents.counts(connection, units.find(connection, unit).id)

    def document_xml(self, document: Document) -> bytes:
        """Return the exact stamped bytes of a document."""
        with self._store.read() as connection:
            return documents.stamped_xml(connection, document.id)

    def cleared_xml(self, document: Document) -> bytes | None:
        """Return the bytes that clearance gave back, None if there are none: what the customer gets."""
        with self._store.read() as connection:
            return documents.cleared_xml(connection, document.id)

    # Sending

    def claim(self, document: Document, lease: timedelta = claims.LEASE) -> Claim | None:
        """Claim a document for sending; None when a live process has it, or when it is decided."""
        with self._store.write() as connection:
            return claims.claim(connection, document.id, self._owner, self._clock.now(), lease)

    def extend_claim(self, claim: Claim, lease: timedelta = claims.LEASE) -> None:
        """Start a claim's lease anew before a further call for its document. Raises ClaimLost."""
        with self._store.write() as connection:
            claims.extend(connection, claim, self._clock.now(), lease)

    def release_claim(self, claim: Claim) -> None:
        """Give a claimed document back undecided."""
        with self._store.write() as connection:
            claims.release(connection, claim)

    def record_attempt(self, claim: Claim, exchange: Exchange) -> None:
        """Store one exchange about a claimed document; the claim stays. Raises ClaimLost."""
        with self._store.write() as connection:
            exchanges.add(connection, claim, exchange)

    def record_outcome(
        self,
        claim: Claim,
        state: DocumentState,
        *,
        exchange: Exchange | None = None,
        reason: str | None = None,
        next_attempt_at: datetime | None = None,
        route: Route | None = None,
        cleared_xml: bytes | None = None,
        stop_reason: str | None = None,
    ) -> Document:
        """Store what sending a claimed document came to, with its last exchange, and end the claim; all in one.

        `stop_reason` stops the whole unit at the same time. Raises ClaimLost.
        """
        with self._store.write() as connection:
            if exchange is not None:
                exchanges.add(connection, claim, exchange)
            now = self._clock.now()
            if stop_reason is not None:
                units.stop(connection, claim.document.unit_id, stop_reason, now)
            return exchanges.settle(
                connection,
                claim,
                state,
                reason=reason,
                next_attempt_at=next_attempt_at,
                route=route,
                cleared_xml=cleared_xml,
                now=now,
            )

    def exchanges(self, document: Document) -> list[Exchange]:
        """Return every exchange with the gateway about a document, in order."""
        with self._store.read() as connection:
            return exchanges.of_document(connection, document.id)
