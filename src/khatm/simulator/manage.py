"""Management for machines, below /manage: OTPs, devices, the clock, what was exchanged, and a fresh start.

It stands for what a person does at the portal, and for what no real authority lets anyone do. Whoever writes a test
writes against these shapes. Source: gateway contract, section 10.3.
"""

import base64
import json
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import wraps

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from khatm.environment import Environment
from khatm.errors import KhatmError
from khatm.simulator import certificates
from khatm.simulator.devices import device_members, utc_text
from khatm.simulator.errors import BodyTooLarge, InvalidManagementRequest, NoFreeOtp, TaxpayerNotActive, UnknownDevice
from khatm.simulator.fatoora import Fatoora
from khatm.simulator.portal import Purpose
from khatm.simulator.recorder import RecordedExchange

_VAT_NUMBER = re.compile(r"3[0-9]{13}3\Z")
_MOST_OTPS = 100
_EXCHANGES = 100
_STATUSES: dict[type[KhatmError], int] = {UnknownDevice: 404, NoFreeOtp: 409, TaxpayerNotActive: 409, BodyTooLarge: 413}

Handler = Callable[[Request], Awaitable[Response]]


def routes(fatoora: Fatoora) -> list[BaseRoute]:
    """Return the routes below /manage."""
    management = _Management(fatoora)
    table: list[tuple[str, str, Handler]] = [
        ("POST", "/otp", management.issue_otps),
        ("GET", "/devices", management.list_devices),
        ("POST", "/devices/{device}/revoke", management.revoke_device),
        ("GET", "/exchanges", management.list_exchanges),
        ("GET", "/clock", management.read_clock),
        ("POST", "/clock", management.move_clock),
        ("POST", "/reset", management.reset),
        ("GET", "/ca/{environment}.pem", management.authority_chain),
    ]
    return [Route(path, _answering_errors(handler), methods=[method]) for method, path, handler in table]


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
        members = await _members(request)
        environment = _environment(members.get("environment"))
        codes = self._fatoora.portal.issue(
            environment,
            vat_number_of(members.get("vat_number")),
            purpose=purpose_of(members.get("purpose", Purpose.ONBOARDING.value)),
            count=_whole(members.get("count", 1), "count", 1, _MOST_OTPS),
            switches=self._fatoora.switches(environment),
            now=self._fatoora.clock.now(),
        )
        return JSONResponse({"otps": [{"otp": each.code, "expires_at": utc_text(each.expires_at)} for each in codes]})

    async def list_devices(self, request: Request) -> Response:
        environment = request.query_params.get("environment")
        found = self._fatoora.registry.devices(
            None if environment is None else _environment(environment), request.query_params.get("vat_number")
        )
        return JSONResponse({"devices": [device_members(self._fatoora, each) for each in found]})

    async def revoke_device(self, request: Request) -> Response:
        text = request.path_params["device"]
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else -1
        if self._fatoora.registry.device(number) is None:
            raise UnknownDevice(device=text)
        self._fatoora.registry.revoke_device(number, self._fatoora.clock.now())
        device = self._fatoora.registry.device(number)
        assert device is not None
        return JSONResponse(device_members(self._fatoora, device))

    async def list_exchanges(self, request: Request) -> Response:
        text = request.query_params.get("limit", str(_EXCHANGES))
        limit = _whole(int(text) if text.isascii() and text.isdigit() and len(text) < 9 else text, "limit", 0, 10**8)
        return JSONResponse({"exchanges": [_exchange_members(each) for each in self._fatoora.recorder.latest(limit)]})

    async def read_clock(self, _request: Request) -> Response:
        return JSONResponse({"now": utc_text(self._fatoora.clock.now())})

    async def move_clock(self, request: Request) -> Response:
        members = await _members(request)
        allowed = 'either {"advance_seconds": NUMBER} or {"now": "ISO-8601 with a zone"}'
        if len(members) != 1 or not members.keys() <= {"advance_seconds", "now"}:
            raise InvalidManagementRequest(field="clock", found=_shown(members), allowed=allowed)
        try:
            if "now" in members:
                moment = datetime.fromisoformat(str(members["now"]))
                if moment.tzinfo is None:
                    raise ValueError("no zone")
                self._fatoora.time.set(moment)
            else:
                self._fatoora.time.advance(_duration(members["advance_seconds"]))
        except (ValueError, OverflowError):
            raise InvalidManagementRequest(field="clock", found=_shown(members), allowed=allowed) from None
        return await self.read_clock(request)

    async def reset(self, request: Request) -> Response:
        self._fatoora.reset()
        return await self.read_clock(request)

    async def authority_chain(self, request: Request) -> Response:
        environment = _environment(request.path_params["environment"])
        text = "".join(map(certificates.pem, self._fatoora.authority.chain(environment)))
        return PlainTextResponse(text, media_type="application/x-pem-file")


def _answering_errors(handler: Handler) -> Handler:
    """Turn an error into its facts and sentences."""

    @wraps(handler)
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except KhatmError as error:
            members = {"error": error.code, "message": {"en": error.sentence("en"), "ar": error.sentence("ar")}}
            return JSONResponse({**members, **error.facts()}, _STATUSES.get(type(error), 400))

    return answer


async def _members(request: Request) -> dict[str, object]:
    try:
        found = json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidManagementRequest(field="body", found="this", allowed="a JSON object")
    return found


def _environment(value: object) -> Environment:
    try:
        return Environment(str(value))
    except ValueError:
        allowed = ", ".join(each.value for each in Environment)
        raise InvalidManagementRequest(field="environment", found=_shown(value), allowed=allowed) from None


def vat_number_of(value: object) -> str:
    """Return a well-formed VAT number. Raises InvalidManagementRequest."""
    if isinstance(value, str) and _VAT_NUMBER.match(value):
        return value
    allowed = "15 digits as text, the first and the last 3"
    raise InvalidManagementRequest(field="vat_number", found=_shown(value), allowed=allowed)


def purpose_of(value: object) -> Purpose:
    """Return an OTP's purpose. Raises InvalidManagementRequest."""
    try:
        return Purpose(str(value))
    except ValueError:
        allowed = ", ".join(each.value for each in Purpose)
        raise InvalidManagementRequest(field="purpose", found=_shown(value), allowed=allowed) from None


def _whole(value: object, field: str, least: int, most: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise InvalidManagementRequest(field=field, found=_shown(value), allowed=f"a whole number from {least} to {most}")


def _duration(value: object) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(value)
    return timedelta(seconds=value)


def _shown(value: object) -> str:
    """Return a value as the caller may have written it, cut to a length that a message can hold."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:59] + "…"


def _exchange_members(exchange: RecordedExchange) -> dict[str, object]:
    request, response = exchange.request, exchange.response
    return {
        "number": exchange.number,
        "received_at": utc_text(exchange.received_at),
        "method": request.method,
        "path": request.path,
        "status": response.status,
        "request": {"headers": exchange.shown_headers(), "body": _body_text(request.body)},
        "response": {"content_type": response.content_type, "body": _body_text(exchange.shown_answer())},
    }


def _body_text(body: bytes) -> str:
    """Return a body as text; bytes that are none, as base64 after a word that says so."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(body).decode()
