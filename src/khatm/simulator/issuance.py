"""The endpoints that give out CSIDs: the CCSID for a CSR and an OTP, the PCSID, and its renewal.

Source: gateway contract, sections 4.4, 4.6, 4.7, 6 and 7.
"""

import base64
import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from khatm.environment import Environment
from khatm.simulator import bodies, compliance, messages
from khatm.simulator.causes import Cause
from khatm.simulator.csr import ReceivedCsr, RefusedCsr, SerialTooLong, read_csr, read_request
from khatm.simulator.exchange import Request, Response, json_response
from khatm.simulator.fatoora import Fatoora
from khatm.simulator.own_certificates import CANNED_SECRET
from khatm.simulator.portal import AcceptedOtp, Purpose
from khatm.simulator.registry import Credential
from khatm.simulator.store import milliseconds

_log = logging.getLogger(__name__)

_SANDBOX_CCSID_REQUEST = 1234567890123
_SANDBOX_PCSID_REQUEST = 30368
_INVALID_CSR = "The provided Certificate Signing Request (CSR) is invalid."
_SERIAL_TOO_LONG = f"{_INVALID_CSR} Maximum number of characters for Serial Number should be less than or equal to 64."
_STEPS_MISSING = "The compliance certificate is not done with the following compliance steps yet"
_CA_REFUSAL = (
    "unable to submit and sign the csr in zatca side, caused : Denied by Policy Module 0x80094800, The request was "
    "for a certificate template that is not supported by the Active Directory Certificate Services policy: {}.\r\n"
)


