"""The compliance checks: one document per step, stamped with the CCSID, in a short chain of their own.

The chain of the compliance phase begins at counter 1 with the constant first hash and belongs to the generation; the
unit's own chain is not touched, since nothing of this phase is a tax document (gateway contract, section 6.2).
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from khatm.document.arithmetic import compute
from khatm.document.model import read_document
from khatm.document.writer import ChainPlace, write
from khatm.environment import Environment
from khatm.gateway.calls import Call, Credentials, Submission
from khatm.gateway.verdict import Outcome
from khatm.ledger.generations import Generation
from khatm.onboarding.documents import CheckSeller, check_document
from khatm.onboarding.events import NoticeCode, StepName
from khatm.onboarding.plan import ComplianceStep
from khatm.onboarding.refusals import refusal
from khatm.onboarding.walk import Walk, said
from khatm.stamp.canonical import INITIAL_PIH
from khatm.stamp.certificate import read_certificate
from khatm.stamp.keys import load_key
from khatm.stamp.signers import FileSigner, Signer
from khatm.stamp.xades import stamp


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the next document of a generation's compliance chain stands."""

    counter: int
    previous_hash: str


class ComplianceChecks:
    """Runs compliance steps of one generation that holds a CCSID."""

    def __init__(self, walk: Walk, generation: Generation) -> None:
        self._walk = walk
        self._generation = generation
        stored = walk.ledger.ccsid_credentials(generation)
        self._credentials = Credentials(stored.token, stored.secret)
        self._signer = _signer(walk, generation, stored.token)
        unit = walk.unit
        self._seller = CheckSeller.of_unit(
            unit.seller, organisation=unit.csr_fields.organization_name, vat_number=unit.vat_number
        )
        self._placeholder_said = False
        self._place = _place_after_journal(walk, generation)

    def run(self, steps: Iterable[ComplianceStep]) -> Generation:
        """Pass each step that is not recorded yet, in order; return the generation as it then stands.

        Raises CheckRefused, CcsidRefused, CallRefused or NoAnswer; steps passed before stay recorded.
        """
        for step in steps:
            if step.name not in self._generation.passed_steps:
                self._run_one(step)
        return self._generation

    def _run_one(self, step: ComplianceStep) -> None:
        walk = self._walk
        if self._seller.placeholder and not self._placeholder_said:
            walk.teller.notice(StepName.CHECK, NoticeCode.PLACEHOLDER_ADDRESS, seller=self._seller.block)
            self._placeholder_said = True
        walk.teller.started(StepName.CHECK, name=step.name)
        submission = self._submission(step)
        facts: dict[str, object] = {
            "name": step.name,
            "uuid": submission.uuid,
            "icv": self._place.counter,
            "invoice_hash": submission.invoice_hash,
        }
        self._place = _Place(self._place.counter + 1, submission.invoice_hash)
        outcome = walk.call(
            self._generation,
            StepName.CHECK,
            Call.COMPLIANCE_CHECK,
            lambda: walk.gateway.check_compliance(self._credentials, submission),
            keep=lambda outcome: self._keep(step, outcome),
            facts=facts,
        )
        if not outcome.accepted:
            raise refusal(walk, step.name, outcome)
        walk.teller.done(StepName.CHECK, **facts, http_status=outcome.http_status, warnings=list(said(outcome)))

    def _keep(self, step: ComplianceStep, outcome: Outcome) -> None:
        if outcome.accepted:
            self._generation = self._walk.ledger.record_step(self._generation, step.name)

    def _submission(self, step: ComplianceStep) -> Submission:
        now = self._walk.clock.now()
        document = read_document(check_document(step, self._seller, now))
        chain_place = ChainPlace(
            uuid=str(uuid.uuid4()), counter=self._place.counter, previous_hash=self._place.previous_hash
        )
        stamped = stamp(write(compute(document), chain_place), self._signer, now)
        return Submission(stamped.invoice_hash, chain_place.uuid, stamped.xml)


def _place_after_journal(walk: Walk, generation: Generation) -> _Place:
    """Return the place after the last document that was journaled for a generation, sent or not."""
    place = _Place(1, INITIAL_PIH)
    for intent in walk.ledger.calls(walk.unit):
        if intent.generation_id == generation.id and intent.call == Call.COMPLIANCE_CHECK.value:
            place = _Place(int(str(intent.facts["icv"])) + 1, str(intent.facts["invoice_hash"]))
    return place


def _signer(walk: Walk, generation: Generation, token: str) -> Signer:
    return FileSigner(
        load_key(walk.ledger.key_of(generation)),
        read_certificate(token),
        allow_foreign_certificate=walk.unit.environment is Environment.SANDBOX,
    )
