"""The endpoints that take documents: the compliance checks, reporting, and clearance.

The examination judges the document; this module knows what was received before, answers, and keeps what matters.
Source: gateway contract, sections 4.3, 4.5, 4.10, 4.11, 6.2 and 8.
"""

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import ec

from khatm.rules.catalogue import explain
from khatm.simulator import bodies, compliance, messages
from khatm.simulator.causes import Cause
from khatm.simulator.clearance import Unstamped, clear
from khatm.simulator.examination import examine, with_continuity
from khatm.simulator.exchange import Base64, Request, Response, json_response
from khatm.simulator.fatoora import Fatoora
from khatm.simulator.messages import WireMessage
from khatm.simulator.received import Call, CredentialFacts, Examination, Examined, Received
from khatm.simulator.records import Accepted, SubmissionOutcome
from khatm.simulator.registry import Credential
from khatm.simulator.switches import Switches
from khatm.stamp import curve
from khatm.stamp.certificate import Certificate, read_certificate

_LOCKS = 64
_SIGNATURE_WARNING = replace(messages.SIGNATURE_INVALID, type="WARNING", status="WARNING")


@dataclass(frozen=True, slots=True)
class _Verdict:
    """How a document is answered and noted."""

    status: int
    members: bodies.Members
    outcome: SubmissionOutcome
    cleared: bytes | None = None
    step: str | None = None
    """The compliance step that it passes."""


@dataclass(frozen=True, slots=True)
class _Submission:
    """One document that came in under a credential."""

    call: Call
    credential: Credential
    switches: Switches
    examination: Examination
    now: datetime


