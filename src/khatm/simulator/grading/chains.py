"""The chain as it arrives: one ICV for one document, no gap in the end, each PIH the hash of the document before.

The order of arrival does not matter, since clearance does not wait for reporting. Source: gateway contract, 8.4.
"""

from khatm.simulator.grading.board import Board
from khatm.simulator.grading.books import Book, Books, Chain, follows, is_submission
from khatm.simulator.grading.follow_up import Outcome
from khatm.simulator.grading.sighting import SentDocument, Sighting
from khatm.stamp.canonical import INITIAL_PIH


class Chains:
    """Enters every new document into its unit's book and compares it with its neighbours."""

    def __init__(self, board: Board, books: Books) -> None:
        self._board = board
        self._books = books

    def see(self, sighting: Sighting) -> None:
        """Look at a document that was sent for good."""
        sent, held = sighting.document, sighting.credential
        if not is_submission(sighting) or sent is None or held is None:
            return
        book = self._books.of(held.device_id)
        if sent.document_hash not in book.documents:
            self._uuid(book, sent, sighting)
            self._place(book, book.chain_of(sent, held.id), sent, sighting)
        book.note(sent, accepted=sighting.case is None and sighting.sent == 200)

    def _uuid(self, book: Book, sent: SentDocument, sighting: Sighting) -> None:
        if sent.uuid in book.by_uuid:
            self._board.failed("fresh-uuid", "uuid_again", sighting, found=sent.uuid)
        else:
            self._board.kept("fresh-uuid", sighting)

    def _place(self, book: Book, chain: Chain, sent: SentDocument, sighting: Sighting) -> None:
        icv = sent.icv
        if icv is None:
            self._board.failed("counter", "counter_wrong", sighting, found=sent.counter)
            return
        if icv in chain.by_counter:
            self._board.failed("counter", "counter_reused", sighting, icv=icv)
            return
        chain.by_counter[icv] = sent.document_hash
        self._board.kept("counter", sighting)
        self._links(book, chain, icv, sent, sighting)

    def _links(self, book: Book, chain: Chain, icv: int, sent: SentDocument, sighting: Sighting) -> None:
        before, after = chain.by_counter.get(icv - 1), chain.by_counter.get(icv + 1)
        if icv == 1:
            self._link(sent.previous_hash == INITIAL_PIH, icv, sighting)
        elif before is not None:
            self._link(follows(sent, book.documents[before]), icv, sighting)
        if after is not None:
            self._link(follows(book.documents[after], sent), icv + 1, sighting)

    def _link(self, holds: bool, icv: int, sighting: Sighting) -> None:
        if holds:
            self._board.kept("previous-hash", sighting)
        else:
            self._board.failed("previous-hash", "link_broken", sighting, icv=icv)

    def closing(self) -> Outcome | None:
        """Return the failure of a chain with gaps: what is issued is sent."""
        for book in self._books.all():
            for chain in book.chains:
                missing = chain.missing()
                if missing:
                    found = ", ".join(map(str, missing))
                    return "failed", "counter_missing", {"found": found, "last": max(chain.by_counter)}
        return None
