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
    """A running clock that can be moved, set and stopped, as the simulator's management interface does."""

    def __init__(self, base: Clock | None = None) -> None:
        self._base: Clock = base or SystemClock()
        self._offset = timedelta(0)
        self._frozen: datetime | None = None

    @property
    def frozen(self) -> bool:
        """Whether the clock stands still."""
        return self._frozen is not None

    @property
    def shift(self) -> timedelta:
        """How far the clock is from the base clock at this moment."""
        return self._offset if self._frozen is None else self._frozen - self._base.now()

    def now(self) -> datetime:
        """Return the base clock's time plus the present shift, or where the clock stands, in UTC."""
        frozen = self._frozen
        return self._base.now() + self._offset if frozen is None else frozen

    def advance(self, by: timedelta) -> None:
        """Move the clock by a duration (negative moves it back)."""
        if self._frozen is None:
            self._offset += by
        else:
            self._frozen += by

    def set(self, moment: datetime) -> None:
        """Let the clock go on from the given aware moment, or stand there if it stands still."""
        if self._frozen is None:
            self._offset = _aware(moment) - self._base.now()
        else:
            self._frozen = _aware(moment)

    def freeze(self) -> None:
        """Let the clock stand still where it is."""
        self._frozen = self.now()

    def unfreeze(self) -> None:
        """Let the clock go on from where it stands."""
        if self._frozen is not None:
            self._offset = self._frozen - self._base.now()
            self._frozen = None


def saudi_time(moment: datetime) -> datetime:
    """Return an aware moment expressed in Saudi time (UTC+3)."""
    return _aware(moment).astimezone(SAUDI)


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone cannot be used: {moment.isoformat()}")
    return moment.astimezone(UTC)
