"""From the gateway's outcome to the document's next state: the outcome table decides, this reads its decision."""

from dataclasses import dataclass

from khatm.gateway.verdict import Action, Outcome, Verdict
from khatm.ledger.documents import Document, DocumentState, Profile, Route

_SETTLED = {
    Verdict.ACCEPTED: DocumentState.ACCEPTED,
    Verdict.ACCEPTED_WITH_WARNINGS: DocumentState.ACCEPTED_WITH_WARNINGS,
    Verdict.REJECTED: DocumentState.REJECTED,
}

_MOST_CONTRADICTIONS = 10
"""After so many attempts a standard document that neither endpoint takes is a matter for a human."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What one outcome makes of a document."""

    state: DocumentState
    route: Route
    stops_unit: bool = False
    backs_off: bool = False
    """Whether the next attempt waits; a stopped unit's documents wait for the unit, not for a time."""


def decide(outcome: Outcome, document: Document, sent_by: Route, former_row: str | None) -> Decision:
    """Return the document's next state.

    `former_row` is the outcome-table line of the attempt before this one: an answer that asks for one repetition and
    comes again is a matter for a human. A standard document without a decision begins at clearance again, whichever
    call it was that came last: whether clearance is off is the authority's to say anew each time. Source: the gateway
    contract 8.1 and 9.
    """
    settled = _SETTLED.get(outcome.verdict)
    standard = document.profile is Profile.STANDARD
    # It was reported because clearance was off, and clearance has come back between the two calls.
    wants_clearance = standard and sent_by is Route.REPORTING and _belongs_to_clearance(outcome)
    if settled is not None and not wants_clearance:
        return Decision(settled, sent_by)
    route = Route.CLEARANCE if standard else sent_by
    if outcome.verdict is Verdict.STOP_UNIT:
        return Decision(DocumentState.WAITING, route, stops_unit=True)
    if wants_clearance:
        contradicts = document.attempts >= _MOST_CONTRADICTIONS
        return Decision(DocumentState.SET_ASIDE if contradicts else DocumentState.WAITING, route, backs_off=True)
    poisoned = outcome.action is Action.RESEND_ONCE and outcome.row == former_row
    if outcome.verdict is Verdict.OPERATOR or poisoned:
        return Decision(DocumentState.SET_ASIDE, route)
    return Decision(DocumentState.WAITING, route, backs_off=True)


def _belongs_to_clearance(outcome: Outcome) -> bool:
    """Whether reporting refuses a standard document for being one: by a 303 or, today, by a 400 (contract 4.10)."""
    codes = {message.code for message in outcome.errors}
    return outcome.action is Action.CLEAR_INSTEAD or (
        outcome.verdict is Verdict.REJECTED and codes == {"XML-INVOICE-ERROR"}
    )
