"""The pauses between attempts: doubling to five minutes, spread by chance, never less than the gateway asks for."""

import random

from khatm.submission.backoff import pause


def test_pauses_double_up_to_five_minutes_within_a_fifth() -> None:
    rng = random.Random(3)
    for attempts, middle in [(1, 2), (2, 4), (3, 8), (4, 16), (7, 128), (8, 250), (9, 250), (5000, 250)]:
        seconds = [pause(attempts, rng).total_seconds() for _ in range(200)]
        assert min(seconds) >= middle * 0.8
        assert max(seconds) <= middle * 1.2
        assert max(seconds) - min(seconds) > middle * 0.2, "no jitter"
        assert max(seconds) <= 300


def test_retry_after_is_the_least() -> None:
    rng = random.Random(3)
    assert pause(1, rng, 120.0).total_seconds() == 120
    assert pause(9, rng, 1.0).total_seconds() >= 200
