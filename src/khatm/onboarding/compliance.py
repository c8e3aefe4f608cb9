"""What onboarding and renewal have in common: a new key and CSR, keeping a CCSID, and from a CCSID to the PCSID."""

from collections.abc import Callable

from khatm.environment import Environment
from khatm.errors import KhatmError
from khatm.gateway.verdict import Csid
from khatm.ledger.generations import Generation, Purpose
from khatm.onboarding.checks import ComplianceChecks
from khatm.onboarding.errors import CcsidNotOurs
from khatm.onboarding.events import StepName
from khatm.onboarding.plan import required_steps
from khatm.onboarding.production import request_production
from khatm.onboarding.walk import Walk
from khatm.stamp.certificate import read_certificate
from khatm.stamp.csr import build_csr
from khatm.stamp.keys import generate_key, load_key, public_key_info, sec1_pem


def prepare(walk: Walk, purpose: Purpose) -> Generation:
    """Make a new key and CSR and store them beside whatever is live.

    Raises UnusableTypeMap, or the stamp room's InvalidCsrFields, before anything is stored.
    """
    unit = walk.unit
    required_steps(unit.type_map)
    key = generate_key()
    csr = build_csr(unit.csr_fields, unit.environment, key)
    generation = walk.ledger.begin_generation(unit, sec1_pem(key), csr.pem, purpose)
    walk.teller.done(
        StepName.CSR,
        generation=generation.label,
        common_name=unit.csr_fields.common_name,
        template=unit.environment.csr_template,
        type_map=unit.type_map,
    )
    return generation


def keep_ccsid(walk: Walk, generation: Generation, csid: Csid) -> None:
    """Store token, secret and request id of a CCSID together, then look at the certificate and tell about it.

    Outside the sandbox a CCSID that is unreadable or not for our key ends the attempt: raises CcsidNotOurs.
    """
    stored = walk.ledger.record_ccsid(generation, csid.token, csid.secret, csid.request_id)
    own_key = _fits(walk, stored, csid.token)
    walk.teller.done(StepName.CCSID, generation=stored.label, request_id=csid.request_id, own_key=own_key)


def finish(walk: Walk, generation: Generation, before_switch: Callable[[], None] | None = None) -> Generation:
    """Pass the checks that are left, let `before_switch` run, ask for the PCSID; return the live generation."""
    walk.settle(generation, {"settled": "an earlier run ended before the answer was stored; the walk went on"})
    generation = ComplianceChecks(walk, generation).run(required_steps(walk.unit.type_map))
    if before_switch is not None:
        before_switch()
    return request_production(walk, generation)


def _fits(walk: Walk, generation: Generation, token: str) -> bool:
    try:
        certificate = read_certificate(token)
    except KhatmError as error:
        raise _close(walk, generation, error.sentence("en"), error.sentence("ar")) from None
    own_key = public_key_info(load_key(walk.ledger.key_of(generation))) == certificate.spki
    if not own_key and walk.unit.environment is not Environment.SANDBOX:
        raise _close(walk, generation, "it was issued for another key", "أُصدرت لمفتاح آخر")
    return own_key


def _close(walk: Walk, generation: Generation, reason_en: str, reason_ar: str) -> CcsidNotOurs:
    walk.ledger.abandon_generation(generation, f"unusable compliance CSID: {reason_en}")
    return CcsidNotOurs(
        unit=walk.unit.name, environment=walk.unit.environment.value, reason_en=reason_en, reason_ar=reason_ar
    )
