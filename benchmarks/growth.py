"""Claim: cost grows with the lines and no faster. 500 to 5,000 lines: at most 11 times the time; memory: at most
60 times the XML's size."""

import gc
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.invoices import authored, new_identity
from benchmarks.measuring import Missing, Row, in_turns, milliseconds

TIME_AIM = 11.0
MEMORY_AIM = 60.0
SMALL, LARGE = 500, 5000
TASKS = ("authoring", "stamping", "hashing", "verifying")


def measure(*, rounds: int, turn: float) -> list[Row | Missing]:
    """Time in turns in this process, one call a turn; memory in a child process for each task."""
    rows: list[Row | Missing] = []
    for task in TASKS:
        single, *calls = (prepared(task, lines)[0] for lines in (1, SMALL, LARGE))
        # By itself: after a turn of the largest, one line would pay for what that leaves behind.
        one = milliseconds(in_turns(single, rounds=3, turn=turn).median(0))
        turns = in_turns(*calls, rounds=max(rounds // 3, 3), turn=0.0)
        small, large = (milliseconds(turns.median(way)) for way in range(2))
        rows.append(
            Row(
                f"{task}, {SMALL} to {LARGE} lines",
                f"1: {one}, {SMALL}: {small}",
                f"{LARGE}: {large}",
                turns.ratio(1, to=0),
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
    return lambda: verify(stamped), len(stamped)


def memory_of(task: str, lines: int) -> tuple[int, int]:
    """Bytes that one run of the task takes at its peak, measured in a child process, and the size of the XML."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.growth", task, str(lines)],
        check=True,
        capture_output=True,
        cwd=Path(__file__).resolve().parents[1],
    )
    answer = json.loads(done.stdout)
    return answer["taken"], answer["size"]


def _resident(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


def _measure_memory(task: str, lines: int) -> None:
    """Print the peak of resident memory over what was resident before, everything native included."""
    prepared(task, 1)[0]()
    call, size = prepared(task, lines)
    gc.collect()
    status = Path("/proc/self/clear_refs")
    if status.exists():
        status.write_text("5")  # proc(5): resets the peak that VmHWM reports to what is resident now
        before = _resident("VmRSS")
        call()
        taken = _resident("VmHWM") - before
    else:
        import tracemalloc

        tracemalloc.start()
        call()
        taken = tracemalloc.get_traced_memory()[1]
    print(json.dumps({"taken": taken, "size": size}))


if __name__ == "__main__":
    _measure_memory(sys.argv[1], int(sys.argv[2]))
