"""Onboarding: from nothing to a live production CSID, killable at any point and resumed by running it again.

Source: gateway contract, sections 6 (states) and 9 (what follows from each answer).
"""

from khatm.gateway.calls import Call
from khatm.gateway.verdict import Action, Outcome
from khatm.ledger.generations import Generation, GenerationState, Purpose
from khatm.onboarding.compliance import finish, keep_ccsid, prepare
from khatm.onboarding.events import NoticeCode, StepName
from khatm.onboarding.otp import OtpSource
from khatm.onboarding.otp_call import OtpCall
from khatm.onboarding.refusals import refusal
from khatm.onboarding.session import LiveCredentials, UnitWalks, expiry, live_credentials
from khatm.onboarding.walk import Walk


class Onboarding(UnitWalks):
    """Takes units from a CSR to a production CSID."""

    def run(self, unit_name: str, otp_source: OtpSource, *, anew: bool = False) -> LiveCredentials:
        """Onboard a unit, or go on where an earlier run stopped; return its live credentials.

        Once a CCSID is stored no OTP is asked for again. A unit whose production CSID is live, not expired and not
        stopped is left alone, unless `anew`, which also gives up an attempt under way; live credentials stay until
        the new ones are proven. Raises the errors of `khatm.onboarding.errors`, and the ledger's and the stamp
        room's; whatever is raised, running it again goes on from there.
        """
        with self._walking(unit_name) as walk:
            generation = _to_go_on_with(walk, anew=anew)
            if generation is None:
                live = walk.ledger.live_generation(walk.unit)
                if live is not None and not anew and _serves(walk, live):
                    walk.teller.notice(StepName.PCSID, NoticeCode.ALREADY_LIVE, generation=live.label)
                    return live_credentials(walk.unit.name, live, already_live=True)
                generation = prepare(walk, Purpose.ONBOARDING)
            if generation.state is GenerationState.PREPARED:
                generation = _compliance_csid(walk, generation, otp_source)
            return live_credentials(walk.unit.name, finish(walk, generation))


def _to_go_on_with(walk: Walk, *, anew: bool) -> Generation | None:
    """Return the attempt under way if this run continues it; give it up where it leads nowhere."""
    generation = walk.ledger.open_generation(walk.unit)
    if generation is None:
        return None
    if anew:
        walk.ledger.abandon_generation(generation, "begun anew")
        return None
    if generation.purpose is Purpose.RENEWAL:
        live = walk.ledger.live_generation(walk.unit)
        if live is not None and _serves(walk, live):
            return None
        # A renewal that has its CCSID needs no OTP and leads to the same end; one without needs the dead PCSID.
        if generation.state is GenerationState.PREPARED:
            walk.ledger.abandon_generation(generation, "the production CSID to renew does not serve any longer")
            return None
    walk.teller.notice(
        StepName.CSR, NoticeCode.RESUMED, generation=generation.label, passed=list(generation.passed_steps)
    )
    return generation


def _serves(walk: Walk, live: Generation) -> bool:
    """Whether live credentials can be used: neither expired nor refused by the authority."""
    return walk.unit.stopped_reason is None and walk.clock.now() < expiry(live)


def _compliance_csid(walk: Walk, generation: Generation, otp_source: OtpSource) -> Generation:
    """Exchange the CSR and an OTP for a CCSID; the generation comes back with it."""

    def keep(outcome: Outcome) -> None:
        if outcome.accepted and outcome.csid is not None:
            keep_ccsid(walk, generation, outcome.csid)
        elif outcome.action is Action.CORRECT_CSR:
            walk.ledger.abandon_generation(generation, "the authority refused the CSR")

    call = OtpCall(walk, generation, Call.COMPLIANCE_CSID, otp_source)
    result = call.make(lambda otp: walk.gateway.compliance_csid(generation.csr_pem, otp), keep)
    if not result.outcome.accepted:
        raise refusal(walk, StepName.CCSID.value, result.outcome)
    return walk.ledger.generation(generation)
