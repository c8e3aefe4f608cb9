"""What must follow when the answer to a document was lost, failed, refused it, or sent it elsewhere.

Source: gateway contract, sections 8.4, 8.5 and 9.
"""

from khatm.simulator.grading.board import Board
from khatm.simulator.grading.books import Book, follows, number_key
from khatm.simulator.grading.follow_up import FollowUp, Outcome
from khatm.simulator.grading.sighting import SUBMISSIONS, SentDocument, Sighting

PAUSE = 0.2
"""Seconds: whoever comes back sooner after a failure of the gateway has not waited at all."""
RETRY_AFTER = 2
"""Seconds that the 429 asks for."""
_CLOCK_STEP = 0.05
"""Seconds by which two clocks may disagree about a wait."""
STOPPED_FOR = 10.0
"""Seconds within which a client that goes on after a 401 has not stopped."""
_UNDER_WAY = 2
"""So many other calls may have been under way: a clearance, and the report that its 303 asks for."""


class OfDocument(FollowUp):
    """Watches one document of a unit."""

    def __init__(self, board: Board, case: str, begun: Sighting, book: Book) -> None:
        """`book` is the unit's."""
        super().__init__(board, case, begun)
        assert begun.document is not None
        self.document = begun.document
        self.book = book

    def concerns(self, sighting: Sighting) -> bool:
        """Only documents sent for good matter."""
        return super().concerns(sighting) and sighting.document is not None and sighting.endpoint in SUBMISSIONS

    def is_anew(self, sent: SentDocument) -> bool:
        """Tell whether this is the same business document, issued a second time."""
        if sent.document_hash == self.document.document_hash:
            return False
        return number_key(sent) == number_key(self.document) and not self.book.repeats_numbers

    def fail_anew(self, sighting: Sighting, sent: SentDocument) -> None:
        """Fail because of that: with the same UUID it was meant to be the same document."""
        if sent.uuid == self.document.uuid:
            self.failed("bytes_changed", sighting)
        else:
            self.failed("issued_anew", sighting, number=sent.number, icv=sent.counter)

    def count_other(self, sighting: Sighting) -> None:
        """Count another document at the same endpoint."""
        self.others += sighting.endpoint == self.begun.endpoint


class SameBytes(OfDocument):
    """The outcome is unknown, or the gateway failed: the same bytes must come again, after a pause if one is due."""

    def __init__(
        self, board: Board, case: str, begun: Sighting, book: Book, *, pause: float = 0.0, strikes: int = 1
    ) -> None:
        """`pause` is the least number of seconds before each attempt, `strikes` how often it fails in all."""
        super().__init__(board, case, begun, book)
        self._pause = pause
        self._left = strikes - 1
        self._last = begun

    def strikes_again(self, sent: object) -> bool:
        """The same document fails as often as it is to."""
        return not self.ended and self._left > 0 and sent == self.document.document_hash

    def follow(self, sighting: Sighting) -> None:
        """Compare what comes with what was sent."""
        sent = sighting.document
        assert sent is not None
        if self.is_anew(sent):
            self.fail_anew(sighting, sent)
        elif sent.document_hash != self.document.document_hash or sighting.endpoint != self.begun.endpoint:
            self.count_other(sighting)
        elif not sent.is_copy_of(self.document):
            self.failed("bytes_changed", sighting)
        else:
            self._came_again(sighting)

    def _came_again(self, sighting: Sighting) -> None:
        waited = sighting.since(self._last)
        if waited + _CLOCK_STEP < self._pause:
            self.failed("too_soon", self._last, sighting, seconds=round(waited, 2), least=self._pause)
        elif sighting.case == self.case:
            self._left -= 1
            self._last = sighting
        else:
            self.passed("same_bytes", self._last, sighting, seconds=round(waited, 2))


