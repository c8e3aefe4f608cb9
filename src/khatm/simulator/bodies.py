"""The families of bodies that the gateway answers with, members in the gateway's order.

Source: gateway contract, section 4.1 (families), 4.2 (TOKEN), 4.3 (RESULT), 4.4 to 4.12 (texts).
"""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Literal

from khatm.simulator.exchange import HTML, TEXT, Response, json_response
from khatm.simulator.messages import WireMessage
from khatm.simulator.store import milliseconds

X509_TOKEN_TYPE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"  # noqa: S105 - a type's name
UNSUPPORTED_VERSION = "This Version is not supported or not provided in the header."
CLEARANCE_OFF = "Clearance is deactiviated. Please use the /invoices/reporting/single endpoint instead."
"""The spelling is the gateway's (4.11)."""
REPORTED_EARLIER = "REPORTED_SUCCESSFULLY_EARLIER"

ResultStatus = Literal["PASS", "WARNING", "ERROR"]
Members = dict[str, object]


def token_members(
    *,
    request_id: int,
    disposition: Literal["ISSUED", "NOT_COMPLIANT"],
    token: str | None,
    secret: str | None,
    token_type: str | None = None,
    errors: Sequence[str] | None = None,
) -> Members:
    """Return the TOKEN family: a CSID that was given out, or the authority's refusal of one. All six are present."""
    return {
        "requestID": request_id,
        "tokenType": token_type,
        "dispositionMessage": disposition,
        "binarySecurityToken": token,
        "secret": secret,
        "errors": None if errors is None else list(errors),
    }


def validation_members(
    status: ResultStatus,
    info: Sequence[WireMessage],
    warnings: Sequence[WireMessage],
    errors: Sequence[WireMessage],
) -> Members:
    """Return `validationResults` of the RESULT family: three lists, empty or not, and the status."""
    return {
        "infoMessages": [message.members() for message in info],
        "warningMessages": [message.members() for message in warnings],
        "errorMessages": [message.members() for message in errors],
        "status": status,
    }


def compliance_result(validation: Members, *, reporting: str | None, clearance: str | None) -> Members:
    """Return the RESULT of a compliance document; the status of the other kind is null, two names are misspelt."""
    return {
        "validationResults": validation,
        "reportingStatus": reporting,
        "clearanceStatus": clearance,
        "qrSellertStatus": None,
        "qrBuyertStatus": None,
    }


def reporting_result(validation: Members, status: Literal["REPORTED", "NOT_REPORTED"]) -> Members:
    """Return the RESULT of a reported document."""
    return {"validationResults": validation, "reportingStatus": status}


def clearance_result(
    validation: Members, status: Literal["CLEARED", "NOT_CLEARED"], cleared_invoice: str | None
) -> Members:
    """Return the RESULT of a cleared document; `cleared_invoice` is base64, null when it was not cleared."""
    return {"validationResults": validation, "clearanceStatus": status, "clearedInvoice": cleared_invoice}


def error_list(code: str, message: str) -> Response:
    """Return the ERRLIST family, a 400 of the onboarding calls."""
    return json_response(400, {"errors": [{"code": code, "message": message}]})


def flat(status: int, code: str, message: str) -> Response:
    """Return the FLAT family."""
    return json_response(status, {"code": code, "message": message})


def flat3(category: str, message: str) -> Response:
    """Return the FLAT3 family: a 400 whose code is the status as text."""
    return json_response(400, {"errorCode": "400", "errorCategory": category, "errorMessage": message})


def http_error(message: str, status: int = 500) -> Response:
    """Return the HTTPERR family: a 500 of renewal, reporting and clearance."""
    return json_response(status, {"category": "HTTP-Errors", "code": str(status), "message": message})


def spring(status: int, now: datetime) -> Response:
    """Return the SPRING family: the application framework's own error object, its message empty."""
    return json_response(status, spring_members(status, HTTPStatus(status).phrase, now))


def spring_members(status: int, phrase: str, now: datetime) -> Members:
    """Return the members of the SPRING family."""
    return {"timestamp": milliseconds(now), "status": status, "error": phrase, "message": ""}


def unauthorized(now: datetime) -> Response:
    """Return the 401, the same for every cause (4.8)."""
    plain = spring(401, now)
    return Response(plain.status, plain.body, plain.content_type, {"WWW-Authenticate": 'Basic realm="Realm"'})


def unsupported_version() -> Response:
    """Return the 406 for a missing or foreign `Accept-Version` (4.9)."""
    return Response(406, UNSUPPORTED_VERSION.encode(), TEXT)


def invalid_request(status: int = 400) -> Response:
    """Return the plain 400 of a call whose headers or path are malformed (4.12)."""
    return Response(status, b"Invalid Request", TEXT)


def clearance_off() -> Response:
    """Return the 303 of a clearance that is switched off; it has no Location (4.11)."""
    return json_response(303, {"message": CLEARANCE_OFF})


def proxy_page(status: int, title: str) -> Response:
    """Return a page of the web server in front of the application."""
    heading = f"{status} {title}"
    page = (
        f"<html><head><title>{heading}</title></head><body><center><h1>{heading}</h1></center>"
        "<hr><center>nginx</center></body></html>"
    )
    return Response(status, page.encode(), HTML)
