"""What is open: documents that are not at the authority, one transaction per method."""

from khatm.ledger import documents, exchanges, open_matters
from khatm.ledger.documents import Document
from khatm.ledger.exchanges import Exchange
from khatm.ledger.register import Register
from khatm.ledger.units import Unit


class OpenRegister(Register):
    """The part of the ledger that tells what is left to do; its cost follows what is open, not the archive."""

    def undecided_documents(self, unit: Unit | None = None, limit: int = 0) -> list[Document]:
        """Return documents without a decision, of a unit or of all, the nearest deadline first (0: all of them)."""
        with self._store.read() as connection:
            return open_matters.undecided(connection, None if unit is None else unit.id, limit)

    def refused_documents(self, unit: Unit | None = None) -> list[Document]:
        """Return documents that were rejected or set aside and neither followed nor dismissed."""
        with self._store.read() as connection:
            return open_matters.refused(connection, None if unit is None else unit.id)

    def waiting_counts(self) -> dict[int, int]:
        """Return how many documents without a decision each unit has, by the unit's id."""
        with self._store.read() as connection:
            return open_matters.waiting_counts(connection)

    def reporting_holder(self, unit: Unit, holding: int) -> int | None:
        """Return the ICV of the document that holds back the reporting of later ones; see `documents.sendable`."""
        with self._store.read() as connection:
            return documents.reporting_holder(connection, unit.id, self._clock.now(), holding)

    def document_by_id(self, document_id: int) -> Document:
        """Return a document that another one refers to."""
        with self._store.read() as connection:
            return documents.by_id(connection, document_id)

    def last_exchange(self, document: Document) -> Exchange | None:
        """Return the last exchange with the gateway about a document, None if there is none."""
        with self._store.read() as connection:
            return exchanges.last_of_document(connection, document.id)
