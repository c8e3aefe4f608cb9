"""How the clock was moved or stopped: kept with the state, so that a restarted instance lives in that time."""

import threading
from datetime import datetime, timedelta

from khatm.clock import ShiftableClock
from khatm.simulator.store import Store

_SHIFT = "clock shift in microseconds"
_STANDS = "clock stands still at"
_MICROSECOND = timedelta(microseconds=1)


class TimeShift:
    """Moves and stops the clock, and remembers by how much and where."""

    def __init__(self, store: Store, clock: ShiftableClock) -> None:
        """Put `clock` where the state says it was put before."""
        self._store = store
        self._clock = clock
        self._lock = threading.RLock()
        self._origin = clock.shift
        kept, stands = store.fact(_SHIFT), store.fact(_STANDS)
        if kept is not None:
            clock.advance(int(kept) * _MICROSECOND)
        if stands is not None:
            clock.freeze()
            clock.set(datetime.fromisoformat(stands))

    @property
    def frozen(self) -> bool:
        """Whether the clock stands still."""
        return self._clock.frozen

    @property
    def shift(self) -> timedelta:
        """How far the clock is from the machine's at this moment."""
        return self._clock.shift

    def advance(self, by: timedelta) -> None:
        """Move the clock by a duration. Raises OverflowError beyond the years 1 to 9999."""
        with self._lock:
            _ = self._clock.now() + by  # raises before anything is changed
            self._clock.advance(by)
            self._keep()

    def set(self, moment: datetime) -> None:
        """Let the clock go on from an aware moment, or stand there if it stands still."""
        with self._lock:
            self._clock.set(moment)
            self._keep()

    def freeze(self) -> None:
        """Let the clock stand still."""
        with self._lock:
            self._clock.freeze()
            self._keep()

    def unfreeze(self) -> None:
        """Let the clock go on from where it stands."""
        with self._lock:
            self._clock.unfreeze()
            self._keep()

    def restore(self) -> None:
        """Undo every move: the clock runs as it did before the first."""
        with self._lock:
            self._clock.unfreeze()
            self._clock.advance(self._origin - self._clock.shift)
            self._keep()

    def resume(self, moment: datetime) -> None:
        """Put the clock to a moment that the state was saved at, standing still if it stood still then."""
        with self._lock:
            stands = self._store.fact(_STANDS) is not None
            self._clock.unfreeze()
            self._clock.set(moment)
            if stands:
                self._clock.freeze()
                self._clock.set(moment)
            self._keep()

    def _keep(self) -> None:
        if self._clock.frozen:
            self._store.remember(_STANDS, self._clock.now().isoformat())
        else:
            self._store.forget(_STANDS)
        self._store.remember(_SHIFT, str((self._clock.shift - self._origin) // _MICROSECOND))
