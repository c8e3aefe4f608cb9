"""From the gateway's outcome to the document's next state: the outcome table decides, this reads its decision."""

from dataclasses import dataclass

from khatm.gateway.verdict import Action, Outcome, Verdict
from khatm.ledger.documents import DocumentState, Profile, Route

_SETTLED = {
    Verdict.ACCEPTED: DocumentState.ACCEPTED,
    Verdict.ACCEPTED_WITH_WARNINGS: DocumentState.ACCEPTED_WITH_WARNINGS,
    Verdict.REJECTED: DocumentState.REJECTED,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """What one outcome makes of a document."""

    state: DocumentState
    route: Route
    stops_unit: bool = False
    backs_off: bool = False
    """Whether the next attempt waits; a stopped unit's documents wait for the unit, not for a time."""


def decide(outcome: Outcome, profile: Profile, route: Route, former_row: str | None) -> Decision:
    """Return the document's next state.

    `former_row` is the outcome-table line of the attempt before this one: an answer that asks for one repetition and
    comes again is a matter for a human. Source: the gateway contract 9.
    """
    settled = _SETTLED.get(outcome.verdict)
    if settled is not None:
        return Decision(settled, route)
    if outcome.verdict is Verdict.STOP_UNIT:
        return Decision(DocumentState.WAITING, route, stops_unit=True)
    if outcome.action is Action.CLEAR_INSTEAD and profile is Profile.STANDARD:
        # It was reported because clearance was off; clearance is back.
        return Decision(DocumentState.WAITING, Route.CLEARANCE, backs_off=True)
    poisoned = outcome.action is Action.RESEND_ONCE and outcome.row == former_row
    if outcome.verdict is Verdict.OPERATOR or poisoned:
        return Decision(DocumentState.SET_ASIDE, route)
    return Decision(DocumentState.WAITING, route, backs_off=True)
