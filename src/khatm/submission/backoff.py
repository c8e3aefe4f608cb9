"""How long an undecided document waits before the same bytes go out again."""

import random
from datetime import timedelta

LONGEST = 300.0
_SPREAD = 0.2


def pause(attempts: int, rng: random.Random, retry_after: float | None = None) -> timedelta:
    """Return 2, 4, 8 … s after the first, second, third … attempt, up to a fifth more or less by chance, 300 at most.

    What the gateway asks for in `Retry-After` (seconds) is the least. Source: the gateway contract 9.
    """
    doubled = min(2.0 ** min(attempts, 16), LONGEST / (1 + _SPREAD))
    return timedelta(seconds=max(doubled * rng.uniform(1 - _SPREAD, 1 + _SPREAD), retry_after or 0.0))
