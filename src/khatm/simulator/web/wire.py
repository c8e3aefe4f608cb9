"""The wire in one table: the six endpoints with headers, bodies and answers, for the reference page and for OpenAPI.

Texts are keys of the catalogue. Examples come from the same functions that write the answers. Source: gateway
contract, sections 1.1, 1.4, 3 and 4.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from khatm.simulator import bodies, messages
from khatm.simulator.exchange import JSON, Response, json_response
from khatm.simulator.fault_answers import failure
from khatm.simulator.faults import EndpointName

Need = Literal["otp", "ccsid", "pcsid"]
Schema = Literal["CsrRequest", "DocumentRequest", "ProductionCsidRequest"]

_MOMENT: Final = datetime(2026, 3, 1, 9, 30, 5, 123000, UTC)
_REQUEST_ID: Final = 1772357405123
_SHOWN_CSID: Final = "TUlJQ0tUQ0NBYytn…"
_SHOWN_KEY: Final = "EvolMW6UXYv…"
_HASH: Final = "NWZlY2ViNjZmZmM4NmYzOGQ5NTI3ODZjNmQ2OTZjNzk="

_CSR_BODY: Final = {"csr": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0…"}
_DOCUMENT_BODY: Final = {
    "invoiceHash": _HASH,
    "uuid": "8e6000cf-1a98-4174-b3e7-b5d5954bc10d",
    "invoice": "PD94bWwgdmVyc2lvbj0iMS4wIj8+PEludm9pY2U…",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One way in which an endpoint answers."""

    family: str
    """The body's family in gateway contract 4.1."""
    key: str
    """When it comes."""
    example: Response

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.example.status

    @property
    def media_type(self) -> str:
        """The content type without parameters."""
        return self.example.content_type.partition(";")[0]

    @property
    def body(self) -> str:
        """The example's body as text."""
        return self.example.body.decode()