class Documents:
    """Answers `POST /compliance/invoices`, `/invoices/reporting/single` and `/invoices/clearance/single`."""

    def __init__(self, fatoora: Fatoora) -> None:
        self._fatoora = fatoora
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    def submit(self, call: Call, credential: Credential, request: Request, members: dict[str, object]) -> Response:
        """Examine a document, answer it, and note it with its answer."""
        switches = self._fatoora.switches(credential.environment)
        body_hash = members.get("invoiceHash")
        if call == "clearance" and request.clearance_off:
            self._turn_away(credential, body_hash)
            return bodies.clearance_off().said_because(Cause.CLEARANCE_OFF)
        if call == "clearance" and _clearance_is_off(request, switches):
            return bodies.clearance_off().said_because(Cause.CLEARANCE_OFF)
        if call == "reporting" and (request.clearance_off or self._was_turned_away(credential, body_hash)):
            switches = replace(switches, clearance_enabled=False)
        with self._one_at_a_time(credential, body_hash):
            now = self._fatoora.clock.now()
            received = self.received(call, credential, switches, members, now)
            if switches.chain != "format" and call != "compliance":
                previous = self._fatoora.records.last_document(credential.device_id)
                received = replace(received, previous=previous)
            examination = _levelled(_examination(received, request.examined), switches)
            if request.rejection is not None:
                examination = _with_error(examination, request.rejection)
            submission = _Submission(call, credential, switches, examination, now)
            verdict = self._verdict(submission, body_hash)
            self._note(submission, verdict)
            return json_response(verdict.status, verdict.members)

    def _turn_away(self, credential: Credential, body_hash: object) -> None:
        if isinstance(body_hash, str):
            self._fatoora.records.turn_away(credential.environment, credential.vat_number, body_hash)

    def _was_turned_away(self, credential: Credential, body_hash: object) -> bool:
        if not isinstance(body_hash, str):
            return False
        return self._fatoora.records.turned_away(credential.environment, credential.vat_number, body_hash)

    @contextmanager
    def _one_at_a_time(self, credential: Credential, body_hash: object) -> Iterator[None]:
        """Let copies of one document wait for each other, so that one is accepted and the others are duplicates.

        Different documents may share a lock, which costs them nothing but a wait.
        """
        key = (credential.environment, credential.vat_number, body_hash if isinstance(body_hash, str) else None)
        with self._locks[hash(key) % _LOCKS]:
            yield

    def received(
        self, call: Call, credential: Credential, switches: Switches, members: dict[str, object], now: datetime
    ) -> Received:
        """Return a submission as the examination takes it, without the document that the unit sent last."""
        registry, environment = self._fatoora.registry, credential.environment
        return Received(
            call=call,
            environment=environment,
            body_hash=members.get("invoiceHash"),
            body_uuid=members.get("uuid"),
            body_invoice=members.get("invoice"),
            credential=CredentialFacts(
                vat_number=credential.vat_number,
                type_map=credential.type_map,
                certificate_der=credential.certificate,
                kind=credential.kind,
            ),
            clock_now=now,
            switches=switches,
            known_certificate=lambda der: registry.knows_certificate(
                environment, credential.vat_number, credential.kind, der
            ),
            rules=self._fatoora.rules,
        )

    def _verdict(self, submission: _Submission, body_hash: object) -> _Verdict:
        if submission.call == "compliance":
            return self._compliance_verdict(submission)
        before = self._accepted_before(submission, body_hash)
        if submission.call == "reporting":
            return _reported_before(submission) if before else _reporting_verdict(submission)
        return _cleared_before(submission, before) if before else self._clearance_verdict(submission)

    def _accepted_before(self, submission: _Submission, body_hash: object) -> Accepted | None:
        """Return the earlier acceptance of this document; its own hash counts, and the body must name it."""
        facts, credential = submission.examination.facts, submission.credential
        if not submission.switches.duplicates or submission.examination.stopped or facts is None:
            return None
        if facts.document_hash != body_hash:
            return None
        return self._fatoora.records.accepted_before(
            credential.environment,
            credential.vat_number,
            facts.document_hash,
            submission.now,
            timedelta(seconds=submission.switches.duplicate_window),
        )

    def _compliance_verdict(self, submission: _Submission) -> _Verdict:
        examination, credential = submission.examination, submission.credential
        facts = examination.facts
        profile = facts.profile if facts else None
        step = compliance.step_of(profile, facts.type_code, credential.type_map) if facts else None
        counts = credential.kind == "ccsid" and not examination.stopped
        looks_back = counts and submission.switches.submitted_before
        if step is not None and looks_back and step.name in self._fatoora.registry.steps(credential.id):
            refusal = bodies.validation_members("ERROR", (), (), (messages.submitted_before(step.label),))
            return _Verdict(406, _compliance_members(refusal, profile, accepted=False), "step_done")
        status, outcome, validation = _judged(submission)
        accepted = outcome != "rejected"
        members = _compliance_members(validation, profile, accepted=accepted)
        return _Verdict(status, members, outcome, step=step.name if step and counts and accepted else None)

    def _clearance_verdict(self, submission: _Submission) -> _Verdict:
        status, outcome, validation = _judged(submission)
        if outcome == "rejected":
            return _Verdict(status, bodies.clearance_result(validation, "NOT_CLEARED", None), outcome)
        cleared = self._cleared(submission)
        return _Verdict(status, bodies.clearance_result(validation, "CLEARED", _base64(cleared)), outcome, cleared)

    def _cleared(self, submission: _Submission) -> bytes:
        """Return the document with the platform's stamp, which in the sandbox names the caller's certificate (8.3)."""
        examination, credential = submission.examination, submission.credential
        document = examination.places or examination.xml
        assert document is not None and examination.facts is not None and examination.stamp_facts is not None
        platform = self._fatoora.own_certificates.platform(credential.environment, submission.now)
        faithful = submission.switches.stamp == "sandbox-faithful"
        return clear(
            document,
            platform=_platform_key(platform.key),
            certificate=_certificate(credential.certificate if faithful else platform.certificate.der),
            at=submission.now,
            unstamped=Unstamped(examination.facts.document_hash, examination.stamp_facts),
        )

    def _note(self, submission: _Submission, verdict: _Verdict) -> None:
        credential, facts = submission.credential, submission.examination.facts
        with self._fatoora.store.transaction():
            self._fatoora.records.add(
                device_id=credential.device_id,
                credential_id=credential.id,
                call=submission.call,
                facts=facts,
                http_status=verdict.status,
                outcome=verdict.outcome,
                now=submission.now,
            )
            if verdict.step is not None:
                self._fatoora.registry.record_step(credential.id, verdict.step, submission.now)
            accepted = verdict.outcome in ("accepted", "accepted_with_warnings")
            if accepted and submission.call != "compliance" and submission.switches.duplicates and facts:
                self._fatoora.records.accept(
                    credential.environment,
                    credential.vat_number,
                    facts.document_hash,
                    verdict.cleared,
                    submission.now,
                )