class Issuance:
    """Answers `POST /compliance`, `POST /production/csids` and `PATCH /production/csids`."""

    def __init__(self, fatoora: Fatoora) -> None:
        self._fatoora = fatoora
        self._registry = fatoora.registry

    def compliance_csid(self, environment: Environment, request: Request, members: dict[str, object]) -> Response:
        """Answer a CSR with a CCSID: `POST /compliance`."""
        with self._fatoora.store.transaction():
            asked = self._asked(environment, request, members, Purpose.ONBOARDING)
            if isinstance(asked, Response):
                return asked
            csr, otp = asked
            if not self._is_taxpayers(csr, environment, otp):
                return _invalid_otp().said_because(Cause.OTP_OF_OTHER_TAXPAYER, otp.vat_number or "")
            now = self._fatoora.clock.now()
            device_id = self._registry.add_device(environment, csr, now)
            self._fatoora.portal.consume(otp, now)
            return json_response(200, self._give_ccsid(environment, csr, device_id, "ISSUED", now))

    def production_csid(self, credential: Credential, members: dict[str, object]) -> Response:
        """Answer a CCSID and its own request id with a PCSID: `POST /production/csids`."""
        refusal = _request_id_refusal(members.get("compliance_request_id"), credential.request_id)
        if refusal is not None:
            return refusal
        switches = self._fatoora.switches(credential.environment)
        with self._fatoora.store.transaction():
            passed = self._registry.steps(credential.id)
            missing = compliance.missing_steps(credential.type_map, passed, qr_steps=switches.qr_steps)
            if switches.enforce_steps and missing:
                names = switches.step_list_separator.join(missing)
                return bodies.flat(400, "Missing-ComplianceSteps", f"{_STEPS_MISSING} [{names}]")
            if switches.second_production_csid == "refuse" and self._registry.issued_from(credential.id):
                return _invalid_request_id().said_because(Cause.SECOND_PCSID)
            csr = read_request(credential.request, replace(switches, csr_p256="accept", csr_sha1="accept"))
            if self._is_foreign_template(csr, credential.environment):
                return _template_refused(csr)
            return json_response(200, self._give_pcsid(csr, credential, self._fatoora.clock.now()))

    def renewal(self, current: Credential, request: Request, members: dict[str, object]) -> Response:
        """Answer a CSR of a unit that holds a PCSID: `PATCH /production/csids`."""
        environment = current.environment
        switches = self._fatoora.switches(environment)
        with self._fatoora.store.transaction():
            asked = self._asked(environment, request, members, Purpose.RENEWAL)
            if isinstance(asked, Response):
                return asked
            csr, otp = asked
            if otp.device_id not in (None, current.device_id):
                return _invalid_otp().said_because(Cause.OTP_FOR_OTHER_DEVICE, str(otp.device_id))
            if not self._is_taxpayers(csr, environment, otp, current):
                return _invalid_otp().said_because(Cause.OTP_OF_OTHER_TAXPAYER, otp.vat_number or "")
            now = self._fatoora.clock.now()
            if switches.renewal == "200":
                if self._is_foreign_template(csr, environment):
                    return _template_refused(csr)
                self._fatoora.portal.consume(otp, now)
                return json_response(200, self._give_pcsid(csr, current, now))
            self._fatoora.portal.consume(otp, now)
            given = self._give_ccsid(environment, csr, current.device_id, "NOT_COMPLIANT", now, current.id)
            return json_response(428, {"value": given} if switches.renewal_428_wrapped else given)

    def _asked(
        self, environment: Environment, request: Request, members: dict[str, object], purpose: Purpose
    ) -> tuple[ReceivedCsr, AcceptedOtp] | Response:
        """Return the CSR and the OTP of a call that brings both, or the refusal. The OTP is not consumed yet."""
        switches = self._fatoora.switches(environment)
        code, text = request.header("otp"), members.get("csr")
        if not code:
            return bodies.error_list("Missing-OTP", "OTP is required field")
        if text is None or text == "":
            return bodies.error_list("Missing-CSR", "CSR is required field")
        now = self._fatoora.clock.now()
        otp = self._fatoora.portal.check(environment, code, purpose=purpose, switches=switches, now=now)
        if otp is None:
            return replace(_invalid_otp(), because=self._fatoora.portal.why_refused(environment, code, purpose, now))
        try:
            if not isinstance(text, str):
                raise RefusedCsr("not a text")
            return read_csr(text, switches), otp
        except SerialTooLong as refusal:
            _log.info("CSR refused: %s", refusal.reason)
            message = messages.error("EXCEED_CHARACTER_LIMIT", "CSR_VALIDATION", _SERIAL_TOO_LONG)
            return json_response(400, message.members()).said_because(Cause.CSR_REFUSED, refusal.reason)
        except RefusedCsr as refusal:
            _log.info("CSR refused: %s", refusal.reason)
            return bodies.flat3("Invalid-CSR", _INVALID_CSR).said_because(Cause.CSR_REFUSED, refusal.reason)

    def _is_taxpayers(
        self, csr: ReceivedCsr, environment: Environment, otp: AcceptedOtp, current: Credential | None = None
    ) -> bool:
        """Tell whether the CSR's VAT number is that of the OTP's taxpayer, and of the renewed PCSID."""
        if not self._fatoora.switches(environment).vat_check:
            return True
        owners = {otp.vat_number or csr.vat_number, current.vat_number if current else csr.vat_number}
        return owners == {csr.vat_number}

    def _is_foreign_template(self, csr: ReceivedCsr, environment: Environment) -> bool:
        return self._fatoora.switches(environment).template_check and csr.template != environment.csr_template

    def _new_secret(self) -> str:
        return base64.b64encode(self._fatoora.random.randbytes(32)).decode()

    def _give_ccsid(
        self,
        environment: Environment,
        csr: ReceivedCsr,
        device_id: int,
        disposition: Literal["ISSUED", "NOT_COMPLIANT"],
        now: datetime,
        predecessor_id: int | None = None,
    ) -> bodies.Members:
        serial = self._registry.free_ccsid_serial(milliseconds(now))
        switches = self._fatoora.switches(environment)
        plain = switches.certificate_signature == "plain"
        issued, secret = self._fatoora.authority.issue_ccsid(csr, serial, plain=plain), self._new_secret()
        constant = switches.request_id == "constant"
        request_id = _SANDBOX_CCSID_REQUEST if constant else serial
        self._registry.add_credential(
            device_id=device_id,
            environment=environment,
            kind="ccsid",
            request_id=request_id,
            issued=issued,
            secret=secret,
            request=csr.der,
            now=now,
            predecessor_id=predecessor_id,
            ccsid_serial=serial,
        )
        return bodies.token_members(request_id=request_id, disposition=disposition, token=issued.token, secret=secret)

    def _give_pcsid(self, csr: ReceivedCsr, source: Credential, now: datetime) -> bodies.Members:
        """Give out a PCSID for a CCSID, or in a direct renewal for the PCSID before."""
        environment, device_id = source.environment, source.device_id
        switches = self._fatoora.switches(environment)
        if switches.pcsid == "canned":
            issued, secret = self._fatoora.own_certificates.canned(now), CANNED_SECRET
        else:
            plain = switches.certificate_signature == "plain"
            issued = self._fatoora.authority.issue_pcsid(environment, csr, now, days=switches.pcsid_days, plain=plain)
            secret = self._new_secret()
        constant = switches.request_id == "constant"
        request_id = (
            _SANDBOX_PCSID_REQUEST if constant else self._fatoora.store.next_number(f"PCSID request {environment}")
        )
        from_ccsid = source.kind == "ccsid"
        if source.predecessor_id is not None or not from_ccsid:
            ends = now + timedelta(seconds=switches.renewal_overlap)
            self._registry.retire_pcsids(device_id, ends, but_from=source.id if from_ccsid else None)
        self._registry.add_credential(
            device_id=device_id,
            environment=environment,
            kind="pcsid",
            request_id=request_id,
            issued=issued,
            secret=secret,
            request=csr.der,
            now=now,
            predecessor_id=source.predecessor_id if from_ccsid else source.id,
            source_id=source.id if from_ccsid else None,
        )
        self._registry.activate(device_id, csr, now)
        return bodies.token_members(
            request_id=request_id,
            disposition="ISSUED",
            token=issued.token,
            secret=secret,
            token_type=bodies.X509_TOKEN_TYPE,
        )


def _invalid_otp() -> Response:
    return bodies.error_list("Invalid-OTP", "The provided OTP is invalid")


def _request_id_refusal(given: object, own: int) -> Response | None:
    """Compare `compliance_request_id`, text or number, with the CCSID's own (1.6)."""
    if given is None or given == "":
        return bodies.error_list("Missing-compliance_request_id", "compliance_request_id is required field")
    if isinstance(given, int) and not isinstance(given, bool):
        same = given == own
    else:
        same = isinstance(given, str) and given.strip() == str(own)
    return None if same else _invalid_request_id().said_because(Cause.OTHER_REQUEST_ID, str(own))


def _invalid_request_id() -> Response:
    return bodies.error_list("Invalid-ComplianceRequestId", "The provided compliance_request_id is invalid")


def _template_refused(csr: ReceivedCsr) -> Response:
    members = bodies.token_members(
        request_id=-2,
        disposition="NOT_COMPLIANT",
        token=None,
        secret=None,
        errors=[_CA_REFUSAL.format(csr.template)],
    )
    return json_response(400, members)
