"""Clocks: what time it is, as a protocol, and Saudi time made explicit."""

from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple, Protocol

SAUDI = timezone(timedelta(hours=3), "Asia/Riyadh")
"""Saudi Arabia keeps UTC+3 all year; a fixed offset needs no zone database."""

_END = datetime(9000, 1, 1, tzinfo=UTC)
"""Where a clock arrives that ran too fast for too long; times after it can still be computed with."""


class Clock(Protocol):
    """Anything that tells the current time."""

    def now(self) -> datetime:
        """Return the current time as an aware UTC datetime."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the machine's current time in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still, for reproducible stamps and tests."""

    def __init__(self, moment: datetime) -> None:
        self._moment = _aware(moment)

    def now(self) -> datetime:
        """Return the moment given at construction, in UTC."""
        return self._moment


class ClockState(NamedTuple):
    """Where a shiftable clock is: it showed `shown` when its base clock said `at`, and runs `speed` times as fast."""

    at: datetime
    shown: datetime
    speed: float = 1.0


class ShiftableClock:
    """A running clock that can be moved, set, stopped and sped up, as the simulator's management interface does."""

    def __init__(self, base: Clock | None = None) -> None:
        self._base: Clock = base or SystemClock()
        now = self._base.now()
        # One value, replaced as a whole: whoever reads the time meanwhile sees the old or the new one.
        self.state = ClockState(now, now)

    @property
    def frozen(self) -> bool:
        """Whether the clock stands still."""
        return self.state.speed == 0

    @property
    def speed(self) -> float:
        """How many seconds pass in one of the base clock's."""
        return self.state.speed

    @property
    def shift(self) -> timedelta:
        """How far the clock is from the base clock at this moment."""
        base = self._base.now()
        return self._shows(base) - base

    def now(self) -> datetime:
        """Return what the clock shows, in UTC."""
        return self._shows(self._base.now())

    def advance(self, by: timedelta) -> None:
        """Move the clock by a duration (negative moves it back)."""
        state = self.state
        self.state = ClockState(state.at, state.shown + by, state.speed)

    def set(self, moment: datetime) -> None:
        """Let the clock go on from the given aware moment, or stand there if it stands still."""
        self.state = ClockState(self._base.now(), _aware(moment), self.state.speed)

    def run(self, speed: float) -> None:
        """Let the clock go on from where it is, so many times as fast as the base clock; 0 stops it."""
        base = self._base.now()
        self.state = ClockState(base, self._shows(base), speed)

    def freeze(self) -> None:
        """Let the clock stand still where it is."""
        self.run(0.0)

    def unfreeze(self) -> None:
        """Let the clock go on from where it is, as fast as the base clock."""
        self.run(1.0)

    def _shows(self, base: datetime) -> datetime:
        state = self.state
        passed = base - state.at
        try:
            return state.shown + (passed if state.speed == 1 else passed * state.speed)
        except OverflowError:
            return _END


def saudi_time(moment: datetime) -> datetime:
    """Return an aware moment expressed in Saudi time (UTC+3)."""
    return _aware(moment).astimezone(SAUDI)


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone cannot be used: {moment.isoformat()}")
    return moment.astimezone(UTC)
