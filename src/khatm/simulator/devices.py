"""A device as the portal's list shows it: identity, status, what is still missing, and what it submitted.

Source: gateway contract, sections 10.1 (columns and statuses) and 10.3.
"""

from datetime import datetime
from typing import Literal

from khatm.simulator import compliance
from khatm.simulator.fatoora import Fatoora
from khatm.simulator.registry import Credential, Device
from khatm.simulator.store import utc_text

Status = Literal["Onboarding", "Active", "Expired", "Revoked"]

_ACCEPTED = ("accepted", "accepted_with_warnings")


def device_members(fatoora: Fatoora, device: Device) -> dict[str, object]:
    """Return a device's JSON members; times are UTC, `expires_at` is null while there is no PCSID."""
    credentials = fatoora.registry.credentials_of(device.id)
    latest_ccsid = _latest(credentials, "ccsid")
    latest_pcsid = _latest(credentials, "pcsid")
    passed = fatoora.registry.steps(latest_ccsid.id) if latest_ccsid else frozenset()
    type_map = latest_ccsid.type_map if latest_ccsid else device.type_map
    qr_steps = fatoora.switches(device.environment).qr_steps
    required = compliance.required_steps(type_map, qr_steps=qr_steps)
    counts = fatoora.records.counts(device.id)
    return {
        "id": device.id,
        "environment": device.environment.value,
        "vat_number": device.vat_number,
        "common_name": device.common_name,
        "serial": device.egs_serial,
        "type_map": device.type_map,
        "status": status_of(device, latest_pcsid, fatoora.clock.now()),
        "onboarded_at": None if device.onboarded_at is None else utc_text(device.onboarded_at),
        "expires_at": None if latest_pcsid is None else utc_text(latest_pcsid.not_after),
        "request_id": latest_ccsid.request_id if latest_ccsid else None,
        "steps_done": [step for step in required if step in passed],
        "steps_missing": compliance.missing_steps(type_map, passed, qr_steps=qr_steps),
        "last_icv": fatoora.records.last_counter(device.id),
        "accepted_documents": sum(each.count for each in counts if each.outcome in _ACCEPTED),
        "documents": [
            {
                "profile": each.profile or None,
                "type_code": each.type_code,
                "outcome": each.outcome,
                "count": each.count,
            }
            for each in counts
        ],
    }


def status_of(device: Device, pcsid: Credential | None, now: datetime) -> Status:
    """Return the portal's word for a device; `pcsid` is the latest one that it was given."""
    if device.revoked_at is not None and device.revoked_at <= now:
        return "Revoked"
    if pcsid is None:
        return "Onboarding"
    return "Expired" if now >= pcsid.not_after else "Active"


def _latest(credentials: list[Credential], kind: str) -> Credential | None:
    return next((each for each in reversed(credentials) if each.kind == kind), None)
