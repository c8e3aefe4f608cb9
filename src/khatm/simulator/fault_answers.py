"""What a fault answers instead of the truth, and what it alters in the true answer.

Source: gateway contract, sections 4.1 (families), 4.10 (forms of the 409), 4.12 (infrastructure), 12 (quirks).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

from khatm.simulator import bodies, messages
from khatm.simulator.exchange import HTML, Response, json_response
from khatm.simulator.faults import Change, Effects, EndpointName
from khatm.simulator.messages import WireMessage

SYSTEM_FAILED = "System failed to process your request"
SOMETHING_WRONG = "Something went wrong and caused an Internal Server Error."

_USUAL = {
    303: "INFO",
    401: "SPRING",
    404: "SPRING",
    405: "SPRING",
    408: "HTML",
    409: "DUPLICATE-2025",
    413: "HTML",
    415: "SPRING",
    429: "HTML",
    502: "HTML",
    503: "HTML",
    504: "HTML",
}
_REASONS = {504: "Gateway Time-out", 503: "Service Temporarily Unavailable", 413: "Request Entity Too Large"}
"""How nginx names a status where it differs from the standard's phrase."""
_FLAT_500: frozenset[EndpointName] = frozenset({"compliance_csid", "compliance_check", "production_csid"})

_Family = Callable[[int, EndpointName, datetime], Response]


def usual_family(status: int) -> str | None:
    """Return the family of body that a status comes with, None if there is no usual one. 500 depends on the call."""
    return "HTTPERR" if status == 500 else _USUAL.get(status)


def failure(endpoint: EndpointName) -> Response:
    """Return the 500 of an endpoint (4.4 to 4.11)."""
    flat = endpoint in _FLAT_500
    return bodies.flat(500, "Invalid-Request", SYSTEM_FAILED) if flat else bodies.http_error(SOMETHING_WRONG)


def false_answer(then: Effects, endpoint: EndpointName, now: datetime) -> Response:
    """Return the answer that `then.status` asks for."""
    assert then.status is not None
    if then.content is not None:
        answer = Response(then.status, then.content.text.encode("utf-8", "replace"), then.content.type)
    elif then.body is None and then.status == 500:
        answer = failure(endpoint)
    else:
        family = then.body or usual_family(then.status)
        assert family is not None
        answer = _FAMILIES[family](then.status, endpoint, now)
    if then.retry_after is None:
        return answer
    return replace(answer, headers={**answer.headers, "Retry-After": then.retry_after})


def _html(status: int, _endpoint: EndpointName, _now: datetime) -> Response:
    return bodies.proxy_page(status, _REASONS.get(status) or _phrase(status))


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _spring(status: int, _endpoint: EndpointName, now: datetime) -> Response:
    if status == 401:
        return bodies.unauthorized(now)
    return json_response(status, bodies.spring_members(status, _phrase(status), now))


def _result(status: int, endpoint: EndpointName, error: WireMessage) -> Response:
    """Return a refusal in the endpoint's own form of RESULT; the calls for CSIDs have ERRLIST for it."""
    validation = bodies.validation_members("ERROR", (), (), (error,))
    members: bodies.Members
    match endpoint:
        case "reporting":
            members = bodies.reporting_result(validation, "NOT_REPORTED")
        case "clearance":
            members = bodies.clearance_result(validation, "NOT_CLEARED", None)
        case "compliance_check":
            members = bodies.compliance_result(validation, reporting="NOT_REPORTED", clearance=None)
        case _:
            members = {"errors": [{"code": error.code, "message": error.message}]}
    return json_response(status, members)


def _not_compliant(status: int, _endpoint: EndpointName, _now: datetime) -> Response:
    members = bodies.token_members(request_id=-2, disposition="NOT_COMPLIANT", token=None, secret=None)
    return json_response(status, members)


_FAMILIES: Mapping[str, _Family] = {
    "FLAT": lambda status, _, __: bodies.flat(status, "Invalid-Request", SYSTEM_FAILED),
    "HTTPERR": lambda status, _, __: bodies.http_error(SOMETHING_WRONG, status),
    "SPRING": _spring,
    "HTML": _html,
    "TEXT": lambda status, _, __: bodies.invalid_request(status),
    "INFO": lambda status, _, __: replace(bodies.clearance_off(), status=status),
    "EMPTY": lambda status, _, __: Response(status, b"", HTML),
    "NULL-MESSAGES": lambda status, endpoint, _: _result(status, endpoint, messages.NULL_ERROR),
    "NOT-COMPLIANT": _not_compliant,
    "DUPLICATE-2025": lambda status, endpoint, _: _result(status, endpoint, messages.REPORTED_BEFORE),
    "DUPLICATE-PUBLISHED": lambda status, endpoint, _: _result(status, endpoint, messages.REPORTED_BEFORE_PUBLISHED),
    "DUPLICATE-LATE-2025": lambda status, _, __: json_response(status, {"reportingStatus": bodies.REPORTED_EARLIER}),
}
FAMILIES = tuple(_FAMILIES)
"""The words for `then.body`."""


def altered(response: Response, changes: tuple[Change, ...]) -> Response:
    """Return the true answer with the changes that fit it; an answer that is no JSON object stays as it is."""
    try:
        members = json.loads(response.body)
    except ValueError:
        return response
    if not isinstance(members, dict):
        return response
    status = response.status
    for change in changes:
        status = _CHANGES[change](members, status)
    return replace(json_response(status, members), content_type=response.content_type, headers=response.headers)


def _false_certificate_warning(members: dict[str, Any], status: int) -> int:
    validation = members.get("validationResults")
    if not isinstance(validation, dict):
        return status
    validation["warningMessages"] = [
        *validation["warningMessages"],
        messages.INVALID_SIGNING_CERTIFICATE.members(),
    ]
    if status != 200:
        return status
    validation["status"] = "WARNING"
    return 202


def _info_as_object(members: dict[str, Any], status: int) -> int:
    validation = members.get("validationResults")
    if isinstance(validation, dict) and validation["infoMessages"]:
        validation["infoMessages"] = validation["infoMessages"][0]
    return status


def _no_cleared_invoice(members: dict[str, Any], status: int) -> int:
    members.pop("clearedInvoice", None)
    return status


def _said_not_compliant(members: dict[str, Any], status: int) -> int:
    if "dispositionMessage" in members:
        members["dispositionMessage"] = "NOT_COMPLIANT"
    return status


def _untyped_messages(members: dict[str, Any], status: int) -> int:
    validation = members.get("validationResults")
    if isinstance(validation, dict):
        for name in ("infoMessages", "warningMessages", "errorMessages"):
            listed = validation[name]
            for message in listed if isinstance(listed, list) else [listed]:
                message.pop("type", None)
                message.pop("status", None)
    return status


_CHANGES: Mapping[Change, Callable[[dict[str, Any], int], int]] = {
    "false-certificate-warning": _false_certificate_warning,
    "info-as-object": _info_as_object,
    "no-cleared-invoice": _no_cleared_invoice,
    "not-compliant": _said_not_compliant,
    "untyped-messages": _untyped_messages,
}
"""Each alters the members and returns the answer's status."""
