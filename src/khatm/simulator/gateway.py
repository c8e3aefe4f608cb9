"""The gateway: which endpoint a call reaches, and what every call must bring before an endpoint looks at it.

Source: gateway contract, sections 1.1 (paths), 1.3 (CORS), 1.4 to 1.6, 4.8, 4.9 and 4.12.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NoReturn

from khatm.environment import Environment
from khatm.simulator import bodies
from khatm.simulator.access import authenticate, claimed_token, version_accepted, why_unauthorized
from khatm.simulator.causes import Cause
from khatm.simulator.documents import Documents
from khatm.simulator.exchange import Request, Response
from khatm.simulator.fatoora import Fatoora
from khatm.simulator.fault_answers import failure
from khatm.simulator.faults import EndpointName
from khatm.simulator.issuance import Issuance
from khatm.simulator.rate import RateLimit
from khatm.simulator.received import Call, Received
from khatm.simulator.registry import Credential, CredentialKind
from khatm.simulator.switches import Switches

_log = logging.getLogger(__name__)

PREFIX = "/e-invoicing/"
_COMPLIANCE = "/compliance"
_COMPLIANCE_INVOICES = "/compliance/invoices"
_PRODUCTION_CSIDS = "/production/csids"
_REPORTING = "/invoices/reporting/single"
_CLEARANCE = "/invoices/clearance/single"
_OPEN_TO_BROWSERS = frozenset({_COMPLIANCE, _PRODUCTION_CSIDS})

Members = dict[str, object]
Answer = Callable[[Environment, Credential | None, Request, Members], Response]


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """What a method and path stand for."""

    name: EndpointName
    kinds: tuple[CredentialKind, ...]
    """The credentials that may call; none for the call that brings an OTP only."""
    answer: Answer
    takes: Call | None = None
    """How a document comes that is submitted by this call."""


class Gateway:
    """Answers every call below `/e-invoicing/`."""

    def __init__(self, fatoora: Fatoora) -> None:
        self._fatoora = fatoora
        self._rate = RateLimit()
        issuance, documents = Issuance(fatoora), Documents(fatoora)
        self._documents = documents
        self._endpoints: dict[str, dict[str, _Endpoint]] = {
            _COMPLIANCE: {
                "POST": _Endpoint(
                    "compliance_csid", (), lambda env, _, call, body: issuance.compliance_csid(env, call, body)
                )
            },
            _COMPLIANCE_INVOICES: {
                "POST": _Endpoint(
                    "compliance_check",
                    ("ccsid", "pcsid"),
                    lambda _, who, call, body: documents.submit("compliance", _held(who), call, body),
                    "compliance",
                )
            },
            _PRODUCTION_CSIDS: {
                "POST": _Endpoint(
                    "production_csid",
                    ("ccsid",),
                    lambda _, who, _call, body: issuance.production_csid(_held(who), body),
                ),
                "PATCH": _Endpoint(
                    "renewal", ("pcsid",), lambda _, who, call, body: issuance.renewal(_held(who), call, body)
                ),
            },
            _REPORTING: {
                "POST": _Endpoint(
                    "reporting",
                    ("pcsid",),
                    lambda _, who, call, body: documents.submit("reporting", _held(who), call, body),
                    "reporting",
                )
            },
            _CLEARANCE: {
                "POST": _Endpoint(
                    "clearance",
                    ("pcsid",),
                    lambda _, who, call, body: documents.submit("clearance", _held(who), call, body),
                    "clearance",
                )
            },
        }

    def body_limit(self, path: str) -> int:
        """Return how many octets of body a call to this path may have."""
        place = self._place(path)
        environment = place[0] if place else Environment.SANDBOX
        return self._fatoora.switches(environment).max_body

    def endpoint_of(self, request: Request) -> tuple[Environment, EndpointName] | None:
        """Return which endpoint a call reaches, None if it reaches none."""
        place = self._place(request.path)
        endpoint = None if place is None else self._endpoints[place[1]].get(request.method)
        return None if place is None or endpoint is None else (place[0], endpoint.name)

    def submission(self, request: Request) -> tuple[Received, Members] | None:
        """Return the document that a call submits and the members of its body.

        None for another call, or one that will be refused before.
        """
        place = self._place(request.path)
        endpoint = None if place is None else self._endpoints[place[1]].get(request.method)
        if place is None or endpoint is None or endpoint.takes is None:
            return None
        environment, path = place
        switches = self._fatoora.switches(environment)
        credential = authenticate(self._fatoora, environment, request, _kinds(endpoint, path, switches))
        members = None if credential is None else json_object(request.body)
        if credential is None or members is None:
            return None
        now = self._fatoora.clock.now()
        return self._documents.received(endpoint.takes, credential, switches, members, now), members

    def answer(self, request: Request) -> Response:
        """Answer one call; raises nothing for what a caller may send."""
        now = self._fatoora.clock.now()
        place = self._place(request.path)
        if place is None:
            return bodies.spring(404, now).said_because(Cause.UNKNOWN_PATH)
        environment, path = place
        switches = self._fatoora.switches(environment)
        if request.method == "OPTIONS":
            return self._preflight(request, path, switches)
        endpoint = self._endpoints[path].get(request.method)
        if endpoint is None:
            allowed = ", ".join(self._endpoints[path])
            refusal = replace(bodies.spring(405, now), headers={"Allow": allowed})
            return refusal.said_because(Cause.UNKNOWN_METHOD, request.method)
        response = self._guarded(endpoint, environment, path, request, switches)
        if request.header("origin") is not None and _open_to_browsers(path, switches):
            response = replace(response, headers={**response.headers, "Access-Control-Allow-Origin": "*"})
        return response

    def _place(self, path: str) -> tuple[Environment, str] | None:
        if not path.startswith(PREFIX):
            return None
        segment, slash, rest = path[len(PREFIX) :].partition("/")
        try:
            environment = Environment.from_path_segment(segment)
        except KeyError:
            return None
        return (environment, slash + rest) if slash + rest in self._endpoints else None

    def _guarded(
        self, endpoint: _Endpoint, environment: Environment, path: str, request: Request, switches: Switches
    ) -> Response:
        try:
            return self._called(endpoint, environment, path, request, switches)
        except Exception:
            _log.exception("%s %s failed", request.method, request.path)
            return failure(endpoint.name).said_because(Cause.OUR_FAULT)

    def _called(
        self, endpoint: _Endpoint, environment: Environment, path: str, request: Request, switches: Switches
    ) -> Response:
        refusal = self._turned_back(environment, request, switches)
        if refusal is not None:
            return refusal
        now = self._fatoora.clock.now()
        credential = None
        if endpoint.kinds:
            kinds = _kinds(endpoint, path, switches)
            credential = authenticate(self._fatoora, environment, request, kinds)
            if credential is None:
                because = why_unauthorized(self._fatoora, environment, request, kinds)
                return replace(bodies.unauthorized(now), because=because)
        if path in (_REPORTING, _CLEARANCE) and _lacks_clearance_status(request, switches):
            return bodies.invalid_request().said_because(Cause.NO_CLEARANCE_STATUS)
        content_type = request.header("content-type") or ""
        if content_type.partition(";")[0].strip().lower() != "application/json":
            return bodies.spring(415, now).said_because(Cause.WRONG_CONTENT_TYPE, content_type or "absent")
        members = json_object(request.body) if request.members is None else request.members
        if members is None:
            return bodies.spring(400, now).said_because(Cause.NO_JSON_OBJECT)
        return endpoint.answer(environment, credential, request, members)

    def _turned_back(self, environment: Environment, request: Request, switches: Switches) -> Response | None:
        """Return the refusal of a call that comes too often or names the wrong version."""
        limit = switches.rate_limit
        if limit and not self._rate.passes((environment, claimed_token(request)), limit):
            return bodies.proxy_page(429, "Too Many Requests").said_because(Cause.TOO_MANY_CALLS)
        if not version_accepted(request, switches):
            given = request.header("accept-version")
            return bodies.unsupported_version().said_because(Cause.WRONG_VERSION, given or "absent")
        return None

    def _preflight(self, request: Request, path: str, switches: Switches) -> Response:
        """Answer a browser's preflight; on all but two paths the gateway refuses it (1.3)."""
        if not _open_to_browsers(path, switches):
            return bodies.spring(403, self._fatoora.clock.now()).said_because(Cause.PREFLIGHT)
        headers = {
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Methods": ", ".join(self._endpoints[path]),
            "Access-Control-Allow-Headers": request.header("access-control-request-headers") or "*",
        }
        return Response(200, b"", "text/plain", headers)


def _held(credential: Credential | None) -> Credential:
    assert credential is not None
    return credential


def _kinds(endpoint: _Endpoint, path: str, switches: Switches) -> tuple[CredentialKind, ...]:
    if path in (_REPORTING, _CLEARANCE) and switches.ccsid_on_submission == "accept":
        return ("ccsid", "pcsid")
    return endpoint.kinds


def _lacks_clearance_status(request: Request, switches: Switches) -> bool:
    return switches.clearance_status_required and request.header("clearance-status") not in ("0", "1")


def _open_to_browsers(path: str, switches: Switches) -> bool:
    return switches.cors == "open" or path in _OPEN_TO_BROWSERS


def json_object(body: bytes) -> Members | None:
    """Read a JSON object in UTF-8; None for anything else, for NaN and for nesting beyond reason."""
    try:
        found = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