class NotAgain(OfDocument):
    """The document is settled: it must not come again, nor be issued a second time. Goes on watching after a pass."""

    must_come = False

    def __init__(self, board: Board, case: str, begun: Sighting, book: Book, *, may_correct: bool = False) -> None:
        """`may_correct`: a new document under the same number is the right answer to a rejection."""
        super().__init__(board, case, begun, book)
        self._may_correct = may_correct

    @property
    def holds(self) -> bool:
        """Any next document decides, whatever happens to that one."""
        return False

    def follow(self, sighting: Sighting) -> None:
        """Look for the document among what comes."""
        sent = sighting.document
        assert sent is not None
        if sent.document_hash == self.document.document_hash:
            self.failed("sent_again", sighting)
        elif not self._may_correct and self.is_anew(sent):
            self.fail_anew(sighting, sent)
        elif sighting.endpoint == self.begun.endpoint and not self.others:
            self.others += 1
            self._board.passed(self.case, "not_again", self.begun, sighting)

    def closing(self) -> Outcome | None:
        """Once something else came, the pass stands."""
        return None if self.others else super().closing()


class KeepsPlace(OfDocument):
    """A rejected document keeps its ICV, and the next one points to it."""

    def __init__(self, board: Board, case: str, begun: Sighting, book: Book) -> None:
        """The next document may have come already, by the other endpoint."""
        super().__init__(board, case, begun, book)
        for known in book.documents.values():
            self._compare(known, begun)

    def follow(self, sighting: Sighting) -> None:
        """Look for the next document of the chain, and for a second one with the rejected one's ICV."""
        assert sighting.document is not None
        self._compare(sighting.document, sighting)

    def _compare(self, sent: SentDocument, sighting: Sighting) -> None:
        icv = self.document.icv
        if self.ended or icv is None or sent.document_hash == self.document.document_hash:
            return
        if sent.icv == icv:
            self.failed("counter_reused", sighting, icv=icv)
        elif sent.icv == icv + 1:
            if follows(sent, self.document):
                self.passed("place_kept", sighting, icv=sent.counter)
            else:
                self.failed("place_lost", sighting, icv=sent.counter)

    @property
    def holds(self) -> bool:
        """It stands in nobody's way."""
        return False

    def closing(self) -> Outcome | None:
        """Without a next document nothing can be said."""
        return None if self.ended else ("undecided", "nothing_came", {})


class ReportedInstead(OfDocument):
    """Clearance is off: the same document goes to reporting."""

    def follow(self, sighting: Sighting) -> None:
        """See where it goes."""
        sent = sighting.document
        assert sent is not None
        if self.is_anew(sent):
            self.fail_anew(sighting, sent)
        elif sent.document_hash != self.document.document_hash:
            self.count_other(sighting)
        elif sighting.endpoint == "reporting":
            self.passed("reported_instead", sighting)
        else:
            self.failed("cleared_again", sighting)


class StopsSending(FollowUp):
    """The credentials were refused: nothing more goes out with them until a human has looked."""

    must_come = False

    def concerns(self, sighting: Sighting) -> bool:
        """Whatever is sent with the same credentials matters."""
        held, refused = sighting.credential, self.begun.credential
        return held is not None and refused is not None and held.id == refused.id

    @property
    def holds(self) -> bool:
        """Until it is decided nothing else is provoked there."""
        return not self.ended

    def follow(self, sighting: Sighting) -> None:
        """What was under way may come; the refused document again, or more than that, was sent all the same."""
        waited = sighting.since(self.begun)
        if waited >= STOPPED_FOR:
            self.passed("stopped_for", sighting, seconds=round(waited))
            return
        self.others += 1
        sent, refused = sighting.document, self.begun.document
        again = sent is not None and refused is not None and sent.document_hash == refused.document_hash
        if again or self.others > _UNDER_WAY:
            self.failed("went_on", sighting, count=self.others, seconds=round(waited, 2))

    def closing(self) -> Outcome | None:
        """Silence is what is asked for."""
        return None if self.ended else ("passed", "stopped", {})
