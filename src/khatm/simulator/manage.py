"""Management for machines, below /manage: OTPs, devices, the clock, what was exchanged, and a fresh start.

It stands for what a person does at the portal, and for what no real authority lets anyone do. Whoever writes a test
writes against these shapes. Source: gateway contract, section 10.3.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute

from khatm.simulator import certificates, manage_exchanges, manage_grade, manage_state, manage_taxpayers
from khatm.simulator.devices import device_members
from khatm.simulator.errors import InvalidManagementRequest, NoTls, UnknownDevice
from khatm.simulator.fatoora import Fatoora
from khatm.simulator.manage_reading import (
    Handler,
    environment_of,
    members_of,
    number_in_path,
    route,
    shown,
    vat_number_of,
    whole,
)
from khatm.simulator.portal import Purpose
from khatm.simulator.store import utc_text

_MOST_OTPS = 100


def routes(fatoora: Fatoora) -> list[BaseRoute]:
    """Return the routes below /manage."""
    management = _Management(fatoora)
    return [
        route("POST", "/otp", management.issue_otps),
        route("GET", "/devices", management.list_devices),
        route("POST", "/devices/{device}/revoke", management.revoke_device),
        route("GET", "/ca/{environment}.pem", management.authority_chain),
        route("GET", "/tls-root.pem", management.tls_root),
        *manage_state.routes(fatoora),
        *manage_exchanges.routes(fatoora),
        *manage_taxpayers.routes(fatoora),
        *manage_grade.routes(fatoora),
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

    async def authority_chain(self, request: Request) -> Response:
        environment = environment_of(request.path_params["environment"])
        text = "".join(map(certificates.pem, self._fatoora.authority.chain(environment)))
        return PlainTextResponse(text, media_type="application/x-pem-file")

    async def tls_root(self, _request: Request) -> Response:
        if self._fatoora.tls_root is None:
            raise NoTls
        return PlainTextResponse(self._fatoora.tls_root, media_type="application/x-pem-file")


def purpose_of(value: object) -> Purpose:
    """Return an OTP's purpose. Raises InvalidManagementRequest."""
    try:
        return Purpose(str(value))
    except ValueError:
        allowed = ", ".join(each.value for each in Purpose)
        raise InvalidManagementRequest(field="purpose", found=shown(value), allowed=allowed) from None
