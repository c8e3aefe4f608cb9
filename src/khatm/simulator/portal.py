"""The authority's portal: taxpayers and the one-time passwords that let a unit ask for its certificate.

Source: gateway contract, sections 6.6 and 10.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from khatm.environment import Environment
from khatm.simulator.causes import Because, Cause
from khatm.simulator.errors import NoFreeOtp, TaxpayerNotActive
from khatm.simulator.store import Store, milliseconds, moment, utc_text
from khatm.simulator.switches import Switches
from khatm.simulator.taxpayers import Taxpayers, TaxpayerStatus

OTP_LIFE = timedelta(hours=1)
SANDBOX_OTP = "123345"
"""The value that the published sandbox pages show as a good one."""
SANDBOX_EXPIRED_OTP = "222222"
"""The value that they show as an expired one."""

_SANDBOX_REFUSED = frozenset({"111111", SANDBOX_EXPIRED_OTP, "000000"})
_ATTEMPTS = 1000


class Purpose(StrEnum):
    """What an OTP is good for: the portal has separate journeys for the two (gateway contract 6.6)."""

    ONBOARDING = "onboarding"
    RENEWAL = "renewal"


@dataclass(frozen=True, slots=True)
class Otp:
    """One code as the portal shows it."""

    code: str
    expires_at: datetime
    device_id: int | None = None
    """The device that a renewal was asked for; None: any of the taxpayer's."""


@dataclass(frozen=True, slots=True)
class AcceptedOtp:
    """A code that a call may use: whose it is, and its record, or None for the sandbox's unrecorded values."""

    vat_number: str | None
    record: int | None
    device_id: int | None = None
    """The only device that the code renews; None: any of the taxpayer's."""


class Portal:
    """Issues OTPs and says whether one that a call brings is good."""

    def __init__(self, store: Store, taxpayers: Taxpayers, *, below: Callable[[int], int] = secrets.randbelow) -> None:
        """`below(n)` gives a random whole number under n."""
        self._store = store
        self._taxpayers = taxpayers
        self._below = below

    def issue(
        self,
        environment: Environment,
        vat_number: str,
        *,
        purpose: Purpose,
        count: int,
        switches: Switches,
        now: datetime,
        device_id: int | None = None,
    ) -> list[Otp]:
        """Return fresh codes for a taxpayer, who is made if not known yet. Raises NoFreeOtp, TaxpayerNotActive.

        `device_id` binds a renewal to one device. Where the environment takes fixed values, they are the published
        good one and nothing is recorded.
        """
        expires_at = now + OTP_LIFE
        if switches.otp == "pattern":
            return [Otp(SANDBOX_OTP, expires_at)] * count
        with self._store.transaction() as connection:
            status = self._taxpayers.know(vat_number, now)
            if status is not TaxpayerStatus.ACTIVE:
                raise TaxpayerNotActive(vat_number=vat_number, status=status.value)
            codes = []
            for _ in range(count):
                code = self._free_code(environment, now)
                connection.execute(
                    "INSERT INTO otp (environment, vat_number, purpose, device_id, code, created_at, expires_at) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (environment, vat_number, purpose, device_id, code, milliseconds(now), milliseconds(expires_at)),
                )
                codes.append(Otp(code, moment(milliseconds(expires_at)), device_id))
            return codes

    def live(self, environment: Environment, vat_number: str, purpose: Purpose, now: datetime) -> list[Otp]:
        """Return a taxpayer's codes that are neither used nor expired, in the order of their issue."""
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT code, expires_at, device_id FROM otp WHERE environment = ? AND vat_number = ? AND purpose = ? "
                "AND used_at IS NULL AND expires_at > ? ORDER BY id",
                (environment, vat_number, purpose, milliseconds(now)),
            ).fetchall()
        return [Otp(row["code"], moment(row["expires_at"]), row["device_id"]) for row in rows]

    def _free_code(self, environment: Environment, now: datetime) -> str:
        with self._store.reading() as connection:
            for _ in range(_ATTEMPTS):
                code = f"{self._below(1_000_000):06d}"
                live = connection.execute(
                    "SELECT 1 FROM otp WHERE environment = ? AND code = ? AND used_at IS NULL AND expires_at > ?",
                    (environment, code, milliseconds(now)),
                ).fetchone()
                if live is None:
                    return code
        raise NoFreeOtp(environment=environment.value)

    def check(
        self, environment: Environment, code: str, *, purpose: Purpose, switches: Switches, now: datetime
    ) -> AcceptedOtp | None:
        """Return what a code stands for, or None if it is wrong, used, expired or for another purpose."""
        if switches.otp == "pattern":
            well_formed = len(code) in (5, 6) and code.isascii() and code.isdigit()
            return AcceptedOtp(None, None) if well_formed and code not in _SANDBOX_REFUSED else None
        with self._store.reading() as connection:
            row = connection.execute(
                "SELECT id, vat_number, device_id FROM otp WHERE environment = ? AND code = ? AND purpose = ? "
                "AND used_at IS NULL AND expires_at > ?",
                (environment, code, purpose, milliseconds(now)),
            ).fetchone()
        return None if row is None else AcceptedOtp(row["vat_number"], row["id"], row["device_id"])

    def why_refused(self, environment: Environment, code: str, purpose: Purpose, now: datetime) -> Because:
        """Return what is wrong with a code that `check` refuses; of several with these digits, the latest counts."""
        with self._store.reading() as connection:
            row = connection.execute(
                "SELECT purpose, used_at, expires_at FROM otp WHERE environment = ? AND code = ? "
                "ORDER BY purpose = ? DESC, id DESC LIMIT 1",
                (environment, code, purpose),
            ).fetchone()
        if row is None:
            return Because(Cause.OTP_UNKNOWN)
        if row["purpose"] != purpose:
            return Because(Cause.OTP_FOR_OTHER_PURPOSE, row["purpose"])
        if row["used_at"] is not None:
            return Because(Cause.OTP_USED, utc_text(moment(row["used_at"])))
        return Because(Cause.OTP_EXPIRED, utc_text(moment(row["expires_at"])))

    def expire(self, environment: Environment, code: str, now: datetime) -> None:
        """Let a code's time run out now."""
        with self._store.transaction() as connection:
            connection.execute(
                "UPDATE otp SET expires_at = ? WHERE environment = ? AND code = ? AND expires_at > ?",
                (milliseconds(now), environment, code, milliseconds(now)),
            )

    def consume(self, otp: AcceptedOtp, now: datetime) -> None:
        """Note a recorded code as used."""
        if otp.record is not None:
            with self._store.transaction() as connection:
                connection.execute("UPDATE otp SET used_at = ? WHERE id = ?", (milliseconds(now), otp.record))
