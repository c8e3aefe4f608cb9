"""Claim: whatever a document of one mebibyte holds, its validation ends within a second, in less than 300 MiB."""

import json
import math
import subprocess
import sys
from pathlib import Path

from benchmarks.measuring import Missing, Row

TIME_AIM = 1.0
MEMORY_AIM = 300.0


def measure(*, rounds: int, turn: float) -> list[Row | Missing]:
    """Each shape of attack (`tests/hostile_documents.py`) in a process of its own: seconds of processor time.

    The memory is all that the process ever had, interpreter included. With few rounds, only some shapes.
    """
    names = [] if rounds > 3 else ["foreign elements", "empty lines"]
    taken = costs(*names)
    rows: list[Row | Missing] = [
        Row(f"1 MiB of {name}", f"{seconds:.2f} s", f"{peak:.0f} MiB", seconds, TIME_AIM, at_least=False)
        for name, (seconds, peak) in sorted(taken.items(), key=lambda each: -each[1][0])
    ]
    largest, (_, peak) = max(taken.items(), key=lambda each: each[1][1])
    rows.append(Row("1 MiB, greatest memory in MiB", f"{peak:.0f} MiB", largest, peak, MEMORY_AIM, at_least=False))
    return rows


def costs(*names: str) -> dict[str, tuple[float, float]]:
    """Seconds of processor time and MiB of resident memory at the peak by shape; infinite where it did not end well."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile_documents", *names],
        cwd=Path(__file__).resolve().parents[1],
        check=True,
        capture_output=True,
        text=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return {each["shape"]: (each.get("seconds", math.inf), each.get("peak", math.inf)) for each in answers}
