"""What all steps of one unit's walk share: the rooms they join, and one way to make a call.

A call is written into the journal before it is sent; what its answer brings is stored before the journal says that
it was answered. A call without a stored answer is therefore exactly one whose outcome is unknown.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from khatm.clock import Clock
from khatm.gateway.calls import Call, Credentials, Submission
from khatm.gateway.messages import Message
from khatm.gateway.verdict import Action, Outcome
from khatm.ledger.generations import Generation
from khatm.ledger.home import Home
from khatm.ledger.ledger import Ledger
from khatm.ledger.units import Unit
from khatm.onboarding.events import StepName, Teller
from khatm.onboarding.patience import Patience, Sleeper

UNDECIDED = frozenset((Action.RESEND, Action.RESEND_ONCE))
"""Answers, or their absence, after which the same bytes are sent again."""


class CsidGateway(Protocol):
    """The four calls of the gateway that lead to a CSID; `khatm.gateway.Gateway` has them."""

    def compliance_csid(self, csr_pem: bytes, otp: str) -> Outcome:
        """Ask for a CCSID."""
        ...

    def check_compliance(self, credentials: Credentials, submission: Submission) -> Outcome:
        """Submit one test document."""
        ...

    def production_csid(self, credentials: Credentials, compliance_request_id: str) -> Outcome:
        """Ask for the PCSID."""
        ...

    def renew_csid(self, credentials: Credentials, csr_pem: bytes, otp: str) -> Outcome:
        """Renew with the current PCSID."""
        ...


@dataclass(frozen=True, slots=True)
class Walk:
    """One unit's walk: the ledger it writes to, the gateway it asks, who listens, and how long it tries."""

    unit: Unit
    ledger: Ledger
    gateway: CsidGateway
    clock: Clock
    home: Home
    teller: Teller
    patience: Patience
    sleep: Sleeper

    def call(
        self,
        generation: Generation,
        step: StepName,
        call: Call,
        send: Callable[[], Outcome],
        *,
        keep: Callable[[Outcome], None],
        facts: Mapping[str, object],
    ) -> Outcome:
        """Make one call, repeated within the walk's patience while nothing is decided; return the last outcome.

        `keep` stores what a decided answer brought. `facts` go into the journal and the WAITING events.
        """
        attempt = 0
        while True:
            attempt += 1
            intent = self.ledger.journal_intent(generation, call.value, {**facts, "attempt": attempt})
            outcome = send()
            if outcome.action not in UNDECIDED:
                keep(outcome)
            self.ledger.journal_answer(intent, answer_facts(outcome))
            if not self.goes_on(outcome, attempt):
                return outcome
            self.pause(step, outcome, attempt)

    def goes_on(self, outcome: Outcome, attempt: int) -> bool:
        """Return whether a call that was made `attempt` times is made again."""
        if outcome.action is Action.RESEND:
            return attempt < self.patience.attempts
        return outcome.action is Action.RESEND_ONCE and attempt == 1

    def pause(self, step: StepName, outcome: Outcome, attempt: int) -> None:
        """Let the time pass before the next attempt, and say so."""
        seconds = self.patience.wait_after(attempt, outcome.retry_after)
        self.teller.waiting(step, seconds=seconds, attempt=attempt, answer=failure_text(outcome))
        self.sleep(seconds)

    def settle_ended(self) -> None:
        """Close what earlier runs left open about generations that have ended, live ones included."""
        under_way = self.ledger.open_generation(self.unit)
        for intent in self.ledger.open_intents(self.unit):
            if intent.generation_id is not None and (under_way is None or intent.generation_id != under_way.id):
                self.ledger.journal_answer(intent.id, {"settled": "the run ended after its answer was stored"})

    def settle(self, generation: Generation, facts: Mapping[str, object]) -> None:
        """Close every call of a generation that the journal holds open: what follows does not depend on it."""
        for intent in self.ledger.open_intents(self.unit):
            if intent.generation_id == generation.id:
                self.ledger.journal_answer(intent.id, facts)


def answer_facts(outcome: Outcome) -> dict[str, object]:
    """Return what the journal keeps of an answer: no token, no secret."""
    return {
        "verdict": outcome.verdict.value,
        "action": outcome.action.value,
        "http_status": outcome.http_status,
        "row": outcome.row,
        "said": list(said(outcome)),
        "failure": outcome.exchange.failure,
    }


def said(outcome: Outcome) -> tuple[str, ...]:
    """Return the authority's messages as `CODE: text`, errors first, without those that are information only."""
    ordered = sorted(outcome.messages, key=lambda message: _LEVELS[message.level])
    texts = (
        ": ".join(part for part in (_code(message), message.message) if part)
        for message in ordered
        if message.level != "info"
    )
    return tuple(text for text in texts if text)


def _code(message: Message) -> str | None:
    """Return a message's code; one family of bodies puts "400" there and the code into the category (4.1, FLAT3)."""
    return message.category if (message.code or "0").isdigit() else message.code


def failure_text(outcome: Outcome) -> str:
    """Return in one phrase why an answer decided nothing."""
    words = "; ".join(said(outcome))
    return outcome.exchange.failure or (f"HTTP {outcome.http_status} {words}").rstrip()


_LEVELS = {"error": 0, "warning": 1, "info": 2}
