"""A ledger, an authority in memory and everything a walk needs between them, for onboarding and renewal tests."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from khatm.clock import FixedClock, ShiftableClock
from khatm.environment import Environment
from khatm.gateway.client import Gateway
from khatm.ledger.generations import Generation
from khatm.ledger.home import Home
from khatm.ledger.ledger import open_ledger
from khatm.onboarding.events import RecordingListener
from khatm.onboarding.onboard import Onboarding
from khatm.onboarding.otp import OtpReason
from khatm.onboarding.patience import Patience
from khatm.onboarding.renewal import Renewal
from khatm.onboarding.session import UnitWalks
from tests.unit.onboarding_stage import SELLER, Authority, csr_fields

Walks = TypeVar("Walks", bound=UnitWalks)


class Stage:
    """One unit named `till-1`, its ledger, and the authority it talks to."""

    def __init__(
        self,
        path: Path,
        *,
        environment: Environment = Environment.SIMULATION,
        type_map: str = "1100",
        seller: dict[str, object] | None = SELLER,
        authority: Authority | None = None,
    ) -> None:
        self.clock = ShiftableClock(FixedClock(datetime.now(UTC)))
        self.home = Home(path, environ={})
        self.ledger = open_ledger(self.home, self.clock)
        self.authority = authority or Authority(now=self.clock.now())
        self.gateway = Gateway(environment, base_url="http://127.0.0.1:9/e-invoicing", transport=self.authority)
        self.heard = RecordingListener()
        self.slept: list[float] = []
        self.ledger.add_unit("till-1", environment, csr_fields(type_map), seller)

    def _walks(self, kind: type[Walks], attempts: int) -> Walks:
        return kind(
            self.ledger,
            self.gateway,
            self.clock,
            self.heard,
            home=self.home,
            patience=Patience(attempts=attempts),
            sleep=self.slept.append,
        )

    def onboarding(self, *, attempts: int = 5) -> Onboarding:
        return self._walks(Onboarding, attempts)

    def renewal(self, *, attempts: int = 5) -> Renewal:
        return self._walks(Renewal, attempts)

    def advance(self, by: timedelta) -> None:
        """Let time pass for both sides."""
        self.clock.advance(by)
        self.authority.now = self.clock.now()

    def live(self) -> Generation:
        live = self.ledger.live_generation("till-1")
        assert live is not None
        return live

    def onboarded(self) -> "Stage":
        """Onboard with a fresh OTP and forget what was heard."""
        self.onboarding().run("till-1", Source([self.authority.new_otp("100001")]))
        self.heard.events.clear()
        self.authority.calls.clear()
        return self


class Source:
    """Gives OTPs in order and keeps the reasons it was asked for."""

    def __init__(self, otps: Iterable[str] = ()) -> None:
        self._otps = list(otps)
        self.reasons: list[OtpReason] = []

    def __call__(self, reason: OtpReason) -> str | None:
        self.reasons.append(reason)
        return self._otps.pop(0) if self._otps else None
