"""Archive of documents, one transaction per method."""

from datetime import date

from khatm.ledger import documents, units
from khatm.ledger.documents import Document, DocumentState, Profile, StoredXml
from khatm.ledger.register import Register
from khatm.ledger.units import Unit


class DocumentRegister(Register):
    """The part of the ledger that keeps the documents' bytes."""

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

    def unsent_documents(
        self, unit: Unit | str, profile: Profile | None = None, *, after: int = 0, limit: int = 0
    ) -> list[Document]:
        """Return the documents without a decision (issued or waiting) in ICV order, of one profile or of both."""
        with self._store.read() as connection:
            found = units.find(connection, unit).id
            return documents.unsent(connection, found, profile=profile, after=after, limit=limit)

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

    def stored_xml(self, document: Document) -> StoredXml | None:
        """Return the stamped bytes with the digest stored beside them, None when they are lost."""
        with self._store.read() as connection:
            return documents.stored_xml(connection, document.id)

    def authored(self, document: Document) -> bytes | None:
        """Return what a document was written from, as `issue` was given it; None when it was given nothing."""
        with self._store.read() as connection:
            return documents.authored(connection, document.id)

    def cleared_xml(self, document: Document) -> bytes | None:
        """Return the bytes that clearance gave back, None if there are none: what the customer gets."""
        with self._store.read() as connection:
            return documents.cleared_xml(connection, document.id)
