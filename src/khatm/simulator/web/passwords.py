"""One-time passwords for a new unit or for a renewal: how many, and the codes while they live.

Source: gateway contract, sections 6.6 and 10.1 (Onboard, Renew).
"""

from starlette.responses import PlainTextResponse, Response

from khatm.simulator.gateway import PREFIX
from khatm.simulator.portal import Otp, Purpose
from khatm.simulator.registry import Device
from khatm.simulator.web.device import device_of
from khatm.simulator.web.visit import Page, Visit, one

_MOST = 100
_CALLS = {"onboard": "POST {}/compliance", "renew": "PATCH {}/production/csids"}
_PURPOSES = {"onboard": Purpose.ONBOARDING, "renew": Purpose.RENEWAL}


def show(journey: str) -> Page:
    """Return the page of `onboard` or `renew`: the form, and the codes that still live."""

    async def page(visit: Visit) -> Response:
        return _page(visit, journey, chosen=visit.query("device"))

    return page


def issue(journey: str) -> Page:
    """Return the form's target: it issues the codes and goes back to the page."""

    async def page(visit: Visit) -> Response:
        fields = await visit.form()
        fatoora, environment = visit.fatoora, visit.environment
        text, device = one(fields, "count"), one(fields, "device")
        count = int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else 0
        if not 1 <= count <= _MOST:
            return _page(visit, journey, count=text, chosen=device, refused=True)
        fatoora.portal.issue(
            environment,
            visit.vat_number,
            purpose=_PURPOSES[journey],
            count=count,
            switches=fatoora.switches(environment),
            now=fatoora.clock.now(),
            device_id=device_of(visit, device).id if device and journey == "renew" else None,
        )
        return visit.redirect(f"/portal/{journey}", notice="otps_issued")

    return page


def download(journey: str) -> Page:
    """Return the list of the living codes as a file, one to the line."""

    async def page(visit: Visit) -> Response:
        lines = "".join(f"{each.code}\n" for each in _live(visit, journey))
        name = f"otps-{journey}-{visit.environment.value}-{visit.vat_number}.txt"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return PlainTextResponse(lines, headers=headers)

    return page


def _page(visit: Visit, journey: str, *, count: str = "1", chosen: str = "", refused: bool = False) -> Response:
    now = visit.fatoora.clock.now()
    devices = {each.id: each for each in visit.fatoora.registry.devices(visit.environment, visit.vat_number)}
    codes = []
    for each in _live(visit, journey):
        left = int((each.expires_at - now).total_seconds())
        device = devices.get(each.device_id) if each.device_id is not None else None
        codes.append(
            {
                "code": each.code,
                "left": left,
                "clock": f"{left // 60:02d}:{left % 60:02d}",
                "device": device.common_name if device else None,
            }
        )
    return visit.page(
        "passwords.html",
        400 if refused else 200,
        purpose=journey,
        codes=codes,
        speed=visit.fatoora.time.speed,
        count=count,
        refused=refused,
        devices=[each for each in devices.values() if _renewable(each)],
        chosen=int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) <= 18 else None,
        gateway=_CALLS[journey].format(PREFIX + visit.environment.path_segment),
    )


def _renewable(device: Device) -> bool:
    return device.onboarded_at is not None and device.revoked_at is None


def _live(visit: Visit, journey: str) -> list[Otp]:
    return visit.fatoora.portal.live(visit.environment, visit.vat_number, _PURPOSES[journey], visit.fatoora.clock.now())
