"""One unit's turn: claimed, its two lanes worked off side by side, and given back."""

import random
import threading
from collections.abc import Callable
from contextlib import suppress

from khatm.clock import Clock
from khatm.ledger.claims import UnitClaim
from khatm.ledger.documents import Profile
from khatm.ledger.ledger import Ledger
from khatm.ledger.sending_errors import ClaimLost
from khatm.ledger.units import Unit
from khatm.submission.breaker import Breaker
from khatm.submission.claiming import ClaimKeeper
from khatm.submission.lane import Lane
from khatm.submission.report import DocumentResult
from khatm.submission.sending import DocumentGateway, Sender


class UnitRun:
    """Sends what one unit has to send, once.

    `is_over` is asked before each document, so that a run can be ended without breaking off a call.
    """

    def __init__(
        self,
        ledger: Ledger,
        unit: Unit,
        gateway: DocumentGateway,
        keeper: ClaimKeeper,
        breaker: Breaker,
        clock: Clock,
        rng: random.Random,
        *,
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        self._ledger = ledger
        self._unit = unit
        self._gateway = gateway
        self._keeper = keeper
        self._breaker = breaker
        self._clock = clock
        self._rng = rng
        self._is_over = is_over
        self._ended = threading.Event()
        self._telling = threading.Lock()
        self._failure: BaseException | None = None

    def work_off(self, listener: Callable[[DocumentResult], None]) -> bool:
        """Send what is due; return False when another process has the unit.

        A lane that loses the claim ends quietly: whoever has it now sends the rest. Raises the ledger's errors.
        """
        claim = self._keeper.take(self._unit)
        if claim is None:
            return False
        try:
            self._work_off(claim, listener)
        finally:
            self._keeper.release(claim)
        return True

    def _work_off(self, claim: UnitClaim, listener: Callable[[DocumentResult], None]) -> None:
        sender = Sender(self._ledger, self._gateway, claim, self._keeper, self._breaker, self._rng)

        def tell(result: DocumentResult) -> None:
            if result.stops_unit:
                self._ended.set()
            with self._telling:
                listener(result)

        def work(profile: Profile) -> None:
            lane = Lane(self._ledger, self._unit, profile, sender, self._breaker, self._clock, self._must_end)
            try:
                with suppress(ClaimLost):
                    lane.work_off(tell)
            except BaseException as error:
                self._failure = error
                self._ended.set()

        clearance = threading.Thread(target=work, args=(Profile.STANDARD,), name="khatm-clearance")
        clearance.start()
        work(Profile.SIMPLIFIED)
        clearance.join()
        if self._failure is not None:
            raise self._failure

    def _must_end(self) -> bool:
        return self._ended.is_set() or self._is_over()
