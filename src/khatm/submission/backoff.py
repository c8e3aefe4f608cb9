"""How long an undecided document waits before the same bytes go out again."""

import random
from datetime import timedelta

LONGEST = 300.0


def pause(attempts: int, rng: random.Random, retry_after: float | None = None) -> timedelta:
    """Return 2, 4, 8 … 300 s after the first, second, third … attempt, up to a fifth more or less by chance.

    What the gateway asks for in `Retry-After` (seconds) is the least. Source: the gateway contract 9.
    """
    doubled = min(2.0 ** min(attempts, 16), LONGEST)
    return timedelta(seconds=max(doubled * rng.uniform(0.8, 1.2), retry_after or 0.0))
