"""The limit of calls a minute."""

from khatm.simulator.rate import RateLimit


def test_a_minute_is_counted_for_each_caller() -> None:
    time = [0.0]
    limit = RateLimit(lambda: time[0])

    def passed(caller: str, *, calls: int, most: int = 3) -> int:
        return sum(limit.passes(caller, most) for _ in range(calls))

    assert passed("a", calls=5) == 3
    assert passed("b", calls=2) == 2
    time[0] = 59.9
    assert passed("a", calls=2) == 0
    assert passed("b", calls=2) == 1
    time[0] = 60.0
    assert passed("a", calls=5) == 3
    time[0] = 119.9
    assert passed("b", calls=5) == 3


def test_callers_of_long_ago_are_forgotten() -> None:
    time = [0.0]
    limit = RateLimit(lambda: time[0])
    for number in range(10_002):
        assert limit.passes(number, 1)
    time[0] = 61.0
    assert limit.passes("another", 1)
    assert len(limit._calls) < 10
