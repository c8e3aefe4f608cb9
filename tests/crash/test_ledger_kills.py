"""SIGKILL at every step and at random moments, and first openings in a race: all of a thing or nothing of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the killed children are forked")


def run(*arguments: str) -> dict[str, int]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.ledger_child", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    counts: dict[str, int] = json.loads(done.stdout)
    return counts


@pytest.mark.usefixtures("either_store")
def test_an_issue_killed_at_any_step_leaves_nothing_or_a_whole_document(tmp_path: Path) -> None:
    counts = run("issue", str(tmp_path / "home"))
    # Kills before the commit leave nothing; those after it leave the document.
    assert counts["nothing"] >= 8
    assert counts["whole"] >= 1
    assert counts["unharmed: whole"] == 1
    assert counts["nothing"] + counts["whole"] == counts["kills"]


@pytest.mark.usefixtures("either_store")
def test_an_issue_of_many_killed_at_any_step_leaves_none_or_all(tmp_path: Path) -> None:
    counts = run("issue_many", str(tmp_path / "home"))
    assert counts["nothing"] >= 5
    assert counts["whole"] >= 1
    assert counts["unharmed: whole"] == 1


def test_an_upgrade_killed_at_any_step_leaves_the_old_ledger_or_the_new(tmp_path: Path) -> None:
    counts = run("upgrading", str(tmp_path / "home"))
    assert counts["old"] >= 10
    assert counts["new"] >= 1


def test_a_first_opening_killed_at_any_step_can_be_repeated(tmp_path: Path) -> None:
    counts = run("opening", str(tmp_path / "home"))
    assert counts["kills"] >= 20


def test_a_renewal_killed_at_any_step_leaves_one_live_generation(tmp_path: Path) -> None:
    counts = run("renewal", str(tmp_path / "home"))
    assert counts["old"] >= 10
    assert counts["new"] >= 1


def test_a_first_key_killed_at_any_step_is_whole_or_absent(tmp_path: Path) -> None:
    counts = run("beginning", str(tmp_path / "home"))
    assert counts["absent"] >= 10
    assert counts["whole"] >= 1


def test_an_outcome_killed_at_any_step_is_stored_with_its_evidence_or_not_at_all(tmp_path: Path) -> None:
    counts = run("outcome", str(tmp_path / "home"))
    assert counts["undecided"] >= 10
    assert counts["decided"] >= 1


def test_random_kills_lose_no_acknowledged_document(tmp_path: Path) -> None:
    counts = run("random", str(tmp_path / "home"), "20260301", "40")
    assert counts["kills"] == 40
    assert counts["acknowledged"] >= 40


def test_processes_that_start_together_migrate_once(tmp_path: Path) -> None:
    assert run("together", str(tmp_path / "home")) == {"rounds": 10, "starters": 8}
