"""The benchmarks run and print what they promise; how fast a busy test machine is proves nothing and is not asked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks import growth

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("claim", "rows"),
    [
        ("stamping", ["stamp an existing XML, 5 lines, no white space", "stamp an existing XML, 5 lines, indented"]),
        ("authoring", ["author to stamped document, 5 lines"]),
        (
            "validating",
            [
                "full validation, stamped simplified invoice of 5 lines",
                "rules alone, 5 lines",
                "khatm validate, 1000 files, two processes to one",
            ],
        ),
        ("hostile", ["1 MiB of empty lines", "1 MiB, greatest memory in MiB"]),
        ("ledger", ["issue, the ledger's own cost", "the same, 32 callers", "issue with authoring, stamping"]),
        ("ledger_size", ["issue, 1,000 to 5,000 documents", "one unit's day, 1,000 to 5,000 documents"]),
        ("sending", ["two workers beside one, 20 units, 20 ms a call, 5 at a time, distributed"]),
        (
            "simulator",
            ["clearance, state in memory, 2 workers: documents/s", "clearance, state in a file, 0 workers: 99 of 100"],
        ),
        ("startup", ["khatm --help, seconds", "fatoora -sign, seconds", "fatoora -help, times the bare interpreter"]),
        ("fixture", ["fatoora_simulator, set up and torn down, seconds", "the plugin in a run without it"]),
    ],
)
def test_each_claim_prints_its_rows(claim: str, rows: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", claim],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    printed = done.stdout.splitlines()
    for row in rows:
        assert any(line.startswith(row) for line in printed), done.stdout


@pytest.mark.parametrize("task", growth.TASKS)
def test_memory_stays_within_sixty_times_the_document(task: str) -> None:
    # Memory does not depend on who else uses the machine, so this aim is held by a test.
    taken, size = growth.memory_of(task, growth.LARGE)
    assert taken <= growth.MEMORY_AIM * size
