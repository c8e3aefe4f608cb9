"""The taxpayer's solutions and devices: the list, one device with its certificates, and revoking.

Source: gateway contract, sections 10.1 (List, Revoke) and 10.3.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import get_args

from starlette.responses import Response

from khatm.simulator.devices import Status, device_members
from khatm.simulator.errors import UnknownDevice
from khatm.simulator.registry import Credential, Device
from khatm.simulator.web.visit import Visit
from khatm.stamp.certificate import read_certificate

_PROFILES = ("standard", "simplified")
_TIMES = ("onboarded_at", "expires_at")


async def show_list(visit: Visit) -> Response:
    """Show the devices that the search and the status leave."""
    search, status = visit.query("search")[:100], visit.query("status")
    wanted = search.strip().casefold()
    found = []
    for device in visit.fatoora.registry.devices(visit.environment, visit.vat_number):
        members = _members(visit, device)
        text = f"{device.common_name}\n{device.egs_serial}".casefold()
        if wanted in text and status in ("", members["status"]):
            found.append(members)
    return visit.page("devices.html", devices=found, search=search, status=status, statuses=get_args(Status))


async def show(visit: Visit) -> Response:
    """Show one device."""
    device = device_of(visit, visit.request.path_params["device"])
    credentials = visit.fatoora.registry.credentials_of(device.id)
    return visit.page(
        "device.html",
        device=_members(visit, device),
        revoked_at=device.revoked_at,
        covers=[name for name, bit in zip(_PROFILES, device.type_map, strict=False) if bit == "1"],
        certificates=[_certificate(each, visit.fatoora.clock.now()) for each in reversed(credentials)],
    )


async def revoke(visit: Visit) -> Response:
    """Ask whether the chosen devices are to be revoked, or revoke them if that was confirmed."""
    fields = await visit.form()
    chosen = _chosen(visit, fields.get("device", []))
    if fields.get("confirmed") != ["yes"] or not chosen:
        return visit.page("revoke.html", devices=chosen)
    now = visit.fatoora.clock.now()
    with visit.fatoora.store.transaction():
        for device in chosen:
            visit.fatoora.registry.revoke_device(device.id, now)
    return visit.redirect("/portal/devices", notice="revoked")


def device_of(visit: Visit, text: str) -> Device:
    """Return a device of the taxpayer in the chosen environment. Raises UnknownDevice, for those of others as well."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else -1
    device = visit.fatoora.registry.device(number)
    if device is None or (device.environment, device.vat_number) != (visit.environment, visit.vat_number):
        raise UnknownDevice(device=text[:20])
    return device


def _chosen(visit: Visit, texts: Sequence[str]) -> list[Device]:
    devices = [device_of(visit, text) for text in dict.fromkeys(texts)]
    return [each for each in devices if each.revoked_at is None]


def _members(visit: Visit, device: Device) -> dict[str, object]:
    """Return what management says of a device, with its times as times."""
    members = device_members(visit.fatoora, device)
    for name in _TIMES:
        text = members[name]
        members[name] = datetime.fromisoformat(text) if isinstance(text, str) else None
    return members


def _certificate(credential: Credential, now: datetime) -> dict[str, object]:
    certificate = read_certificate(credential.certificate)
    names = {"2.5.4.6": "C", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.3": "CN"}
    return {
        "kind": credential.kind,
        "request_id": credential.request_id,
        "issued_at": credential.issued_at,
        "revoked": credential.revoked_at is not None and credential.revoked_at <= now,
        "certificate": certificate,
        "subject": ", ".join(f"{names.get(each.oid, each.oid)}={each.value}" for each in certificate.subject),
        "fingerprint": hashlib.sha256(credential.certificate).hexdigest(),
        "pem": certificate.pem.decode(),
    }
