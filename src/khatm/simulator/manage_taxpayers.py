"""Management of taxpayers: who is known, the state of a VAT registration, and what was submitted day by day.

The shapes are in docs/simulator.md. Source: gateway contract, section 10.3.
"""

from dataclasses import asdict
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from khatm.simulator.errors import InvalidManagementRequest
from khatm.simulator.fatoora import Fatoora
from khatm.simulator.manage_reading import environment_of, members_of, route, shown, vat_number_of
from khatm.simulator.taxpayers import TaxpayerStatus

_MOST = 10_000
_YEAR = timedelta(days=366)


def routes(fatoora: Fatoora) -> list[BaseRoute]:
    """Return the routes below /manage."""
    taxpayers = _Taxpayers(fatoora)
    return [
        route("GET", "/taxpayers", taxpayers.list),
        route("POST", "/taxpayers/{vat_number}", taxpayers.change),
        route("GET", "/statistics", taxpayers.statistics),
    ]


def taxpayer_status_of(value: object) -> TaxpayerStatus:
    """Return the state of a registration. Raises InvalidManagementRequest."""
    try:
        return TaxpayerStatus(str(value))
    except ValueError:
        allowed = ", ".join(TaxpayerStatus)
        raise InvalidManagementRequest(field="status", found=shown(value), allowed=allowed) from None


class _Taxpayers:
    def __init__(self, fatoora: Fatoora) -> None:
        self._fatoora = fatoora

    async def list(self, _request: Request) -> Response:
        return JSONResponse({"taxpayers": [asdict(each) for each in self._fatoora.taxpayers.known(_MOST)]})

    async def change(self, request: Request) -> Response:
        vat_number = vat_number_of(request.path_params["vat_number"])
        status = taxpayer_status_of((await members_of(request)).get("status"))
        self._fatoora.taxpayers.set_status(vat_number, status, self._fatoora.clock.now())
        return JSONResponse(asdict(self._fatoora.taxpayers.taxpayer(vat_number)))

    async def statistics(self, request: Request) -> Response:
        environment = environment_of(request.query_params.get("environment"))
        vat_number = vat_number_of(request.query_params.get("vat_number"))
        found = self._fatoora.records.daily(environment, vat_number, self._fatoora.clock.now() - _YEAR)
        return JSONResponse({"days": [{**asdict(each), "day": each.day.isoformat()} for each in found]})
