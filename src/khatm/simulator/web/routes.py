"""The addresses of the pages."""

from collections.abc import Collection

from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from khatm.simulator.errors import UnknownPage
from khatm.simulator.fatoora import Fatoora
from khatm.simulator.web import bench, device, exchanges, grade, passwords, reference, statistics, taxpayer, validator
from khatm.simulator.web.guard import Guard
from khatm.simulator.web.rendering import templates
from khatm.simulator.web.session import Sessions
from khatm.simulator.web.visit import Page, Rooms, Visit, endpoint

_FORM_LIMIT = 256 * 1024
_PAGES: tuple[tuple[str, str, Page], ...] = (
    ("GET", "/portal", taxpayer.home),
    ("GET", "/portal/sign-in", taxpayer.sign_in),
    ("POST", "/portal/sign-in", taxpayer.do_sign_in),
    ("POST", "/portal/sign-out", taxpayer.sign_out),
    ("POST", "/portal/environment", taxpayer.switch_environment),
    ("GET", "/portal/taxpayer", taxpayer.registration),
    ("POST", "/portal/taxpayer", taxpayer.change_registration),
    *(
        entry
        for journey in ("onboard", "renew")
        for entry in (
            ("GET", f"/portal/{journey}", passwords.show(journey)),
            ("POST", f"/portal/{journey}", passwords.issue(journey)),
            ("GET", f"/portal/{journey}/otps.txt", passwords.download(journey)),
        )
    ),
    ("GET", "/portal/devices", device.show_list),
    ("POST", "/portal/devices/revoke", device.revoke),
    ("GET", "/portal/devices/{device}", device.show),
    ("GET", "/portal/statistics", statistics.show),
    ("GET", "/portal/reference", reference.show),
    ("GET", "/portal/exchanges", exchanges.show_list),
    ("GET", "/portal/exchanges/{number}", exchanges.show),
    ("GET", "/portal/faults", bench.faults),
    ("POST", "/portal/faults", bench.arm),
    ("POST", "/portal/faults/clear", bench.clear),
    ("GET", "/portal/grade", grade.show),
    ("GET", "/portal/time", bench.time),
    ("POST", "/portal/time/clock", bench.move_clock),
    ("POST", "/portal/time/snapshots", bench.keep),
    ("POST", "/portal/time/reset", bench.reset),
)


def routes(fatoora: Fatoora, hosts: Collection[str] = ()) -> list[BaseRoute]:
    """Return the routes of the pages, behind the guard; `hosts` are further names of the simulator."""
    rooms = Rooms(fatoora, Sessions(), templates())
    small = [Middleware(Guard, hosts=hosts, body_limit=_FORM_LIMIT)]
    found: list[BaseRoute] = [
        Route(path, endpoint(page, rooms), methods=[method], middleware=small) for method, path, page in _PAGES
    ]
    large = [Middleware(Guard, hosts=hosts, body_limit=validator.FORM_LIMIT)]
    found += [
        Route("/validator", endpoint(validator.show, rooms), methods=["GET"], middleware=small),
        Route("/validator", endpoint(validator.judge, rooms), methods=["POST"], middleware=large),
        Route("/validator/api", endpoint(validator.api, rooms), methods=["POST"], middleware=large),
    ]
    static = Mount("/portal/static", StaticFiles(packages=[(__package__, "static")]), middleware=small)
    return [static, *found, Route("/portal/{rest:path}", endpoint(unknown, rooms), middleware=small)]


async def unknown(visit: Visit) -> Response:
    """Say that there is no such page."""
    return visit.refusal(UnknownPage(path=visit.request.url.path[:100]))