@dataclass(frozen=True, slots=True)
class Header:
    """One request header."""

    name: str
    value: str
    key: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One of the six calls."""

    name: EndpointName
    method: Literal["POST", "PATCH"]
    path: str
    """Below `/e-invoicing/{environment}`."""
    needs: tuple[Need, ...]
    schema: Schema
    body: dict[str, str]
    answers: tuple[Answer, ...]

    @property
    def headers(self) -> tuple[Header, ...]:
        """The request headers in the order in which the page shows them."""
        otp = (Header("OTP", "123345", "header.otp"),) if "otp" in self.needs else ()
        basic = (Header("Authorization", "Basic …", "header.authorization"),) if _basic(self.needs) else ()
        clearance = (
            (Header("Clearance-Status", "1" if self.name == "clearance" else "0", "header.clearance", required=False),)
            if self.name in ("reporting", "clearance")
            else ()
        )
        return (*otp, *basic, *clearance, *_COMMON)


_COMMON: Final = (
    Header("Accept-Version", "V2", "header.version"),
    Header("Content-Type", JSON, "header.content_type"),
    Header("Accept-Language", "en", "header.language", required=False),
)


def _basic(needs: tuple[Need, ...]) -> bool:
    return "ccsid" in needs or "pcsid" in needs


def _token(key: str, *, disposition: Literal["ISSUED", "NOT_COMPLIANT"] = "ISSUED", pcsid: bool = False) -> Answer:
    members = bodies.token_members(
        request_id=_REQUEST_ID,
        disposition=disposition,
        token=_SHOWN_CSID,
        secret=_SHOWN_KEY,
        token_type=bodies.X509_TOKEN_TYPE if pcsid else None,
    )
    return Answer("Token", key, json_response(200 if disposition == "ISSUED" else 428, members))


_INVALID_OTP = Answer(
    "ErrorList", "answer.invalid_otp", bodies.error_list("Invalid-OTP", "The provided OTP is invalid")
)
_INVALID_CSR = Answer(
    "Flat3",
    "answer.invalid_csr",
    bodies.flat3("Invalid-CSR", "The provided Certificate Signing Request (CSR) is invalid."),
)
_LONG_SERIAL = Answer(
    "Message",
    "answer.long_serial",
    json_response(400, messages.error("EXCEED_CHARACTER_LIMIT", "CSR_VALIDATION", "…").members()),
)
_UNAUTHORIZED = Answer("Spring", "answer.unauthorized", bodies.unauthorized(_MOMENT))
_VERSION = Answer("Text", "answer.version", bodies.unsupported_version())
_NO_JSON = Answer("Spring", "answer.no_json", bodies.spring(400, _MOMENT))
_NOT_FOUND = Answer("Spring", "answer.not_found", bodies.spring(404, _MOMENT))
_TOO_LARGE = Answer("Page", "answer.too_large", bodies.proxy_page(413, "Request Entity Too Large"))
_MEDIA_TYPE = Answer("Spring", "answer.media_type", bodies.spring(415, _MOMENT))
_CLEARANCE_OFF = Answer("Info", "answer.clearance_off", bodies.clearance_off())
_STEPS_MISSING = Answer(
    "Flat",
    "answer.steps_missing",
    bodies.flat(400, "Missing-ComplianceSteps", "The compliance certificate is not done with … [simplified-compliant]"),
)
_WRONG_REQUEST_ID = Answer(
    "ErrorList",
    "answer.wrong_request_id",
    bodies.error_list("Invalid-ComplianceRequestId", "The provided compliance_request_id is invalid"),
)
_TEMPLATE = Answer(
    "Token",
    "answer.template",
    json_response(
        400,
        bodies.token_members(
            request_id=-2, disposition="NOT_COMPLIANT", token=None, secret=None, errors=["unable to submit …"]
        ),
    ),
)


def _common(name: EndpointName, *, authenticated: bool = True) -> tuple[Answer, ...]:
    return (
        _NO_JSON,
        *((_UNAUTHORIZED,) if authenticated else ()),
        _NOT_FOUND,
        _VERSION,
        _TOO_LARGE,
        _MEDIA_TYPE,
        Answer("Failure", "answer.failure", failure(name)),
    )


_Outcome = Literal["accepted", "warned", "rejected"]
_PASSED = (messages.XSD_VALID,)
_WARNED = (messages.rule_finding("BR-KSA-98", "warning", "…", en16931=False),)
_REFUSED = (messages.rule_finding("BR-KSA-05", "error", "…", en16931=False),)


def _validation(outcome: _Outcome) -> bodies.Members:
    if outcome == "rejected":
        return bodies.validation_members("ERROR", _PASSED, (), _REFUSED)
    if outcome == "warned":
        return bodies.validation_members("WARNING", _PASSED, _WARNED, ())
    return bodies.validation_members("PASS", _PASSED, (), ())


def _results(name: Literal["compliance_check", "reporting", "clearance"]) -> tuple[Answer, ...]:
    statuses: dict[_Outcome, int] = {"accepted": 200, "warned": 202, "rejected": 400}
    answers = []
    for outcome, status in statuses.items():
        validation, good = _validation(outcome), outcome != "rejected"
        if name == "reporting":
            members = bodies.reporting_result(validation, "REPORTED" if good else "NOT_REPORTED")
        elif name == "clearance":
            cleared = _DOCUMENT_BODY["invoice"] if good else None
            members = bodies.clearance_result(validation, "CLEARED" if good else "NOT_CLEARED", cleared)
        else:
            reporting = "REPORTED" if good else "NOT_REPORTED"
            members = bodies.compliance_result(validation, reporting=reporting, clearance=None)
        answers.append(Answer("Result", f"answer.{outcome}", json_response(status, members)))
    return tuple(answers)


def _step_done() -> Answer:
    validation = bodies.validation_members("ERROR", (), (), (messages.submitted_before("SIMPLIFIED"),))
    members = bodies.compliance_result(validation, reporting="NOT_REPORTED", clearance=None)
    return Answer("Result", "answer.step_done", json_response(406, members))


def _repeated(name: Literal["reporting", "clearance"]) -> Answer:
    if name == "reporting":
        validation = bodies.validation_members("ERROR", (), (), (messages.REPORTED_BEFORE,))
        answer = json_response(409, bodies.reporting_result(validation, "NOT_REPORTED"))
    else:
        members = bodies.clearance_result(_validation("accepted"), "CLEARED", _DOCUMENT_BODY["invoice"])
        answer = json_response(208, members)
    return Answer("Result", f"answer.repeated_{name}", answer)


ENDPOINTS: Final = (
    Endpoint(
        "compliance_csid",
        "POST",
        "/compliance",
        ("otp",),
        "CsrRequest",
        _CSR_BODY,
        (
            _token("answer.ccsid"),
            _INVALID_OTP,
            _INVALID_CSR,
            _LONG_SERIAL,
            *_common("compliance_csid", authenticated=False),
        ),
    ),
    Endpoint(
        "compliance_check",
        "POST",
        "/compliance/invoices",
        ("ccsid",),
        "DocumentRequest",
        _DOCUMENT_BODY,
        (*_results("compliance_check"), _step_done(), *_common("compliance_check")),
    ),
    Endpoint(
        "production_csid",
        "POST",
        "/production/csids",
        ("ccsid",),
        "ProductionCsidRequest",
        {"compliance_request_id": str(_REQUEST_ID)},
        (
            _token("answer.pcsid", pcsid=True),
            _STEPS_MISSING,
            _WRONG_REQUEST_ID,
            _TEMPLATE,
            *_common("production_csid"),
        ),
    ),
    Endpoint(
        "renewal",
        "PATCH",
        "/production/csids",
        ("pcsid", "otp"),
        "CsrRequest",
        _CSR_BODY,
        (
            _token("answer.renewed", pcsid=True),
            _token("answer.renewal_steps", disposition="NOT_COMPLIANT"),
            _INVALID_OTP,
            _INVALID_CSR,
            _LONG_SERIAL,
            *_common("renewal"),
        ),
    ),
    Endpoint(
        "reporting",
        "POST",
        "/invoices/reporting/single",
        ("pcsid",),
        "DocumentRequest",
        _DOCUMENT_BODY,
        (*_results("reporting"), _repeated("reporting"), *_common("reporting")),
    ),
    Endpoint(
        "clearance",
        "POST",
        "/invoices/clearance/single",
        ("pcsid",),
        "DocumentRequest",
        _DOCUMENT_BODY,
        (*_results("clearance"), _repeated("clearance"), _CLEARANCE_OFF, *_common("clearance")),
    ),
)
"""In the order of gateway contract 1.1."""
