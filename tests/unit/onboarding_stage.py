"""An authority in memory for onboarding tests: it answers as the gateway contract has it, and fails on order.

Written from the contract alone (sections 4, 6 and 7) and apart from the simulator, so the two do not share mistakes.
"""

import base64
import json
import re
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from khatm.gateway.transport import Fault, WireAnswer, WireRequest
from khatm.stamp.csr_fields import CsrFields

VAT = "399999999900003"
ORDER = (
    "standard-compliant",
    "standard-credit-note-compliant",
    "standard-debit-note-compliant",
    "simplified-compliant",
    "simplified-credit-note-compliant",
    "simplified-debit-note-compliant",
)

Meddle = Callable[[Callable[[], WireAnswer]], WireAnswer]
"""A fault: gets the honest answer as a function, and may call it or not."""


def csr_fields(type_map: str = "1100", *, number: int = 1, vat_number: str = VAT) -> CsrFields:
    return CsrFields(
        common_name=f"EGS-{number}",
        serial_number=f"1-Khatm|2-1|3-{number:06}",
        organization_identifier=vat_number,
        organization_unit_name="Main",
        organization_name="شركة المثال | Example Trading",
        country_name="SA",
        invoice_type=type_map,
        location_address="RRRD2929",
        industry_business_category="Retail",
    )


SELLER: dict[str, object] = {
    "name": "شركة المثال | Example Trading",
    "vat": VAT,
    "ids": {"CRN": "1010734512"},
    "address": {
        "street": "طريق العليا | Olaya Road",
        "building": "3471",
        "district": "العليا | Al Olaya",
        "city": "الرياض | Riyadh",
        "postal_code": "12611",
        "country": "SA",
    },
}


@dataclass
class Csid:
    secret: str
    kind: str
    request_id: str
    csr: x509.CertificateSigningRequest
    steps: set[str] = field(default_factory=set)
    alive: bool = True
    predecessor: str | None = None


class Authority:
    """Implements the client's Transport; `faults[path]` holds what happens to the next calls of a path."""

    def __init__(self, *, renewal: int = 428, enforce: bool = True, now: datetime | None = None) -> None:
        self.renewal = renewal
        self.enforce = enforce
        self.now = now or datetime.now(UTC)
        self.otps: dict[str, str] = {}
        self.csids: dict[str, Csid] = {}
        self.faults: dict[str, deque[Meddle]] = defaultdict(deque)
        self.calls: list[str] = []
        self.documents: list[bytes] = []
        self.validity = {"ccsid": timedelta(days=1825), "pcsid": timedelta(days=730)}
        self.canned: ec.EllipticCurvePrivateKey | None = None
        self.extra_steps: tuple[str, ...] = ()
        self._issuer = ec.generate_private_key(ec.SECP256K1())
        self._serial = 1_772_357_405_000

    def new_otp(self, otp: str, purpose: str = "onboarding") -> str:
        self.otps[otp] = purpose
        return otp

    def send(self, request: WireRequest) -> WireAnswer:
        path = request.method + " " + request.url.split("/e-invoicing/", 1)[1].split("/", 1)[1]
        self.calls.append(path)
        meddle = self.faults[path].popleft() if self.faults[path] else None
        return meddle(lambda: self._answer(path, request)) if meddle else self._answer(path, request)

    def close(self) -> None:
        pass

    def live_pcsids(self) -> list[Csid]:
        return [csid for csid in self.csids.values() if csid.kind == "pcsid" and csid.alive]

    def _answer(self, path: str, request: WireRequest) -> WireAnswer:
        headers = {name.lower(): value for name, value in request.headers}
        body = json.loads(request.body)
        if path == "POST compliance":
            return self._compliance(headers.get("otp", ""), body)
        token, csid = self._authenticate(headers)
        if csid is None or (path == "PATCH production/csids") != (csid.kind == "pcsid"):
            return answer(401, {"timestamp": 1772357409876, "status": 401, "error": "Unauthorized", "message": ""})
        if path == "POST compliance/invoices":
            return self._check(csid, body)
        if path == "POST production/csids":
            return self._production(token, csid, body)
        return self._renew(token, headers.get("otp", ""), body)

    def _compliance(self, otp: str, body: dict[str, str]) -> WireAnswer:
        if self.otps.get(otp) != "onboarding":
            return INVALID_OTP()
        del self.otps[otp]
        return self._issue("ccsid", self._csr(body))

    def _renew(self, token: str, otp: str, body: dict[str, str]) -> WireAnswer:
        if self.otps.get(otp) != "renewal":
            return INVALID_OTP()
        del self.otps[otp]
        if self.renewal == 200:
            self.csids[token].alive = False
            return self._issue("pcsid", self._csr(body))
        return self._issue("ccsid", self._csr(body), status=428, disposition="NOT_COMPLIANT", predecessor=token)

    def _check(self, csid: Csid, body: dict[str, str]) -> WireAnswer:
        xml = base64.b64decode(body["invoice"])
        self.documents.append(xml)
        step = step_of(xml)
        if step in csid.steps:
            return submitted_before(step)
        csid.steps.add(step)
        return result(200)

    def _production(self, token: str, csid: Csid, body: dict[str, str]) -> WireAnswer:
        if str(body["compliance_request_id"]) != csid.request_id:
            return answer(400, {"errors": [{"code": "Invalid-ComplianceRequestId", "message": "…"}]})
        type_map = _title(csid.csr)
        wanted = [s for s in ORDER if type_map["standard" not in s] == "1"] + list(self.extra_steps)
        missing = [step for step in wanted if step not in csid.steps]
        if missing and self.enforce:
            return steps_missing(missing)
        if csid.predecessor:
            self.csids[csid.predecessor].alive = False
        return self._issue("pcsid", csid.csr)

    def _issue(
        self,
        kind: str,
        csr: x509.CertificateSigningRequest,
        *,
        status: int = 200,
        disposition: str = "ISSUED",
        predecessor: str | None = None,
    ) -> WireAnswer:
        self._serial += 1
        public = self.canned.public_key() if self.canned and kind == "pcsid" else csr.public_key()
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "eInvoicing")])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(csr.subject)
            .issuer_name(issuer)
            .public_key(public)
            .serial_number(self._serial)
            .not_valid_before(self.now - timedelta(seconds=5))
            .not_valid_after(self.now + self.validity[kind])
            .add_extension(csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value, critical=False)
            .sign(self._issuer, hashes.SHA256())
        )
        token = base64.b64encode(base64.b64encode(certificate.public_bytes(Encoding.DER))).decode()
        secret = base64.b64encode(self._serial.to_bytes(32, "big")).decode()
        self.csids[token] = Csid(secret, kind, str(self._serial), csr, predecessor=predecessor)
        return answer(
            status,
            {
                "requestID": self._serial,
                "tokenType": None,
                "dispositionMessage": disposition,
                "binarySecurityToken": token,
                "secret": secret,
                "errors": None,
            },
        )

    def _authenticate(self, headers: dict[str, str]) -> tuple[str, Csid | None]:
        token, _, secret = base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode().partition(":")
        csid = self.csids.get(token)
        return token, csid if csid and csid.secret == secret and csid.alive else None

    @staticmethod
    def _csr(body: dict[str, str]) -> x509.CertificateSigningRequest:
        return x509.load_pem_x509_csr(base64.b64decode(body["csr"]))


