"""One lane of a unit: its standard documents or its simplified ones, in the order of the chain.

Clearance waits for nobody. Reporting keeps its order: a document that waits holds the later ones back, but not for
ever, since the authority does not ask for order (the gateway contract 8.4) and each has its 24 hours.
"""

from collections.abc import Callable, Iterator

from khatm.clock import Clock
from khatm.ledger.documents import UNSENT, Document, Profile
from khatm.ledger.ledger import Ledger
from khatm.ledger.units import Unit
from khatm.submission.breaker import Breaker
from khatm.submission.report import DocumentResult
from khatm.submission.sending import Sender

HOLDING_ATTEMPTS = 5
"""After so many attempts a waiting document no longer holds back the reporting of the later ones."""

_PAGE = 100


class Lane:
    """Works off one profile of one unit once."""

    def __init__(
        self,
        ledger: Ledger,
        unit: Unit,
        profile: Profile,
        sender: Sender,
        breaker: Breaker,
        clock: Clock,
        is_over: Callable[[], bool],
    ) -> None:
        self._ledger = ledger
        self._unit = unit
        self._profile = profile
        self._sender = sender
        self._breaker = breaker
        self._clock = clock
        self._is_over = is_over
        self._held = False

    def work_off(self, listener: Callable[[DocumentResult], None]) -> None:
        """Try every document whose time has come, until the run is over or the gateway is to be left alone.

        Raises ClaimLost and the ledger's errors.
        """
        for document in self._undecided():
            if self._is_over():
                return
            if self._must_wait(document):
                continue
            if not self._breaker.admit():
                return
            result = self._send(document)
            if result.document.state in UNSENT:
                self._hold_back_others(result.document)
            listener(result)

    def _undecided(self) -> Iterator[Document]:
        """Walk through the undecided documents, a page at a time: an outage may leave very many."""
        after = 0
        while page := self._ledger.unsent_documents(self._unit, self._profile, after=after, limit=_PAGE):
            yield from page
            after = page[-1].icv

    def _must_wait(self, document: Document) -> bool:
        if self._held:
            return True
        if document.next_attempt_at is None or document.next_attempt_at <= self._clock.now():
            return False
        self._hold_back_others(document)
        return True

    def _hold_back_others(self, document: Document) -> None:
        if self._profile is Profile.SIMPLIFIED and document.attempts < HOLDING_ATTEMPTS:
            self._held = True

    def _send(self, document: Document) -> DocumentResult:
        try:
            return self._sender.send(document)
        finally:
            self._breaker.withdraw()  # does nothing when the call was made and counted
