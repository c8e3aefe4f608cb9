"""The authority's side as the tests read it: the simulator's management interface over HTTP."""

from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx

from khatm.environment import Environment

KINDS = ("invoice", "credit", "debit")
PROFILES = {"1000": ("standard",), "0100": ("simplified",), "1100": ("standard", "simplified")}
"""The invoice type maps and the profiles that a unit with each must prove (gateway contract 6.1, 6.2)."""

SANDBOX_VAT_NUMBER = "399999999900003"
"""The taxpayer of the published sandbox certificate (gateway contract 2.6)."""

_TAXPAYERS = count(1)


def documents_of(type_map: str) -> list[tuple[str, str]]:
    """Profile and kind of each document that a unit with this map issues, in the order of the contract."""
    return [(profile, kind) for profile in PROFILES[type_map] for kind in KINDS]


def fresh_vat_number() -> str:
    """A VAT number that no other test of this run uses: 15 digits from 3 to 3, no group member (11th digit 0)."""
    return f"3{next(_TAXPAYERS):09d}00003"


@dataclass(frozen=True, slots=True)
class Authority:
    """One running simulator, asked as a person at the portal would ask it."""

    url: str

    def otp(self, environment: Environment, vat_number: str, purpose: str = "onboarding") -> str:
        """A fresh one-time password of the portal."""
        body = {"environment": environment, "vat_number": vat_number, "purpose": purpose}
        return str(self._json("POST", "/manage/otp", json=body)["otps"][0]["otp"])

    def devices(self, environment: Environment, vat_number: str) -> list[dict[str, Any]]:
        """The taxpayer's devices, oldest first."""
        found = self._json("GET", "/manage/devices", params={"environment": environment, "vat_number": vat_number})
        return list(found["devices"])

    def device(self, environment: Environment, vat_number: str) -> dict[str, Any]:
        """The taxpayer's only device."""
        [device] = self.devices(environment, vat_number)
        return device

    def calls(self) -> list[tuple[str, str, int]]:
        """Method, path and status of every recorded exchange with the gateway, oldest first."""
        found = self._json("GET", "/manage/exchanges", params={"limit": 1000})["exchanges"]
        return [(each["method"], each["path"], each["status"]) for each in found]

    def _json(self, method: str, path: str, **options: Any) -> Any:
        answer = httpx.request(method, self.url + path, trust_env=False, timeout=30, **options)
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()
