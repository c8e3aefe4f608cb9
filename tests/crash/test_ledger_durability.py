"""What is acknowledged is on disk: seen in the system calls of a process that issues, and with a disk that fails."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.ledger_stage import fresh_ledger, ready_ledger, simplified

ROOT = Path(__file__).resolve().parents[2]

_ISSUER = """
import os, sys
from pathlib import Path
from khatm.ledger.errors import LedgerError
from khatm.ledger.issue import IssueRequest
from tests.unit.ledger_stage import fresh_ledger, simplified

ledger = fresh_ledger(Path(sys.argv[1]))
for together in map(int, sys.argv[2].split(",")):
    for answer in ledger.issue_all([IssueRequest("till-1", simplified) for _ in range(together)]):
        word = f"refused {answer.code}" if isinstance(answer, LedgerError) else f"issued {answer.document.icv}"
        os.write(1, f"{word}\\n".encode())
if len(sys.argv) > 3:
    os.kill(os.getpid(), 9)
"""

_CALL = re.compile(r"^(?:\d+ +)?(\w+)\((\d+)<([^>]*)>(.*)$")


@dataclass(frozen=True)
class Call:
    """One system call: its name, the file that it was about, and the rest of its line."""

    name: str
    file: str
    rest: str


def traced(folder: Path, *arguments: str, inject: str = "") -> tuple[list[Call], list[str]]:
    """Let a child issue documents under strace; return its calls, and what it printed.

    Skips where no process may be traced: without strace, or in a container that forbids it. CI has it.
    """
    strace = shutil.which("strace")
    if strace is None or subprocess.run([strace, "-qq", "-o", "/dev/null", "true"], check=False).returncode:
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say("no process can be traced here: strace is not installed, or ptrace is not allowed")
    log = folder / "trace"
    wanted = "trace=write,pwrite64,pwritev,fsync,fdatasync,unlink"
    more = ["-e", f"inject={inject}"] if inject else []
    issuer = [sys.executable, "-c", _ISSUER, str(folder / "home"), *arguments]
    child = subprocess.run(
        [*(strace, "-f", "-y", "-s", "60", "-o", str(log), "-e", wanted, *more), *issuer],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in child.stderr, child.stderr
    calls = [Call(*found.groups()[:1], *found.groups()[2:]) for found in map(_CALL.match, _lines(log)) if found]
    return calls, child.stdout.splitlines()


def _lines(log: Path) -> list[str]:
    return log.read_text("utf-8", errors="replace").splitlines()


def unsynced_at_each_answer(calls: list[Call]) -> list[tuple[str, bool]]:
    """Return, for each acknowledgement, whether the write-ahead log then held writes that no sync had followed."""
    dirty = False
    answers = []
    for call in calls:
        if call.file.endswith("ledger.db-wal"):
            if call.name in ("write", "pwrite64", "pwritev"):
                dirty = True
            elif call.name in ("fsync", "fdatasync") and call.rest.endswith("= 0"):
                dirty = False
        issued = re.search(r'"issued (\d+)', call.rest) if call.name == "write" else None
        if issued:
            answers.append((issued[1], dirty))
    return answers


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ready_ledger(tmp_path / "home").close()
    return tmp_path


def test_no_document_is_acknowledged_before_its_commit_is_synced(folder: Path) -> None:
    calls, printed = traced(folder, "1,1,1,20,1")
    assert printed == [f"issued {number}" for number in range(1, 25)]
    assert unsynced_at_each_answer(calls) == [(str(number), False) for number in range(1, 25)]
    # The log was written to before each commit's first answer, so the look above was not at nothing.
    log = [call for call in calls if call.file.endswith("ledger.db-wal")]
    assert sum(call.name == "pwrite64" for call in log) >= 24
    assert sum(call.name in ("fsync", "fdatasync") for call in log) >= 5


def test_the_look_at_the_calls_sees_a_missing_sync() -> None:
    """The judge of the test above, on calls in which one sync fails and one is missing."""
    wal = "/h/ledger.db-wal"
    written, synced = Call("pwrite64", wal, ', "x", 4096, 0) = 4096'), Call("fdatasync", wal, ") = 0")
    failed = Call("fdatasync", wal, ") = -1 EIO (Input/output error) (INJECTED)")
    answers = [Call("write", "pipe:[1]", f', "issued {number}\\n", 9) = 9') for number in range(4)]
    calls = [written, synced, answers[0], written, answers[1], synced, written, failed, answers[2], synced, answers[3]]
    assert unsynced_at_each_answer(calls) == [("0", False), ("1", True), ("2", True), ("3", False)]


@pytest.mark.parametrize("killed", [False, True], ids=["ended", "killed"])
def test_a_sync_that_fails_acknowledges_nothing_and_breaks_nothing(folder: Path, killed: bool) -> None:
    # The syncs before it: the head of the log, its folder, the first commit.
    _, printed = traced(folder, "1,1,1,1", *(["kill"] if killed else []), inject="fdatasync:error=EIO:when=4")
    assert printed == ["issued 1", "refused ledger-outcome-unknown", "issued 2", "issued 3"]
    with fresh_ledger(folder / "home") as ledger:
        assert ledger.verify_chain("till-1").intact
        assert len(ledger.documents("till-1")) == 3
        assert ledger.issue("till-1", simplified).document.icv == 4


def test_a_disk_that_fails_while_writing_refuses_and_breaks_nothing(folder: Path) -> None:
    calls, _ = traced(folder, "1,1,1")
    first = [call.file.endswith("-wal") for call in calls if call.name == "pwrite64"].index(True)
    with fresh_ledger(folder / "home") as ledger:
        known = len(ledger.documents("till-1"))
    for error, code in (("ENOSPC", "ledger-disk-full"), ("EIO", "ledger-unwritable")):
        _, printed = traced(folder, "1,1,1", inject=f"pwrite64:error={error}:when={first + 20}")
        assert f"refused {code}" in printed, printed
        issued = [int(line.split()[1]) for line in printed if line.startswith("issued")]
        with fresh_ledger(folder / "home") as ledger:
            assert ledger.verify_chain("till-1").intact
            assert issued == list(range(known + 1, known + 1 + len(issued)))
            assert len(ledger.documents("till-1")) == known + len(issued)
            known += len(issued)
