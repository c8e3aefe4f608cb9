"""Sending one document of a claimed unit: which credentials, which endpoint, and storing what came of it."""

import random
from typing import Protocol

from khatm.errors import KhatmError
from khatm.gateway.calls import Credentials, Submission
from khatm.gateway.verdict import Action, Outcome
from khatm.ledger import exchanges
from khatm.ledger.claims import UnitClaim
from khatm.ledger.documents import Document, DocumentState, Route
from khatm.ledger.exchanges import Exchange
from khatm.ledger.generations import Generation, GenerationState
from khatm.ledger.ledger import Ledger
from khatm.submission.backoff import pause
from khatm.submission.breaker import Breaker
from khatm.submission.claiming import ClaimKeeper
from khatm.submission.decision import Decision, decide
from khatm.submission.errors import ForeignClearedCopy
from khatm.submission.report import DocumentResult
from khatm.submission.soundness import what_is_damaged

_MOST_CALLS = 4
"""Credentials and route may each change once or twice within one attempt; never more."""


class DocumentGateway(Protocol):
    """The two calls of the gateway that documents go out by."""

    def report(self, credentials: Credentials, submission: Submission) -> Outcome:
        """Report a document."""
        ...

    def clear(self, credentials: Credentials, submission: Submission) -> Outcome:
        """Clear a document."""
        ...


class Sender:
    """Sends documents of one claimed unit; remembers which credentials have died on the way. Used by both lanes."""

    def __init__(
        self,
        ledger: Ledger,
        gateway: DocumentGateway,
        claim: UnitClaim,
        keeper: ClaimKeeper,
        breaker: Breaker,
        rng: random.Random,
    ) -> None:
        self._ledger = ledger
        self._gateway = gateway
        self._claim = claim
        self._keeper = keeper
        self._breaker = breaker
        self._rng = rng
        self._generations: dict[int, Generation] = {}
        self._credentials: dict[int, Credentials] = {}
        self._dead: set[int] = set()

    def send(self, document: Document) -> DocumentResult:
        """Send a document until something is decided about this attempt, and store it.

        Raises ClaimLost when another process took the unit over meanwhile, and the ledger's errors.
        """
        stored = self._ledger.stored_xml(document)
        damage = what_is_damaged(document, stored)
        if damage is not None:
            return self._set_aside(document, damage)
        assert stored is not None
        submission = Submission(document.invoice_hash, document.uuid, stored.content)
        generation, route = self._first_generation(document), document.route
        for call in range(1, _MOST_CALLS + 1):
            self._keeper.require(self._claim)
            outcome = self._call(route, generation, submission)
            again = self._again(outcome, generation, route) if call < _MOST_CALLS else None
            if again is None:
                return self._store(document, outcome, generation, route, call)
            self._ledger.record_attempt(self._claim, document, _evidence(outcome, generation))
            generation, route = again
        raise AssertionError("the last call always decides")

    def _call(self, route: Route, generation: Generation, submission: Submission) -> Outcome:
        credentials = self._credentials.get(generation.id)
        if credentials is None:
            stored = self._ledger.pcsid_credentials(generation)
            credentials = self._credentials[generation.id] = Credentials(stored.token, stored.secret)
        send = self._gateway.clear if route is Route.CLEARANCE else self._gateway.report
        outcome = send(credentials, submission)
        self._breaker.note(outcome)
        return outcome

    def _again(self, outcome: Outcome, generation: Generation, route: Route) -> tuple[Generation, Route] | None:
        """Return with which credentials and by which route the same bytes go out once more at once, if at all."""
        if outcome.action is Action.CHECK_CREDENTIALS:
            # Looked up anew: a renewal may have retired them since this run began.
            if self._ledger.generation(generation).state is GenerationState.RETIRED:
                self._dead.add(generation.id)
                live = self._live()
                return None if live is None else (live, route)
            return None
        if outcome.action is Action.REPORT_INSTEAD and route is Route.CLEARANCE:
            # Every document here carries our own stamp, so it can be reported as it is.
            return generation, Route.REPORTING
        return None

    def _first_generation(self, document: Document) -> Generation:
        """Return the generation that stamped the document while it lives, else the live one."""
        generation = self._generations.get(document.generation_id)
        if generation is None:
            generation = self._generations[document.generation_id] = self._ledger.generation(document.generation_id)
        return (self._live() or generation) if generation.id in self._dead else generation

    def _live(self) -> Generation | None:
        return self._ledger.live_generation(self._claim.unit_name)

    def _set_aside(self, document: Document, damage: KhatmError) -> DocumentResult:
        """Put a document aside that may not be sent, with the reason as evidence."""
        stored = self._ledger.record_outcome(
            self._claim, document, DocumentState.SET_ASIDE, reason=damage.sentence(), route=document.route
        )
        return DocumentResult(self._claim.unit_name, stored, None, objection=damage)

    def _store(
        self, document: Document, outcome: Outcome, generation: Generation, route: Route, calls: int
    ) -> DocumentResult:
        decision = decide(outcome, document, route, self._former_row(document, outcome))
        reason = outcome.sentence() if decision.state is not DocumentState.ACCEPTED else None
        cleared = outcome.cleared_invoice if outcome.accepted else None
        foreign = None if cleared is None else _difference(document, cleared)
        if foreign is not None:
            decision, reason, cleared = Decision(DocumentState.SET_ASIDE, route), foreign.sentence(), None
        ended = outcome.exchange.ended
        wait = pause(document.attempts + calls, self._rng, outcome.retry_after) if decision.backs_off else None
        stored = self._ledger.record_outcome(
            self._claim,
            document,
            decision.state,
            exchange=_evidence(outcome, generation),
            reason=reason,
            next_attempt_at=None if wait is None else ended + wait,
            route=decision.route,
            cleared_xml=cleared,
            stop_reason=outcome.sentence() if decision.stops_unit else None,
        )
        return DocumentResult(
            self._claim.unit_name,
            stored,
            outcome,
            stops_unit=decision.stops_unit,
            cleared=cleared is not None,
            objection=foreign,
        )

    def _former_row(self, document: Document, outcome: Outcome) -> str | None:
        if outcome.action is not Action.RESEND_ONCE:
            return None
        former = self._ledger.exchanges(document)
        return former[-1].row if former else None


def _difference(document: Document, cleared: bytes) -> ForeignClearedCopy | None:
    """Say what is wrong with a cleared copy: clearance changes stamp and QR, never what the hash covers.

    Its stamp is the platform's and need not fit our certificate. Source: the gateway contract 8.3.
    """
    from khatm.stamp.canonical import invoice_hash

    found: str | None
    try:
        found = invoice_hash(cleared)
    except KhatmError:
        found = None
    if found == document.invoice_hash:
        return None
    return ForeignClearedCopy(uuid=document.uuid, found=found, allowed=document.invoice_hash)


def _evidence(outcome: Outcome, generation: Generation) -> Exchange:
    exchange = outcome.exchange
    return Exchange(
        call=outcome.call.value,
        row=outcome.row,
        verdict=outcome.verdict.value,
        method=exchange.method,
        url=exchange.url,
        request_headers=exchange.request_headers,
        request_body_sha256=exchanges.body_digest(exchange.request_body),
        http_status=exchange.response_status,
        response_headers=exchange.response_headers,
        response_body=exchange.response_body,
        failure=exchange.failure,
        started_at=exchange.started,
        ended_at=exchange.ended,
        generation_id=generation.id,
    )
