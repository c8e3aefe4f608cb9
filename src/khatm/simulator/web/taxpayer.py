"""Signing in as a taxpayer, the home of the portal, and the taxpayer's VAT registration.

Source: gateway contract, sections 10.1 and 10.3.
"""

from starlette.responses import Response

from khatm.environment import Environment
from khatm.simulator.errors import InvalidManagementRequest
from khatm.simulator.manage_reading import vat_number_of
from khatm.simulator.manage_taxpayers import taxpayer_status_of
from khatm.simulator.taxpayers import TaxpayerStatus
from khatm.simulator.web.session import Session
from khatm.simulator.web.visit import Visit, one

TAXPAYERS_ENVIRONMENTS = (Environment.SIMULATION, Environment.PRODUCTION)
"""The sandbox has no taxpayers (10.3)."""
_SHOWN_TAXPAYERS = 50
_HOME = "/portal"


async def sign_in(visit: Visit) -> Response:
    """Show the form with the known taxpayers."""
    return _sign_in_page(visit, visit.query("vat_number"))


async def do_sign_in(visit: Visit) -> Response:
    """Sign a well-formed VAT number in; nobody is asked for a password."""
    fields = await visit.form()
    given = one(fields, "vat_number")
    try:
        vat_number = vat_number_of(given)
    except InvalidManagementRequest:
        return _sign_in_page(visit, given, refused=True)
    visit.session = Session(vat_number=vat_number, environment=environment_of(one(fields, "environment")))
    visit.fatoora.registry.know_taxpayer(vat_number, visit.fatoora.clock.now())
    return visit.redirect(_HOME)


async def sign_out(visit: Visit) -> Response:
    """Forget who is signed in."""
    await visit.form()
    visit.session = Session()
    return visit.redirect("/portal/sign-in")


async def switch_environment(visit: Visit) -> Response:
    """Go on in the other environment."""
    chosen = environment_of(one(await visit.form(), "environment"))
    visit.session = visit.session.switched(chosen)
    return visit.redirect(_HOME)


async def home(visit: Visit) -> Response:
    """Show the tiles of the portal."""
    fatoora, vat_number = visit.fatoora, visit.vat_number
    devices = fatoora.registry.devices(visit.environment, vat_number)
    tiles = (
        ("/portal/onboard", "onboard", None),
        ("/portal/renew", "renew", None),
        ("/portal/devices", "devices", len(devices)),
        ("/portal/statistics", "statistics", None),
        ("/portal/taxpayer", "registration", None),
        ("/portal/reference", "reference", None),
    )
    return visit.page("home.html", tiles=tiles, name=fatoora.taxpayers.taxpayer(vat_number).name)


async def registration(visit: Visit) -> Response:
    """Show the state of the taxpayer's VAT registration."""
    return _registration_page(visit)


async def change_registration(visit: Visit) -> Response:
    """Suspend, deregister or restore the VAT registration; the first two have to be meant."""
    fields = await visit.form()
    status = taxpayer_status_of(one(fields, "status"))
    if status is not TaxpayerStatus.ACTIVE and one(fields, "sure") != "yes":
        return _registration_page(visit, unsure=True)
    visit.fatoora.taxpayers.set_status(visit.vat_number, status, visit.fatoora.clock.now())
    return visit.redirect("/portal/taxpayer", notice="registration_changed")


def environment_of(text: str) -> Environment:
    """Return one of the environments that have taxpayers; the sandbox has none. Raises InvalidManagementRequest."""
    found = next((each for each in TAXPAYERS_ENVIRONMENTS if each.value == text), None)
    if found is None:
        allowed = ", ".join(each.value for each in TAXPAYERS_ENVIRONMENTS)
        raise InvalidManagementRequest(field="environment", found=repr(text[:40]), allowed=allowed)
    return found


def _sign_in_page(visit: Visit, vat_number: str, *, refused: bool = False) -> Response:
    known = visit.fatoora.taxpayers.known(_SHOWN_TAXPAYERS)
    status = 400 if refused else 200
    return visit.page("sign_in.html", status, taxpayers=known, vat_number=vat_number[:40], refused=refused)


def _registration_page(visit: Visit, *, unsure: bool = False) -> Response:
    taxpayer = visit.fatoora.taxpayers.taxpayer(visit.vat_number)
    status = 400 if unsure else 200
    return visit.page("taxpayer.html", status, taxpayer=taxpayer, statuses=list(TaxpayerStatus), unsure=unsure)
