"""Clocks: what time it is, as a protocol, and Saudi time made explicit."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Protocol

SAUDI = timezone(timedelta(hours=3), "Asia/Riyadh")
"""Saudi Arabia keeps UTC+3 all year; a fixed offset needs no zone database."""


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


class ShiftableClock:
    """A running clock that can be moved forwards or set, as the simulator's management interface does."""

    def __init__(self, base: Clock | None = None) -> None:
        self._base: Clock = base or SystemClock()
        self._offset = timedelta(0)

    def now(self) -> datetime:
        """Return the base clock's time plus the present shift, in UTC."""
        return self._base.now() + self._offset

    def advance(self, by: timedelta) -> None:
        """Move the clock by a duration (negative moves it back)."""
        self._offset += by

    def set(self, moment: datetime) -> None:
        """Let the clock go on from the given aware moment."""
        self._offset = _aware(moment) - self._base.now()


def saudi_time(moment: datetime) -> datetime:
    """Return an aware moment expressed in Saudi time (UTC+3)."""
    return _aware(moment).astimezone(SAUDI)


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone cannot be used: {moment.isoformat()}")
    return moment.astimezone(UTC)
