"""What onboarding and renewal are built on: the rooms they join, the unit's lock around them, and how they end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from khatm.clock import Clock
from khatm.errors import KhatmError
from khatm.ledger.generations import Generation
from khatm.ledger.home import Home
from khatm.ledger.ledger import Ledger
from khatm.onboarding.events import Listener, SilentListener, Teller
from khatm.onboarding.lock import unit_lock
from khatm.onboarding.patience import Patience, Sleeper
from khatm.onboarding.walk import CsidGateway, Walk
from khatm.stamp.certificate import read_certificate


@dataclass(frozen=True, slots=True)
class LiveCredentials:
    """What a walk ended with."""

    unit: str
    generation: str
    """The label of the live generation, such as `G1`."""
    not_after: datetime
    """When the production CSID expires, aware UTC."""
    own_key: bool
    """False for the sandbox's canned certificate, under which stamping needs consent."""
    already_live: bool = False
    """Whether there was nothing to do."""


class UnitWalks:
    """Walks of units with one ledger and one gateway.

    `home` holds the locks and opens what the ledger keeps sealed. `patience` bounds the repetition of calls and
    `sleep` lets the time between them pass.
    """

    def __init__(
        self,
        ledger: Ledger,
        gateway: CsidGateway,
        clock: Clock,
        listener: Listener | None = None,
        *,
        home: Home,
        patience: Patience | None = None,
        sleep: Sleeper = time.sleep,
    ) -> None:
        self._ledger = ledger
        self._gateway = gateway
        self._clock = clock
        self._listener = listener or SilentListener()
        self._home = home
        self._patience = patience or Patience()
        self._sleep = sleep

    @contextmanager
    def _walking(self, unit_name: str) -> Iterator[Walk]:
        """Hold the unit's lock and give its walk; an error that ends the block is told as a FAILED event first."""
        unit = self._ledger.unit(unit_name)
        teller = Teller(self._listener)
        self._ledger.require_key()  # before a one-time password is spent on what could not be kept
        with unit_lock(self._ledger, unit.name):
            try:
                walk = Walk(
                    # Read again: what another process did before the lock came free counts.
                    unit=self._ledger.unit(unit_name),
                    ledger=self._ledger,
                    gateway=self._gateway,
                    clock=self._clock,
                    home=self._home,
                    teller=teller,
                    patience=self._patience,
                    sleep=self._sleep,
                )
                walk.settle_ended()
                yield walk
            except KhatmError as error:
                teller.failed(error)
                raise


def live_credentials(unit: str, generation: Generation, *, already_live: bool = False) -> LiveCredentials:
    """Return what a walk that ended with this live generation says."""
    return LiveCredentials(
        unit=unit,
        generation=generation.label,
        not_after=expiry(generation),
        own_key=not generation.foreign_certificate,
        already_live=already_live,
    )


def expiry(generation: Generation) -> datetime:
    """Return when a live generation's production CSID expires, aware UTC."""
    assert generation.pcsid_token is not None
    return read_certificate(generation.pcsid_token).not_after
