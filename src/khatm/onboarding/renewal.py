"""Renewal: a new key and a new production CSID before the old one expires; the unit's chain goes on.

Source: gateway contract, sections 4.7 (answers), 7 (order of things) and 9 (a lost answer).
"""

from collections.abc import Callable

from khatm.gateway.calls import Call, Credentials
from khatm.gateway.verdict import Action, Outcome
from khatm.ledger.generations import Generation, GenerationState, Purpose
from khatm.onboarding.compliance import finish, keep_ccsid, prepare
from khatm.onboarding.errors import NothingToRenew, PcsidExpired
from khatm.onboarding.events import NoticeCode, StepName
from khatm.onboarding.otp import OtpSource
from khatm.onboarding.otp_call import OtpCall
from khatm.onboarding.production import keep_production
from khatm.onboarding.refusals import renewal_refusal
from khatm.onboarding.session import LiveCredentials, UnitWalks, expiry, live_credentials
from khatm.onboarding.walk import Walk


class Renewal(UnitWalks):
    """Replaces live production CSIDs by new ones on new keys."""

    def run(
        self, unit_name: str, otp_source: OtpSource, *, before_switch: Callable[[], None] | None = None
    ) -> LiveCredentials:
        """Renew a unit's production CSID, or go on where an earlier run stopped; return the new credentials.

        `before_switch` runs before each call after which the old CSID may be revoked at once: it is the moment to
        send the documents that were stamped with it. It may run twice. The unit's counter and last hash are not
        touched. Raises NothingToRenew, PcsidExpired, PcsidRefused, PcsidAnswerLost and what onboarding raises;
        whatever is raised, the old credentials stay live in the ledger and running it again goes on from there.
        """
        with self._walking(unit_name) as walk:
            live = walk.ledger.live_generation(walk.unit)
            if live is None:
                raise NothingToRenew(unit=walk.unit.name)
            generation = _to_go_on_with(walk)
            if generation is None or generation.state is GenerationState.PREPARED:
                if walk.clock.now() >= expiry(live):
                    raise PcsidExpired(unit=walk.unit.name, expired_at=expiry(live).isoformat())
                generation = generation or prepare(walk, Purpose.RENEWAL)
                if before_switch is not None:
                    before_switch()
                generation = _renew(walk, live, generation, otp_source)
            if generation.state is GenerationState.COMPLIANCE:
                generation = finish(walk, generation, before_switch)
            return live_credentials(walk.unit.name, generation)


def _to_go_on_with(walk: Walk) -> Generation | None:
    generation = walk.ledger.open_generation(walk.unit)
    if generation is None:
        return None
    if generation.purpose is not Purpose.RENEWAL:
        walk.ledger.abandon_generation(generation, "a renewal was begun instead")
        return None
    walk.teller.notice(
        StepName.CSR, NoticeCode.RESUMED, generation=generation.label, passed=list(generation.passed_steps)
    )
    return generation


def _renew(walk: Walk, live: Generation, generation: Generation, otp_source: OtpSource) -> Generation:
    """Make the renewal call with the live CSID; the generation comes back live, or with a CCSID and checks to run."""
    stored = walk.ledger.pcsid_credentials(live)
    credentials = Credentials(stored.token, stored.secret)

    def keep(outcome: Outcome) -> None:
        if outcome.csid is None:
            if outcome.action is Action.CORRECT_CSR:
                walk.ledger.abandon_generation(generation, "the authority refused the CSR")
        elif outcome.csid.kind == "production":
            keep_production(walk, generation, outcome.csid)
        else:
            keep_ccsid(walk, generation, outcome.csid)
            walk.teller.notice(StepName.CCSID, NoticeCode.RENEWAL_NEEDS_CHECKS)

    call = OtpCall(walk, generation, Call.RENEWAL, otp_source)
    result = call.make(lambda otp: walk.gateway.renew_csid(credentials, generation.csr_pem, otp), keep)
    if result.outcome.csid is None:
        raise renewal_refusal(walk, result.outcome, answer_lost=result.answer_lost)
    return walk.ledger.generation(generation)
