"""Management for machines, below /manage: OTPs, devices, the clock, what was exchanged, and a fresh start.

It stands for what a person does at the portal, and for what no real authority lets anyone do. Whoever writes a test
writes against these shapes. Source: gateway contract, section 10.3.
"""

import base64
import re

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute

from khatm.simulator import certificates, manage_state
from khatm.simulator.devices import device_members, utc_text
from khatm.simulator.errors import InvalidManagementRequest, UnknownDevice
from khatm.simulator.fatoora import Fatoora
from khatm.simulator.manage_reading import (
    Handler,
    environment_of,
    members_of,
    number_in_path,
    route,
    shown,
    whole,
)
from khatm.simulator.portal import Purpose
from khatm.simulator.recorder import RecordedExchange

_VAT_NUMBER = re.compile(r"3[0-9]{13}3\Z")
_MOST_OTPS = 100
_EXCHANGES = 100


def routes(fatoora: Fatoora) -> list[BaseRoute]:
    """Return the routes below /manage."""
    management = _Management(fatoora)
    return [
        route("POST", "/otp", management.issue_otps),
        route("GET", "/devices", management.list_devices),
        route("POST", "/devices/{device}/revoke", management.revoke_device),
        route("GET", "/exchanges", management.list_exchanges),
        route("GET", "/ca/{environment}.pem", management.authority_chain),
        *manage_state.routes(fatoora),
    ]


def issuer_certificate(fatoora: Fatoora) -> Handler:
    """Return the handler of the address that caIssuers of a PCSID names: its issuer's certificate in DER."""

    async def handler(request: Request) -> Response:
        certificate = fatoora.authority.certificate_of(request.path_params["name"])
        if certificate is None:
            return PlainTextResponse("no such issuer", 404)
        return Response(certificate, media_type="application/pkix-cert")

    return handler


class _Management:
    def __init__(self, fatoora: Fatoora) -> None:
        self._fatoora = fatoora

    async def issue_otps(self, request: Request) -> Response:
        members = await members_of(request)
        environment = environment_of(members.get("environment"))
        codes = self._fatoora.portal.issue(
            environment,
            vat_number_of(members.get("vat_number")),
            purpose=purpose_of(members.get("purpose", Purpose.ONBOARDING.value)),
            count=whole(members.get("count", 1), "count", 1, _MOST_OTPS),
            switches=self._fatoora.switches(environment),
            now=self._fatoora.clock.now(),
        )
        return JSONResponse({"otps": [{"otp": each.code, "expires_at": utc_text(each.expires_at)} for each in codes]})

    async def list_devices(self, request: Request) -> Response:
        environment = request.query_params.get("environment")
        found = self._fatoora.registry.devices(
            None if environment is None else environment_of(environment), request.query_params.get("vat_number")
        )
        return JSONResponse({"devices": [device_members(self._fatoora, each) for each in found]})

    async def revoke_device(self, request: Request) -> Response:
        text = request.path_params["device"]
        number = number_in_path(text)
        if number is None or self._fatoora.registry.device(number) is None:
            raise UnknownDevice(device=text)
        self._fatoora.registry.revoke_device(number, self._fatoora.clock.now())
        device = self._fatoora.registry.device(number)
        assert device is not None
        return JSONResponse(device_members(self._fatoora, device))

    async def list_exchanges(self, request: Request) -> Response:
        text = request.query_params.get("limit", str(_EXCHANGES))
        number = number_in_path(text)
        limit = whole(text if number is None else number, "limit", 0, 10**8)
        return JSONResponse({"exchanges": [_exchange_members(each) for each in self._fatoora.recorder.latest(limit)]})

    async def authority_chain(self, request: Request) -> Response:
        environment = environment_of(request.path_params["environment"])
        text = "".join(map(certificates.pem, self._fatoora.authority.chain(environment)))
        return PlainTextResponse(text, media_type="application/x-pem-file")


def vat_number_of(value: object) -> str:
    """Return a well-formed VAT number. Raises InvalidManagementRequest."""
    if isinstance(value, str) and _VAT_NUMBER.match(value):
        return value
    allowed = "15 digits as text, the first and the last 3"
    raise InvalidManagementRequest(field="vat_number", found=shown(value), allowed=allowed)


def purpose_of(value: object) -> Purpose:
    """Return an OTP's purpose. Raises InvalidManagementRequest."""
    try:
        return Purpose(str(value))
    except ValueError:
        allowed = ", ".join(each.value for each in Purpose)
        raise InvalidManagementRequest(field="purpose", found=shown(value), allowed=allowed) from None


def _exchange_members(exchange: RecordedExchange) -> dict[str, object]:
    request, response = exchange.request, exchange.response
    return {
        "number": exchange.number,
        "received_at": utc_text(exchange.received_at),
        "method": request.method,
        "path": request.path,
        "status": None if response is None else response.status,
        "request": {"headers": exchange.shown_headers(), "body": _body_text(request.body)},
        "response": None
        if response is None
        else {"content_type": response.content_type, "body": _body_text(exchange.shown_answer())},
        "fault": None if exchange.fault is None else exchange.fault.members(),
    }


def _body_text(body: bytes) -> str:
    """Return a body as text; bytes that are none, as base64 after a word that says so."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(body).decode()
