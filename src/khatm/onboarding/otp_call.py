"""The two calls that carry an OTP, and what becomes of the OTP when their answer is lost.

An OTP works once. When an answer is lost, in this run or because the process was killed, the same OTP is tried once
more: it is either still good, or the authority says that it is used up and another one is asked for with that reason.
The journal holds the OTP sealed until the call is settled. Source: gateway contract, sections 6.6 and 9.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass

from khatm.errors import KhatmError
from khatm.gateway.calls import Call
from khatm.gateway.verdict import Action, Outcome
from khatm.ledger.generations import Generation
from khatm.onboarding.errors import MalformedOtp, NoAnswer, OtpNotGiven
from khatm.onboarding.events import NoticeCode, StepName
from khatm.onboarding.otp import OtpReason, OtpSource, is_otp, lengths_allowed, normalise_otp
from khatm.onboarding.refusals import RENEWAL, otp_refusal
from khatm.onboarding.walk import UNDECIDED, Walk, answer_facts, failure_text

_SENDS_PER_OTP = 2
"""Once, and once more when the answer was lost."""
_OTPS_PER_RUN = 5
"""A source that goes on giving refused codes is stopped: guessing is not onboarding."""
_SEALED = "sealed_otp"


@dataclass(frozen=True, slots=True)
class OtpCallResult:
    """The decided answer, and whether an earlier answer to the same question had been lost."""

    outcome: Outcome
    answer_lost: bool


@dataclass(slots=True)
class _Hand:
    """The OTP in hand and how often an answer to it was lost, in earlier runs too."""

    otp: str
    lost: int = 0
    undecided: bool = False
    """Whether any answer to it decided nothing; such an OTP may be used up although nobody said so."""


class OtpCall:
    """Makes `POST /compliance` or the renewal call for one generation until its outcome is decided."""

    def __init__(self, walk: Walk, generation: Generation, call: Call, source: OtpSource) -> None:
        self._walk = walk
        self._generation = generation
        self._call = call
        self._source = source
        self._purpose = OtpReason.RENEWAL if call is Call.RENEWAL else OtpReason.ONBOARDING
        self._step = RENEWAL if call is Call.RENEWAL else StepName.CCSID.value
        self._refused: set[str] = set()
        self._given = 0

    def make(self, send: Callable[[str], Outcome], keep: Callable[[Outcome], None]) -> OtpCallResult:
        """Send with an OTP from the journal or the source; `keep` stores what a decided answer brought.

        Raises OtpNotGiven, MalformedOtp, OtpRefused, OtpSpent, or NoAnswer when the gateway stays silent.
        """
        hand = self._remembered()
        failure: KhatmError = self._not_given()
        reason = self._purpose
        if hand is not None and hand.lost >= _SENDS_PER_OTP:
            self._walk.settle(self._generation, {"settled": "the answer was lost twice"})
            hand, reason = None, OtpReason.ANSWER_LOST
        while True:
            if hand is None:
                hand = _Hand(self._ask(reason, failure))
            else:
                self._walk.teller.notice(StepName.OTP, NoticeCode.SAME_OTP_AGAIN)
            outcome = self._send(hand, send)
            if outcome.action is Action.ASK_NEW_OTP:
                lost = hand.undecided
                self._refused.add(hand.otp)
                self._walk.settle(self._generation, answer_facts(outcome))
                failure = otp_refusal(self._walk, self._step, self._purpose.value, outcome, answer_lost=lost)
                hand, reason = None, OtpReason.ANSWER_LOST if lost else OtpReason.REFUSED
            elif outcome.action in UNDECIDED:
                failure = NoAnswer(unit=self._walk.unit.name, step=self._step, failure=failure_text(outcome))
                if hand.lost < _SENDS_PER_OTP:
                    raise failure
                hand, reason = None, OtpReason.ANSWER_LOST
            else:
                keep(outcome)
                self._walk.settle(self._generation, answer_facts(outcome))
                return OtpCallResult(outcome, answer_lost=hand.undecided)

    def _send(self, hand: _Hand, send: Callable[[str], Outcome]) -> Outcome:
        """Send until decided, two answers lost or patience ended; the journal keeps lost ones open."""
        walk, attempt = self._walk, 0
        while True:
            attempt += 1
            facts = {_SEALED: self._seal(hand.otp), "attempt": attempt}
            intent = walk.ledger.journal_intent(self._generation, self._call.value, facts)
            walk.teller.started(StepName.CCSID, call=self._call.value)
            outcome = send(hand.otp)
            if outcome.action not in UNDECIDED:
                return outcome
            if outcome.action is Action.RESEND_ONCE:
                hand.lost += 1
                hand.undecided = True
            else:
                hand.undecided = hand.undecided or outcome.http_status is not None
                walk.ledger.journal_answer(intent, answer_facts(outcome))
            if hand.lost >= _SENDS_PER_OTP or attempt >= walk.patience.attempts:
                return outcome
            walk.pause(StepName.CCSID, outcome, attempt)

    def _ask(self, reason: OtpReason, failure: KhatmError) -> str:
        """Return a usable OTP from the source; raise `failure` when it has no other one."""
        unit = self._walk.unit
        while self._given < _OTPS_PER_RUN:
            self._walk.teller.started(StepName.OTP, reason=reason.value)
            given = self._source(reason)
            if given is None:
                break
            self._given += 1
            otp = normalise_otp(given)
            if otp in self._refused:
                break
            if is_otp(otp, unit.environment):
                self._walk.teller.done(StepName.OTP, reason=reason.value)
                return otp
            failure = MalformedOtp(
                unit=unit.name,
                found=f"{len(otp)} characters",
                allowed=" or ".join(f"{length} digits" for length in lengths_allowed(unit.environment)),
            )
            reason = OtpReason.MALFORMED
        raise failure

    def _remembered(self) -> _Hand | None:
        """Return the OTP of a call that was begun and never answered, with the number of such calls."""
        intents = [
            intent
            for intent in self._walk.ledger.open_intents(self._walk.unit)
            if intent.generation_id == self._generation.id
        ]
        otps = [self._open(intent.facts.get(_SEALED)) for intent in intents]
        if not otps:
            return None
        return _Hand(otps[-1], lost=otps.count(otps[-1]), undecided=True)

    def _not_given(self) -> KhatmError:
        unit = self._walk.unit
        return OtpNotGiven(unit=unit.name, environment=unit.environment.value, purpose=self._purpose.value)

    def _seal(self, otp: str) -> str:
        return base64.b64encode(self._walk.home.custodian().seal(otp.encode(), self._seal_purpose())).decode()

    def _open(self, sealed: object) -> str:
        return self._walk.home.custodian().open(base64.b64decode(str(sealed)), self._seal_purpose()).decode()

    def _seal_purpose(self) -> str:
        return f"otp of generation {self._generation.id}"
