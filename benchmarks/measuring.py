"""How two ways of doing one thing are compared: in turns, in one process, by the median."""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    `ours` and `theirs` are texts with their unit; `ratio` is the claim's number; `aim` is what it should reach,
    `at_least` tells on which side of the aim it should be. A row without an aim is information.
    """

    claim: str
    ours: str
    theirs: str
    ratio: float
    aim: float | None = None
    at_least: bool = True

    @property
    def held(self) -> bool | None:
        """Whether the aim is reached; None where there is none."""
        if self.aim is None:
            return None
        return self.ratio >= self.aim if self.at_least else self.ratio <= self.aim


@dataclass(frozen=True, slots=True)
class Missing:
    """A claim that could not be measured on this machine, and why."""

    claim: str
    reason: str


@dataclass(frozen=True, slots=True)
class Turns:
    """What each way took in each round: seconds of one call, one list a way."""

    samples: list[list[float]]

    def median(self, way: int) -> float:
        """The median seconds of one call."""
        return statistics.median(self.samples[way])

    def ratio(self, way: int, to: int) -> float:
        """How many times as long one way takes as another: the median over the rounds.

        Two turns of one round stand next to each other in time, so a machine that is slow for a while is slow for
        both, and the ratio of a round says more than the ratio of two medians.
        """
        pairs = zip(self.samples[way], self.samples[to], strict=True)
        return statistics.median(one / other for one, other in pairs)


def in_turns(*ways: Callable[[], object], rounds: int, turn: float) -> Turns:
    """Let the ways take turns (A B A B …), garbage collection included.

    A turn lasts about `turn` seconds for each way, one call at least: after the other's turn the processor's caches
    are cold, and equal turns let both pay the same for it.
    """
    gc.collect()
    batches = [max(round(turn / _seconds(way)), 1) for way in ways]
    samples: list[list[float]] = [[] for _ in ways]
    for _ in range(rounds):
        for way, batch, taken in zip(ways, batches, samples, strict=True):
            began = time.perf_counter()
            for _ in range(batch):
                way()
            taken.append((time.perf_counter() - began) / batch)
    return Turns(samples)


def _seconds(way: Callable[[], object]) -> float:
    """What one call takes, roughly, once it has run before."""
    way()
    began, calls = time.perf_counter(), 0
    while calls < 5 and time.perf_counter() - began < 0.2:
        way()
        calls += 1
    return (time.perf_counter() - began) / calls


def milliseconds(seconds: float) -> str:
    """Seconds as a text in milliseconds with three significant places."""
    return f"{seconds * 1000:.3g} ms"
