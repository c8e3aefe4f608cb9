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


def in_turns(*ways: Callable[[], object], rounds: int, batch: int) -> list[float]:
    """Return the median seconds of one call of each way.

    The ways take turns (A B A B …), so that whatever else the machine does falls on all of them; each turn is a
    batch of calls after the garbage of the turn before is collected.
    """
    for way in ways:
        for _ in range(max(batch // 4, 1)):
            way()
    samples: list[list[float]] = [[] for _ in ways]
    for _ in range(rounds):
        for way, taken in zip(ways, samples, strict=True):
            gc.collect()
            began = time.perf_counter()
            for _ in range(batch):
                way()
            taken.append((time.perf_counter() - began) / batch)
    return [statistics.median(taken) for taken in samples]


def milliseconds(seconds: float) -> str:
    """Seconds as a text in milliseconds with three significant places."""
    return f"{seconds * 1000:.3g} ms"
