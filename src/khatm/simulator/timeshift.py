"""How far the simulator's clock was moved: kept with the state, so that a restarted instance lives in the same time."""

from datetime import datetime, timedelta

from khatm.clock import ShiftableClock
from khatm.simulator.store import Store

_FACT = "clock shift in microseconds"
_MICROSECOND = timedelta(microseconds=1)


class TimeShift:
    """Moves the clock and remembers by how much."""

    def __init__(self, store: Store, clock: ShiftableClock) -> None:
        """Move `clock` as far as the state says it was moved before."""
        self._store = store
        self._clock = clock
        kept = store.fact(_FACT)
        self._moved = timedelta(0)
        if kept is not None:
            self.advance(int(kept) * _MICROSECOND)

    def advance(self, by: timedelta) -> None:
        """Move the clock by a duration. Raises OverflowError beyond the years 1 to 9999."""
        _ = self._clock.now() + by  # raises before anything is changed
        self._clock.advance(by)
        self._moved += by
        self._store.remember(_FACT, str(self._moved // _MICROSECOND))

    def set(self, moment: datetime) -> None:
        """Let the clock go on from an aware moment."""
        self.advance(moment - self._clock.now())

    def restore(self) -> None:
        """Undo every move."""
        self.advance(-self._moved)
