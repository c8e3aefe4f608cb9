"""From an outcome that ends the walk to the error that says so."""

from khatm.errors import KhatmError
from khatm.gateway.messages import BodyFamily
from khatm.gateway.verdict import Action, Outcome
from khatm.onboarding.errors import (
    CallRefused,
    CcsidRefused,
    CertificateRefused,
    CheckRefused,
    CsrRefused,
    NoAnswer,
    OtpRefused,
    OtpSpent,
    PcsidAnswerLost,
    PcsidRefused,
    UnsafePeer,
)
from khatm.onboarding.events import StepName
from khatm.onboarding.walk import UNDECIDED, Walk, failure_text, said

RENEWAL = "renewal"
"""How errors name the step of the renewal call."""
_UNAUTHORIZED = 401
_TRY_LATER = frozenset((408, 425, 429))


def refusal(walk: Walk, step: str, outcome: Outcome) -> KhatmError:
    """Return the error for a call that was not accepted.

    `step` is `ccsid`, `pcsid`, `renewal` or the wire name of a compliance step.
    """
    unit, status, words = walk.unit.name, outcome.http_status, said(outcome)
    if _is_silence(outcome):
        kind = UnsafePeer if outcome.action is Action.CHECK_CONNECTION else NoAnswer
        return kind(unit=unit, step=step, failure=failure_text(outcome))
    plain = _plain_refusal(step, outcome)
    if plain is not None:
        return plain(unit=unit, step=step, http_status=status, said=words)
    return CallRefused(unit=unit, step=step, http_status=status, said=words, advice_en=outcome.en, advice_ar=outcome.ar)


def otp_refusal(walk: Walk, step: str, purpose: str, outcome: Outcome, *, answer_lost: bool) -> KhatmError:
    """Return the error for an OTP that does not work, when no other one can be had."""
    kind = OtpSpent if answer_lost else OtpRefused
    return kind(
        unit=walk.unit.name,
        step=step,
        http_status=outcome.http_status,
        said=said(outcome),
        environment=walk.unit.environment.value,
        purpose=purpose,
    )


def renewal_refusal(walk: Walk, outcome: Outcome, *, answer_lost: bool) -> KhatmError:
    """Return the error for a renewal call that brought no CSID.

    After a lost answer a 401 has another meaning: the authority may have renewed, and revoked the old CSID.
    """
    if outcome.http_status != _UNAUTHORIZED:
        return refusal(walk, RENEWAL, outcome)
    kind = PcsidAnswerLost if answer_lost else PcsidRefused
    return kind(unit=walk.unit.name, step=RENEWAL, http_status=outcome.http_status, said=said(outcome))


_PlainRefusal = type[CsrRefused | CertificateRefused | CheckRefused | CcsidRefused]


def _plain_refusal(step: str, outcome: Outcome) -> _PlainRefusal | None:
    """Return the kind of refusal that needs nothing but the authority's words, if it is one of those."""
    if outcome.http_status == _UNAUTHORIZED:
        return CcsidRefused
    if outcome.action is Action.CORRECT_GENERATOR:
        return CheckRefused
    if step == StepName.PCSID and outcome.family is BodyFamily.TOKEN:
        return CertificateRefused
    return CsrRefused if outcome.action is Action.CORRECT_CSR else None


def _is_silence(outcome: Outcome) -> bool:
    """Whether nothing was decided because of the network or an overloaded gateway, not because of what was asked."""
    status = outcome.http_status
    if status is None:
        return True
    return outcome.action in UNDECIDED and (status in _TRY_LATER or not 400 <= status < 500)
