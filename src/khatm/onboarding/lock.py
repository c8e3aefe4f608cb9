"""One process per unit: onboarding and renewal hold the unit for as long as they walk."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from khatm.ledger.store_errors import HeldElsewhere
from khatm.onboarding.errors import OnboardingBusy

if TYPE_CHECKING:
    from khatm.ledger.ledger import Ledger


@contextmanager
def unit_lock(ledger: "Ledger", unit: str) -> Iterator[None]:
    """Hold the unit for the time of the block, against every process and home that uses this ledger.

    Raises OnboardingBusy with the holder's process number when another process, or another thread of this one, holds
    it, and LedgerUnwritable where it cannot be held. The holder's death in any way releases it.
    """
    with ExitStack() as held:
        try:
            held.enter_context(ledger.hold(f"onboarding {unit}"))
        except HeldElsewhere as holder:
            raise OnboardingBusy(unit=unit, pid=holder.pid) from None
        yield