class _PlatformKey:
    """The platform's key as the clearance stamp uses it."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._scalar = key.private_numbers().private_value.to_bytes(32)

    def sign(self, digest: bytes) -> bytes:
        """Sign the 32 bytes that the curve operation runs on."""
        return curve.backend().sign(self._scalar, digest)


@lru_cache(maxsize=8)
def _platform_key(key: ec.EllipticCurvePrivateKey) -> _PlatformKey:
    return _PlatformKey(key)


@lru_cache(maxsize=256)
def _certificate(encoded: bytes) -> Certificate:
    return read_certificate(encoded)


def _examination(received: Received, examined: Examined | None) -> Examination:
    """Return what a worker has found, completed, or examine the document now."""
    if examined is not None and examined.fits(received):
        return with_continuity(examined.examination, received)
    return examine(received)


def _clearance_is_off(request: Request, switches: Switches) -> bool:
    by_header = switches.clearance_status_header and request.header("clearance-status") == "0"
    return by_header or not switches.clearance_enabled


def _levelled(examination: Examination, switches: Switches) -> Examination:
    """Make a warning of the signature's refusal where a switch says so (5.2)."""
    if switches.invalid_signature == "error" or messages.SIGNATURE_INVALID not in examination.errors:
        return examination
    return replace(
        examination,
        errors=tuple(each for each in examination.errors if each != messages.SIGNATURE_INVALID),
        warnings=(*examination.warnings, _SIGNATURE_WARNING),
    )


def _with_error(examination: Examination, code: str) -> Examination:
    """Add an error that a fault script asks for, in the words of the catalogue."""
    entry = explain(code)
    finding = messages.rule_finding(code, "error", entry.en.title if entry else code, en16931="KSA" not in code)
    return replace(examination, errors=(*examination.errors, finding))


def _judged(submission: _Submission) -> tuple[int, SubmissionOutcome, bodies.Members]:
    """Return status, outcome and `validationResults` of an examined document (4.3, second table)."""
    found = submission.examination
    if found.errors:
        return 400, "rejected", bodies.validation_members("ERROR", found.info, found.warnings, found.errors)
    if found.warnings:
        status = 200 if submission.switches.warnings_as_200 else 202
        members = bodies.validation_members("WARNING", found.info, found.warnings, ())
        return status, "accepted_with_warnings", members
    return 200, "accepted", bodies.validation_members("PASS", found.info, (), ())


def _compliance_members(validation: bodies.Members, profile: str | None, *, accepted: bool) -> bodies.Members:
    """Return a compliance answer; a document of no recognisable kind is neither reported nor cleared."""
    reporting = ("REPORTED" if accepted else "NOT_REPORTED") if profile != "standard" else None
    clearance = ("CLEARED" if accepted else "NOT_CLEARED") if profile != "simplified" else None
    return bodies.compliance_result(validation, reporting=reporting, clearance=clearance)


def _reporting_verdict(submission: _Submission) -> _Verdict:
    status, outcome, validation = _judged(submission)
    word = bodies.reporting_result(validation, "NOT_REPORTED" if outcome == "rejected" else "REPORTED")
    return _Verdict(status, word, outcome)


_PASSED = (messages.XSD_VALID,)


def _reported_before(submission: _Submission) -> _Verdict:
    """Return the 409, which tells the client that its document is there already (4.10)."""
    if submission.switches.duplicates_as_200:
        passed = bodies.validation_members("PASS", _PASSED, (), ())
        return _Verdict(200, bodies.reporting_result(passed, "REPORTED"), "duplicate")
    if submission.switches.duplicate_body == "late-2025":
        return _Verdict(409, {"reportingStatus": bodies.REPORTED_EARLIER}, "duplicate")
    published = submission.switches.duplicate_body == "published"
    message: WireMessage = messages.REPORTED_BEFORE_PUBLISHED if published else messages.REPORTED_BEFORE
    refused = bodies.validation_members("ERROR", (), (), (message,))
    return _Verdict(409, bodies.reporting_result(refused, "NOT_REPORTED"), "duplicate")


def _cleared_before(submission: _Submission, before: Accepted) -> _Verdict:
    """Return the 208 with the first answer's cleared invoice, byte for byte (4.11)."""
    passed = bodies.validation_members("PASS", _PASSED, (), ())
    status = 200 if submission.switches.duplicates_as_200 else 208
    return _Verdict(status, bodies.clearance_result(passed, "CLEARED", _base64(before.cleared)), "duplicate")


def _base64(document: bytes | None) -> Base64 | None:
    return None if document is None else Base64(base64.b64encode(document), "ascii")
