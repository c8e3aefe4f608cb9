"""Claim: cost grows with the lines and no faster. 500 to 5,000 lines: at most 11 times the time; memory: at most
60 times the XML's size."""

import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.invoices import SIGNING_TIME, authored, new_identity
from benchmarks.measuring import Missing, Row, Turns, milliseconds

TIME_AIM = 11.0
MEMORY_AIM = 60.0
SMALL, LARGE = 500, 5000
TASKS = ("authoring", "stamping", "hashing", "verifying", "validating")


def measure(*, rounds: int, turn: float) -> list[Row | Missing]:
    """Each size is measured in child processes of its own, which take turns.

    The allocator gives back what a large document used when the next one asks for memory; in a process that sees one
    size only, each document pays for its own kind.
    """
    rows: list[Row | Missing] = []
    for task in TASKS:
        turns = _times(task, rounds=max(rounds // 8, 1), seconds=turn * 8)
        one, small, large = (milliseconds(turns.median(way)) for way in range(3))
        rows.append(
            Row(
                f"{task}, {SMALL} to {LARGE} lines",
                f"1: {one}, {SMALL}: {small}",
                f"{LARGE}: {large}",
                turns.median(2) / turns.median(1),  # the turns of a round are seconds apart here
                TIME_AIM,
                at_least=False,
            )
        )
    for task in TASKS:
        taken, size = memory_of(task, LARGE)
        rows.append(
            Row(
                f"{task}, {LARGE} lines, peak memory over the XML's size",
                f"{taken / 2**20:.0f} MiB",
                f"XML {size / 2**20:.1f} MiB",
                taken / size,
                MEMORY_AIM,
                at_least=False,
            )
        )
    return rows


def prepared(task: str, lines: int) -> tuple[Callable[[], object], int]:
    """A call that does the task once on a document with so many lines, and the size of its XML."""
    from benchmarks.khatm_side import author_and_stamp, canonical_of, signer_of, stamp_existing, unstamped_of
    from khatm.rules.validation import validate
    from khatm.stamp.canonical import invoice_hash
    from khatm.stamp.verify import verify

    signer = signer_of(new_identity())
    document = authored(lines)
    plain = unstamped_of(document)
    if task == "authoring":
        return lambda: canonical_of(document), len(plain)
    if task == "hashing":
        return lambda: invoice_hash(plain), len(plain)
    if task == "stamping":
        return lambda: stamp_existing(plain, signer), len(plain)
    stamped = author_and_stamp(document, signer)
    if task == "validating":
        return lambda: validate(stamped, now=SIGNING_TIME), len(stamped)
    return lambda: verify(stamped), len(stamped)


def memory_of(task: str, lines: int) -> tuple[int, int]:
    """Bytes that one run of the task takes at its peak, measured in a child process, and the size of the XML."""
    answer = _child("memory", task, str(lines))
    return int(answer["taken"]), int(answer["size"])


def _times(task: str, *, rounds: int, seconds: float) -> Turns:
    """What one call takes at 1, SMALL and LARGE lines."""
    samples: dict[int, list[float]] = {1: [], SMALL: [], LARGE: []}
    for _ in range(rounds):
        for lines, taken in samples.items():
            taken.append(_child("time", task, str(lines), str(seconds))["median"])
    return Turns(list(samples.values()))


def _child(*arguments: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.growth", *arguments],
        check=True,
        capture_output=True,
        cwd=Path(__file__).resolve().parents[1],
    )
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def _measure_time(task: str, lines: int, seconds: float) -> dict[str, float]:
    """The median of the calls that fit into the time, three at least."""
    call, _ = prepared(task, lines)
    call()
    taken: list[float] = []
    until = time.perf_counter() + seconds
    while len(taken) < 3 or time.perf_counter() < until:
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return {"median": statistics.median(taken)}


def _measure_memory(task: str, lines: int) -> dict[str, float]:
    """The peak of resident memory over what was resident before, everything native included."""
    prepared(task, 1)[0]()
    call, size = prepared(task, lines)
    gc.collect()
    status = Path("/proc/self/clear_refs")
    if status.exists():
        status.write_text("5")  # proc(5): resets the peak that VmHWM reports to what is resident now
        before = _resident("VmRSS")
        call()
        return {"taken": _resident("VmHWM") - before, "size": size}
    import tracemalloc

    tracemalloc.start()
    call()
    return {"taken": tracemalloc.get_traced_memory()[1], "size": size}


def _resident(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


if __name__ == "__main__":
    _, what, its_task, its_lines, *rest = sys.argv
    if what == "memory":
        print(json.dumps(_measure_memory(its_task, int(its_lines))))
    else:
        print(json.dumps(_measure_time(its_task, int(its_lines), float(rest[0]))))
