"""The claims that a process holds, kept alive by a thread while it works."""

import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

from khatm.errors import KhatmError
from khatm.ledger.claims import LEASE, UnitClaim
from khatm.ledger.ledger import Ledger
from khatm.ledger.units import Unit

_SIGNS = 4
"""So many signs of life within a lease: three may be late before it ends."""


class ClaimKeeper:
    """Takes claims for one ledger object and gives signs of life for them while it is entered.

    Leases are minded on the monotonic clock here and on the database's clock there; both are nobody's to shift.
    """

    def __init__(self, ledger: Ledger, lease: float = LEASE) -> None:
        self._ledger = ledger
        self._lease = lease
        self._sure_until: dict[int, float] = {}
        self._guard = threading.Lock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._give_signs, name="khatm-claims", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()

    def take(self, unit: Unit) -> UnitClaim | None:
        """Claim a unit; None when a live process has it, or a thread of this one."""
        started = time.monotonic()
        claim = self._ledger.claim_unit(unit, self._lease)
        if claim is not None:
            with self._guard:
                self._sure_until[unit.id] = started + self._lease
        return claim

    def require(self, claim: UnitClaim) -> None:
        """Make sure before a call that a claim still stands, asking the ledger only when no sign was given in time.

        This is what a process meets that was suspended and woken. Raises ClaimLost.
        """
        if time.monotonic() >= self._sure_until.get(claim.unit_id, 0.0):
            self._ledger.require_claim(claim)

    def release(self, claim: UnitClaim) -> None:
        """Give a unit back. When that cannot be written, the lease ends by itself."""
        with self._guard:
            self._sure_until.pop(claim.unit_id, None)
        with suppress(KhatmError):
            self._ledger.release_unit(claim)

    def _give_signs(self) -> None:
        while not self._ending.wait(self._lease / _SIGNS):
            if self._sure_until:
                with suppress(KhatmError):  # a ledger that is busy now may not be in a moment
                    self._give_sign()

    def _give_sign(self) -> None:
        started = time.monotonic()
        with self._guard:
            held = tuple(self._sure_until)
        kept = self._ledger.keep_claims(held, self._lease)
        with self._guard:
            for unit_id in self._sure_until.keys() & held:
                # A claim that was not kept is not forgotten here: `require` asks, and the ledger refuses.
                self._sure_until[unit_id] = started + self._lease if unit_id in kept else 0.0
