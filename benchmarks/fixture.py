"""Claim: the pytest fixture gives a fresh simulator within 500 ms. Beside it: what the plugin costs unused."""

import statistics
import sys
import time

from benchmarks.measuring import Missing, Row, milliseconds
from benchmarks.startup import wall_times

AIM = 0.5
UNUSED = 'python -c "import pytest"'
LOADED = 'python -c "import pytest, khatm.testing.pytest_plugin"'
FIRST = 'python -c "import khatm.testing.simulator"'


def measure(*, rounds: int, turn: float) -> list[Row | Missing]:
    """Wall time of opening and closing simulators, and of whole processes, in seconds."""
    from khatm.testing.simulator import FatooraSimulator

    opened, closed = [], []
    for _ in range(rounds):
        began = time.perf_counter()
        with FatooraSimulator():
            opened.append(time.perf_counter() - began)
            began = time.perf_counter()
        closed.append(time.perf_counter() - began)
    programs = {name: [sys.executable, "-c", name.split('"')[1]] for name in (UNUSED, LOADED, FIRST)}
    taken = wall_times(programs, max(rounds // 3, 3))
    fresh = statistics.median(map(sum, zip(opened, closed, strict=True)))
    ready = statistics.median(opened)
    return [
        Row("fatoora_simulator, set up and torn down, seconds", milliseconds(fresh), "", fresh, AIM, at_least=False),
        Row("fatoora_simulator, until the test begins, seconds", milliseconds(ready), "", ready),
        Row(
            "the plugin in a run without it, times import pytest",
            milliseconds(taken[LOADED]),
            milliseconds(taken[UNUSED]),
            taken[LOADED] / taken[UNUSED],
        ),
        Row("the first use in a run (imports), seconds", milliseconds(taken[FIRST]), "", taken[FIRST]),
    ]
