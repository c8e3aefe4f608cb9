"""The taxpayers that the portal knows, and what becomes of their devices when a VAT registration ends.

Source: gateway contract, sections 7 (revocation on suspension), 10.1 and 10.3.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from khatm.environment import Environment
from khatm.simulator.registry import Registry
from khatm.simulator.store import Store, milliseconds
from khatm.stamp.certificate import Certificate, read_certificate

_GROUP_DIGIT = 10
"""The 11th digit of the VAT number of a group is 1, and OU then names the member by its TIN (6.5)."""


class TaxpayerStatus(StrEnum):
    """The state of a VAT registration, in the portal's words."""

    ACTIVE = "Active"
    SUSPENDED = "Suspended"
    DEREGISTERED = "Deregistered"


@dataclass(frozen=True, slots=True)
class Taxpayer:
    """One taxpayer as the list at the sign-in shows it."""

    vat_number: str
    status: TaxpayerStatus
    name: str
    """The organisation in the latest certificate, empty before the first one."""
    members: tuple[str, ...]
    """The TINs of a VAT group's members, as far as they have onboarded devices; empty for others."""
    devices: int


class Taxpayers:
    """Reads and writes taxpayers."""

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self._registry = registry

    def know(self, vat_number: str, now: datetime) -> TaxpayerStatus:
        """Make a VAT number a taxpayer if it is none yet, and return its status."""
        with self._store.transaction() as connection:
            self._registry.know_taxpayer(vat_number, now)
            row = connection.execute("SELECT status FROM taxpayer WHERE vat_number = ?", (vat_number,)).fetchone()
        return TaxpayerStatus(row[0])

    def set_status(self, vat_number: str, status: TaxpayerStatus, now: datetime) -> None:
        """Change a VAT registration; leaving Active revokes every device and cancels every live OTP for good.

        The sandbox has no taxpayers, so its devices stay.
        """
        at = milliseconds(now)
        with self._store.transaction() as connection:
            self.know(vat_number, now)
            connection.execute("UPDATE taxpayer SET status = ? WHERE vat_number = ?", (status, vat_number))
            if status is TaxpayerStatus.ACTIVE:
                return
            connection.execute(
                "UPDATE otp SET used_at = ? WHERE vat_number = ? AND used_at IS NULL AND expires_at > ?",
                (at, vat_number, at),
            )
            for device in self._registry.devices(vat_number=vat_number):
                if device.environment is not Environment.SANDBOX:
                    self._registry.revoke_device(device.id, now)

    def known(self, limit: int) -> list[Taxpayer]:
        """Return at most `limit` taxpayers, the latest first."""
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT vat_number FROM taxpayer ORDER BY first_seen DESC, vat_number LIMIT ?", (limit,)
            ).fetchall()
        return [self.taxpayer(row[0]) for row in rows]

    def taxpayer(self, vat_number: str) -> Taxpayer:
        """Return one taxpayer; a VAT number that is not known yet is an active one without devices."""
        with self._store.reading() as connection:
            row = connection.execute("SELECT status FROM taxpayer WHERE vat_number = ?", (vat_number,)).fetchone()
            rows = connection.execute(
                "SELECT max(credential.id), certificate FROM credential JOIN device ON device.id = device_id "
                "WHERE device.vat_number = ? GROUP BY device_id ORDER BY 1",
                (vat_number,),
            ).fetchall()
        certificates: list[Certificate] = [read_certificate(each["certificate"]) for each in rows]
        group = vat_number[_GROUP_DIGIT : _GROUP_DIGIT + 1] == "1"
        return Taxpayer(
            vat_number=vat_number,
            status=TaxpayerStatus(row[0]) if row else TaxpayerStatus.ACTIVE,
            name=certificates[-1].organization if certificates else "",
            members=tuple(dict.fromkeys(each.organization_unit for each in certificates)) if group else (),
            devices=len(rows),
        )