def answer(status: int, body: object) -> WireAnswer:
    return WireAnswer(status, (("Content-Type", "application/json"),), json.dumps(body, ensure_ascii=False).encode())


def INVALID_OTP() -> WireAnswer:
    return answer(400, {"errors": [{"code": "Invalid-OTP", "message": "The provided OTP is invalid"}]})


def invalid_csr() -> WireAnswer:
    sentence = "The provided Certificate Signing Request (CSR) is invalid."
    return answer(400, {"errorCode": "400", "errorCategory": "Invalid-CSR", "errorMessage": sentence})


def steps_missing(names: list[str]) -> WireAnswer:
    start = "The compliance certificate is not done with the following compliance steps yet ["
    return answer(400, {"code": "Missing-ComplianceSteps", "message": f"{start}{','.join(names)}]"})


def result(status: int, *errors: tuple[str, str]) -> WireAnswer:
    messages = [
        {"type": "ERROR", "code": code, "category": "KSA", "message": text, "status": "ERROR"} for code, text in errors
    ]
    word = "ERROR" if errors else "PASS"
    return answer(
        status,
        {
            "validationResults": {
                "infoMessages": [],
                "warningMessages": [],
                "errorMessages": messages,
                "status": word,
            },
            "reportingStatus": "NOT_REPORTED" if errors else "REPORTED",
            "clearanceStatus": None,
            "qrSellertStatus": None,
            "qrBuyertStatus": None,
        },
    )


def submitted_before(step: str) -> WireAnswer:
    return result(406, ("Submitted before", f"Compliance check already completed for {step}."))


def refused_by_ca() -> WireAnswer:
    words = "unable to submit and sign the csr in zatca side, caused : Denied by Policy Module 0x80094800"
    token = {"requestID": -2, "tokenType": None, "dispositionMessage": "NOT_COMPLIANT"}
    return answer(400, {**token, "binarySecurityToken": None, "secret": None, "errors": [words]})


def lost_after(honest: Callable[[], WireAnswer]) -> WireAnswer:
    """Process the request, then drop the connection."""
    honest()
    return WireAnswer(None, fault=Fault.LOST, fault_text="connection reset")


def lost_before(honest: Callable[[], WireAnswer]) -> WireAnswer:
    """Drop the connection without processing."""
    return WireAnswer(None, fault=Fault.LOST, fault_text="connection reset")


def unreachable(honest: Callable[[], WireAnswer]) -> WireAnswer:
    return WireAnswer(None, fault=Fault.UNREACHABLE, fault_text="connection refused")


def says(wire: WireAnswer) -> Meddle:
    return lambda honest: wire


def page(status: int, **headers: str) -> Meddle:
    pairs = (("Content-Type", "text/html"), *((name.replace("_", "-"), value) for name, value in headers.items()))
    return says(WireAnswer(status, pairs, b"<html><head><title>Gateway</title></head><body></body></html>"))


def step_of(xml: bytes) -> str:
    found = re.search(rb'InvoiceTypeCode name="(\d\d)\d+">(\d+)<', xml)
    assert found is not None
    family = {b"01": "standard", b"02": "simplified"}[found[1]]
    return family + {b"388": "", b"381": "-credit-note", b"383": "-debit-note"}[found[2]] + "-compliant"


def _title(csr: x509.CertificateSigningRequest) -> str:
    alternative = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    name = alternative.get_values_for_type(x509.DirectoryName)[0]
    return str(name.get_attributes_for_oid(NameOID.TITLE)[0].value)
