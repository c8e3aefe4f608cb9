"""Clocks that can be moved, stopped and started again."""

from datetime import UTC, datetime, timedelta

import pytest

from khatm.clock import FixedClock, ShiftableClock

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Hand:
    """A base clock that the test turns."""

    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        """Where the test turned it."""
        return self.moment


def test_a_stopped_clock_goes_on_from_where_it_stood() -> None:
    hand = Hand()
    clock = ShiftableClock(hand)
    clock.advance(HOUR)
    clock.freeze()
    hand.moment += 5 * HOUR
    assert (clock.now(), clock.frozen, clock.shift) == (NOW + HOUR, True, -4 * HOUR)
    clock.unfreeze()
    hand.moment += HOUR
    assert (clock.now(), clock.frozen, clock.shift) == (NOW + 2 * HOUR, False, -4 * HOUR)
    clock.unfreeze()
    assert clock.now() == NOW + 2 * HOUR


def test_a_fast_clock_runs_so_many_times_as_fast() -> None:
    hand = Hand()
    clock = ShiftableClock(hand)
    clock.run(24)
    hand.moment += HOUR
    assert (clock.now(), clock.speed, clock.frozen) == (NOW + 24 * HOUR, 24, False)
    clock.advance(HOUR)
    clock.run(0.5)
    hand.moment += 2 * HOUR
    assert clock.now() == NOW + 26 * HOUR
    clock.set(NOW)
    hand.moment += 2 * HOUR
    assert clock.now() == NOW + HOUR
    clock.unfreeze()
    hand.moment += HOUR
    assert clock.now() == NOW + 2 * HOUR


def test_a_clock_that_ran_too_fast_for_too_long_arrives_somewhere() -> None:
    hand = Hand()
    clock = ShiftableClock(hand)
    clock.run(86_400)
    hand.moment += timedelta(days=60)
    assert clock.now().year == 9000


def test_a_stopped_clock_can_be_moved() -> None:
    hand = Hand()
    clock = ShiftableClock(hand)
    clock.freeze()
    clock.advance(HOUR)
    hand.moment += 7 * HOUR
    assert clock.now() == NOW + HOUR
    clock.set(NOW - HOUR)
    assert clock.now() == NOW - HOUR
    clock.unfreeze()
    hand.moment += HOUR
    assert clock.now() == NOW


def test_a_time_without_a_zone_is_refused() -> None:
    clock = ShiftableClock(FixedClock(NOW))
    clock.freeze()
    with pytest.raises(ValueError, match="without a zone"):
        clock.set(datetime(2026, 3, 1))  # noqa: DTZ001 - the point
    assert clock.now() == NOW
