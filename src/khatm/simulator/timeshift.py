"""How the clock was moved, stopped or sped up: kept with the state, so that a restarted instance lives in that time."""

import json
import threading
from datetime import UTC, datetime, timedelta

from khatm.clock import ClockState, ShiftableClock
from khatm.simulator.store import Store

_FACT = "clock"
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""Far enough from the years 1 and 9999 that no zone, certificate or OTP reaches beyond them."""


class TimeShift:
    """Moves, stops and speeds up the clock, and remembers it."""

    def __init__(self, store: Store, clock: ShiftableClock) -> None:
        """Put `clock` where the state says it was put before."""
        self._store = store
        self._clock = clock
        self._lock = threading.RLock()
        self._true = clock.state
        kept = self._kept()
        if kept is not None:
            clock.state = kept

    @property
    def speed(self) -> float:
        """How many seconds pass in one of the machine's."""
        return self._clock.speed

    @property
    def frozen(self) -> bool:
        """Whether the clock stands still."""
        return self._clock.frozen

    @property
    def shift(self) -> timedelta:
        """How far the clock is from the machine's at this moment."""
        return self._clock.shift

    def advance(self, by: timedelta) -> None:
        """Move the clock by a duration. Raises OverflowError beyond the years 1970 to 8999, then nothing is changed."""
        with self._lock:
            _check(self._clock.now() + by)
            self._clock.advance(by)
            self._keep()

    def set(self, moment: datetime) -> None:
        """Let the clock go on from an aware moment, or stand there if it stands still. Raises as `advance` does."""
        with self._lock:
            _check(moment)
            self._clock.set(moment)
            self._keep()

    def run(self, speed: float) -> None:
        """Let the clock go on from where it is, so many times as fast as the machine's; 0 stops it."""
        with self._lock:
            self._clock.run(speed)
            self._keep()

    def restore(self) -> None:
        """Undo every move: the clock runs as it did before the first."""
        with self._lock:
            self._clock.state = self._true
            self._store.forget(_FACT)

    def resume(self, moment: datetime) -> None:
        """Put the clock to a moment that the state was saved at, as fast as it ran then."""
        with self._lock:
            kept = self._kept()
            self._clock.run(self._true.speed if kept is None else kept.speed)
            self._clock.set(moment)
            self._keep()

    def _kept(self) -> ClockState | None:
        text = self._store.fact(_FACT)
        if text is None:
            return None
        kept = json.loads(text)
        return ClockState(datetime.fromisoformat(kept["at"]), datetime.fromisoformat(kept["shown"]), kept["speed"])

    def _keep(self) -> None:
        state = self._clock.state
        kept = {"at": state.at.isoformat(), "shown": state.shown.isoformat(), "speed": state.speed}
        self._store.remember(_FACT, json.dumps(kept))


def _check(moment: datetime) -> None:
    if not _EARLIEST <= moment < _LATEST:
        raise OverflowError(moment)
