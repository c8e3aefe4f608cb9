"""The last step: the PCSID, and what to do when the authority still misses compliance steps.

Source: gateway contract, sections 4.6 (answers), 6.2 (`Missing-ComplianceSteps`), 6.3 and 9 (a lost answer is
recovered by repeating the same pair and id).
"""

from khatm.environment import Environment
from khatm.gateway.calls import Call, Credentials
from khatm.gateway.verdict import Action, Csid, Outcome
from khatm.ledger.generations import Generation
from khatm.onboarding.checks import ComplianceChecks
from khatm.onboarding.errors import StepsStillMissing, UnknownComplianceSteps
from khatm.onboarding.events import NoticeCode, StepName
from khatm.onboarding.plan import required_steps, steps_named
from khatm.onboarding.refusals import refusal
from khatm.onboarding.walk import Walk, said
from khatm.stamp.certificate import read_certificate


def request_production(walk: Walk, generation: Generation) -> Generation:
    """Ask for the PCSID and make it live; return the live generation.

    When the authority names missing steps, exactly those are run again and the request is made once more. Raises
    StepsStillMissing, UnknownComplianceSteps, CcsidRefused, CertificateRefused, CallRefused or NoAnswer.
    """
    outcome = _ask(walk, generation)
    if outcome.action is Action.RUN_MISSING_STEPS:
        generation = _run_missing(walk, generation, outcome)
        outcome = _ask(walk, generation)
        if outcome.action is Action.RUN_MISSING_STEPS:
            raise StepsStillMissing(
                unit=walk.unit.name,
                step=StepName.PCSID.value,
                http_status=outcome.http_status,
                said=said(outcome),
                missing=outcome.missing_steps,
            )
    if not outcome.accepted:
        raise refusal(walk, StepName.PCSID.value, outcome)
    return walk.ledger.generation(generation)


def keep_production(walk: Walk, generation: Generation, csid: Csid) -> None:
    """Store a PCSID, which makes it live and retires the former one in one transaction, and tell about it.

    A certificate on another key is kept in the sandbox only, whose certificate is canned (gateway contract, 2.6).
    Raises the ledger's CertificateNotOurs or UnreadableToken.
    """
    live = walk.ledger.record_pcsid(
        generation,
        csid.token,
        csid.secret,
        csid.request_id,
        foreign_certificate=walk.unit.environment is Environment.SANDBOX,
    )
    if live.foreign_certificate:
        walk.teller.notice(StepName.PCSID, NoticeCode.FOREIGN_CERTIFICATE)
    certificate = read_certificate(csid.token)
    walk.teller.done(
        StepName.PCSID,
        generation=live.label,
        request_id=csid.request_id,
        issuer=certificate.issuer_name,
        serial_number=str(certificate.serial_number),
        not_after=certificate.not_after.isoformat(),
        own_key=not live.foreign_certificate,
    )


def _ask(walk: Walk, generation: Generation) -> Outcome:
    stored = walk.ledger.ccsid_credentials(generation)
    credentials = Credentials(stored.token, stored.secret)
    request_id = generation.ccsid_request_id or ""

    def keep(outcome: Outcome) -> None:
        if outcome.accepted and outcome.csid is not None:
            keep_production(walk, generation, outcome.csid)

    walk.teller.started(StepName.PCSID)
    return walk.call(
        generation,
        StepName.PCSID,
        Call.PRODUCTION_CSID,
        lambda: walk.gateway.production_csid(credentials, request_id),
        keep=keep,
        facts={"request_id": request_id},
    )


def _run_missing(walk: Walk, generation: Generation, outcome: Outcome) -> Generation:
    """Forget and run again what the authority named; without names, everything that the type map asks."""
    steps, unknown = steps_named(outcome.missing_steps)
    if unknown:
        raise UnknownComplianceSteps(
            unit=walk.unit.name,
            step=StepName.PCSID.value,
            http_status=outcome.http_status,
            said=said(outcome),
            unknown=unknown,
        )
    steps = steps or required_steps(walk.unit.type_map)
    names = tuple(step.name for step in steps)
    walk.teller.notice(StepName.CHECK, NoticeCode.STEPS_REPEATED, missing=list(names))
    return ComplianceChecks(walk, walk.ledger.reset_steps(generation, names)).run(steps)
