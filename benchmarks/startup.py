"""Claim: `khatm --help` answers within 150 ms. Beside it: the bare interpreter, click, and the other small commands."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.invoices import authored
from benchmarks.measuring import Missing, Row, milliseconds

AIM = 0.150
BARE = "python -c pass"
CLICK = 'python -c "import click"'
HELP = "khatm --help"


def measure(*, rounds: int, turn: float) -> list[Row | Missing]:
    """Wall time of whole processes, taken in turns."""
    from benchmarks.khatm_side import unstamped_of

    scripts = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as folder:
        invoice = Path(folder) / "invoice.xml"
        invoice.write_bytes(unstamped_of(authored(5)))
        commands = {
            BARE: [sys.executable, "-c", "pass"],
            CLICK: [sys.executable, "-c", "import click"],
            'python -c "import khatm"': [sys.executable, "-c", "import khatm"],
            HELP: [str(scripts / "khatm"), "--help"],
            "fatoora -help": [str(scripts / "fatoora"), "-help"],
            "khatm hash invoice.xml": [str(scripts / "khatm"), "hash", str(invoice)],
        }
        taken = wall_times(commands, max(rounds // 3, 3))
    rows: list[Row | Missing] = [
        Row(f"{HELP}, seconds", milliseconds(taken[HELP]), "", taken[HELP], AIM, at_least=False)
    ]
    rows += [
        Row(
            f"{name}, times the bare interpreter",
            milliseconds(seconds),
            milliseconds(taken[BARE]),
            seconds / taken[BARE],
        )
        for name, seconds in taken.items()
        if name != BARE
    ]
    return rows


def wall_times(commands: dict[str, list[str]], rounds: int) -> dict[str, float]:
    """Return the median wall time of each command in seconds, taken in turns."""
    samples: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            if turn:  # the first turn fills the file cache
                samples[name].append(time.perf_counter() - began)
    return {name: statistics.median(each) for name, each in samples.items()}
