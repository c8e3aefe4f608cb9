"""One unit's undecided documents in one run: in the order of the chain, none sent twice at a time.

Clearance waits for nobody. Reporting keeps its order: a document that waits holds the later ones back, but not for
ever, since the authority does not ask for order (the gateway contract 8.4) and each has its 24 hours.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress

from khatm.clock import Clock
from khatm.errors import KhatmError
from khatm.gateway.verdict import Action
from khatm.ledger.claims import Claim
from khatm.ledger.documents import UNSENT, Document, Route
from khatm.ledger.errors import ClaimLost
from khatm.ledger.ledger import Ledger
from khatm.ledger.units import Unit
from khatm.submission.report import DocumentResult
from khatm.submission.sending import Sender

HOLDING_ATTEMPTS = 5
"""After so many attempts a waiting document no longer holds back the reporting of the later ones."""

_PAGE = 100
_SILENCES = 2
"""So many calls in a row without any answer, and the gateway is taken to be out of reach."""


class UnitQueue:
    """Works off one unit once."""

    def __init__(self, ledger: Ledger, unit: Unit, sender: Sender, clock: Clock) -> None:
        self._ledger = ledger
        self._unit = unit
        self._sender = sender
        self._clock = clock
        self._reporting_held = False
        self._silences = 0
        self.gateway_closed = False
        """Whether going on makes no sense for any unit of this gateway: out of reach, untrusted, or asking for rest."""

    def work_off(self, listener: Callable[[DocumentResult], None]) -> None:
        """Try every document whose time has come, until the unit is stopped or the gateway is closed."""
        for document in self._undecided():
            if self._must_wait(document):
                continue
            claim = self._ledger.claim(document)
            if claim is None:
                self._note_other_process(document)
                continue
            result = self._send(claim)
            if result is None:
                continue
            listener(result)
            if self._is_over(result):
                return

    def _undecided(self) -> Iterator[Document]:
        """Walk through the unit's undecided documents, a page at a time: an outage may leave very many."""
        after = 0
        while page := self._ledger.unsent_documents(self._unit, after=after, limit=_PAGE):
            yield from page
            after = page[-1].icv

    def _must_wait(self, document: Document) -> bool:
        reporting = document.route is Route.REPORTING
        if reporting and self._reporting_held:
            return True
        if document.next_attempt_at is None or document.next_attempt_at <= self._clock.now():
            return False
        self._hold_back_others(document)
        return True

    def _hold_back_others(self, document: Document) -> None:
        if document.route is Route.REPORTING and document.attempts < HOLDING_ATTEMPTS:
            self._reporting_held = True

    def _note_other_process(self, document: Document) -> None:
        """Another process has the document, or has just decided it; while it is on the way, reporting waits."""
        if self._ledger.document(document.uuid).state in UNSENT:
            self._hold_back_others(document)

    def _send(self, claim: Claim) -> DocumentResult | None:
        try:
            return self._sender.send(claim)
        except ClaimLost:
            # The process that took it over stores the outcome.
            self._hold_back_others(claim.document)
            return None
        except BaseException:
            with suppress(KhatmError):
                self._ledger.release_claim(claim)
            raise

    def _is_over(self, result: DocumentResult) -> bool:
        outcome = result.outcome
        if result.document.state in UNSENT:
            self._hold_back_others(result.document)
        self._silences = self._silences + 1 if outcome.http_status is None else 0
        unreachable = self._silences >= _SILENCES or outcome.action is Action.CHECK_CONNECTION
        self.gateway_closed = unreachable or outcome.http_status == 429
        return self.gateway_closed or result.stops_unit
