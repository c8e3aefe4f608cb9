"""`khatm chain`, `khatm export` and `khatm statement` as a user runs them: what they print and how they end."""

import json
import os
import re
import sqlite3
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from unittest import mock

import pytest
from benchmarks.filled_ledger import fill

from khatm.clock import SystemClock
from khatm.ledger.errors import ChainHeadReplaced
from khatm.ledger.home import Home
from khatm.ledger.ledger import open_ledger
from tests.unit.test_audit_import import HASH, elsewhere, issue
from tests.wire.cli_stage import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A home with two units of five documents, on two days."""
    found = Desk(tmp_path)
    fill(found.home, 10, units=2, per_day=3, weights=(1, 0, 0, 0, 0, 1, 1, 1))
    return found


def tamper(desk: Desk, statement: str, *values: object) -> None:
    raw = sqlite3.connect(desk.home / "ledger.db")
    assert raw.execute(statement, values).rowcount == 1
    raw.commit()
    raw.close()


def test_an_intact_ledger_ends_with_zero(desk: Desk) -> None:
    ran = desk.khatm("chain", "verify")
    assert ran.code == 0
    assert ran.out == "till-1: intact, 5 documents\ntill-2: intact, 5 documents\n"
    assert "10 documents in" in ran.err
    ran = desk.khatm("chain", "verify", "--unit", "till-2", "--format", "json")
    unit, summary = ran.records
    assert (ran.code, unit["unit"], unit["intact"], unit["first_break"]) == (0, "till-2", True, None)
    assert (summary["summary"], summary["intact"], summary["documents"]) == (True, True, 5)


def test_a_broken_chain_is_explained_in_both_languages(desk: Desk) -> None:
    tamper(desk, "UPDATE document SET payable = '1.00' WHERE icv = 4 AND unit_id = 1")
    ran = desk.khatm("chain", "verify")
    assert ran.code == 1
    assert re.search(r"till-1: BROKEN, 5 documents examined, 3 hold", ran.out)
    for words in ("first break: ICV 4", "payable", "expected  ", "found     1.00", "what to do: The bytes are right"):
        assert words in ran.out
    assert "till-2: intact" in ran.out
    arabic = desk.khatm("chain", "verify", "--language", "ar")
    assert arabic.code == 1
    for words in ("مكسورة", "العدّاد 4", "ما العمل"):
        assert words in arabic.out
    first = desk.khatm("chain", "verify", "--format", "json").records[0]["first_break"]
    assert (first["icv"], first["check"], first["detail"], first["found"]) == (4, "row", "payable", "1.00")
    assert set(first["meaning"]) == set(first["remedy"]) == {"en", "ar"}


def test_verification_in_several_processes_gives_the_same(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    fill(desk.home, 1020, weights=(1, 0, 0, 0, 0, 0, 0, 0))
    tamper(desk, "UPDATE document SET issue_time = '00:00:01' WHERE icv = 501")
    records = [desk.khatm("chain", "verify", "--jobs", jobs, "--format", "json").records[0] for jobs in ("1", "2")]
    assert records[0] == records[1]
    assert (records[0]["first_break"]["icv"], records[0]["examined"], records[0]["broken"]) == (501, 1020, 1)


def test_what_cannot_be_found_out_ends_with_three(desk: Desk) -> None:
    with mock.patch("khatm.ledger.audit.verification.verify_ledger", side_effect=BrokenProcessPool):
        ran = desk.khatm("chain", "verify", "--format", "json")
    assert ran.code == 3
    assert ran.records[0]["error"] == "verification-stopped"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("chain", "verify", "nowhere.zip"), "nowhere.zip cannot be read"),
        (("chain", "verify", "no.zip"), "cannot be checked"),
        (("chain", "verify", "no.zip", "--unit", "till-1"), "a pack holds one unit"),
        (("chain", "verify", "--unit", "till-9"), "known units: till-1, till-2"),
        (("chain", "verify", "--jobs", "0"), "--jobs"),
        (("chain", "import", "--unit", "till-1"), "--last-document"),
        (("chain", "import", "--unit", "till-1", "--last-hash", HASH), "belong together"),
        (("chain", "import", "--unit", "till-1", "--last-counter", "7"), "--last-hash"),
        (("chain", "import", "--unit", "till-1", "--last-document", "no.zip", "--last-hash", HASH), "or --last-hash"),
        (("chain", "import", "--unit", "till-1", "--last-hash", "abc", "--last-counter", "99"), "44 characters"),
        (("chain", "import", "--unit", "till-1", "--last-hash", HASH, "--last-counter", "4"), "not later"),
        (("chain", "import", "--unit", "till-1", "--last-hash", HASH, "--last-counter", "99"), "--unproven"),
        (("chain", "import", "--unit", "till-1", "--last-hash", HASH, "--last-counter", "0"), "--last-counter"),
        (("chain", "import", "--unit", "till-1", "--last-document", "no.zip"), "XML"),
        (("export", "--unit", "till-1", "--from", "2026-3-5", "--to", "2026-03-05", "--out", "x.zip"), "YYYY-MM-DD"),
        (("export", "--unit", "till-1", "--from", "2026-02-30", "--to", "today", "--out", "x.zip"), "YYYY-MM-DD"),
        (("export", "--unit", "till-1", "--from", "2026-03-06", "--to", "2026-03-05", "--out", "x.zip"), "is before"),
        (("export", "--unit", "till-1", "--from", "2020-01-01", "--to", "2020-12-31", "--out", "x.zip"), "nothing"),
        (("export", "--unit", "till-1", "--from", "2026-03-05", "--to", "2026-03-05", "--out", "no/x.zip"), "no/x.zip"),
        (("statement", "--from", "20260305"), "YYYY-MM-DD"),
        (("statement", "--unit", "till-9"), "known units"),
    ],
)  # fmt: skip
def test_bad_input_ends_with_two_and_says_what_to_do(desk: Desk, arguments: tuple[str, ...], words: str) -> None:
    desk.write("no.zip", "this is no zip file")
    before = sorted(path.name for path in desk.folder.iterdir())
    ran = desk.khatm(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert sorted(path.name for path in desk.folder.iterdir()) == before


def test_a_pack_goes_out_and_is_checked_on_another_desk(desk: Desk, tmp_path: Path) -> None:
    ran = desk.khatm(
        "export", "--unit", "till-1", "--from", "2026-03-05", "--to", "2026-03-06", "--out", "pack.zip",
        "--format", "json",
    )  # fmt: skip
    (exported,) = ran.records
    assert (ran.code, exported["documents"], exported["first_icv"], exported["last_icv"]) == (0, 5, 1, 5)
    auditor = Desk(tmp_path / "auditor")
    auditor.folder.mkdir()
    (auditor.folder / "pack.zip").write_bytes((desk.folder / "pack.zip").read_bytes())
    ran = auditor.khatm("chain", "verify", "pack.zip")
    assert ran.code == 0
    assert exported["sums_digest"] in ran.out
    assert not auditor.home.exists()  # no ledger is needed, and none is made
    record = auditor.khatm("chain", "verify", "pack.zip", "--format", "json").records[0]
    assert (record["unit"], record["examined"], record["sums_digest"]) == ("till-1", 5, exported["sums_digest"])


def test_a_damaged_pack_ends_with_one(desk: Desk) -> None:
    desk.khatm("export", "--unit", "till-1", "--from", "2026-03-05", "--to", "2026-03-06", "--out", "pack.zip")
    pack = bytearray((desk.folder / "pack.zip").read_bytes())
    pack[pack.index(b"documents/") + 200] ^= 0xFF
    (desk.folder / "pack.zip").write_bytes(pack)
    ran = desk.khatm("chain", "verify", "pack.zip")
    assert ran.code == 1
    assert "BROKEN" in ran.out
    assert "documents/2026-03-05/" in ran.out
    assert "مكسورة" in desk.khatm("chain", "verify", "pack.zip", "--language", "ar").out


def test_an_imported_chain_is_told_and_stays_told(desk: Desk) -> None:
    desk.write("last.xml", elsewhere(40))
    ran = desk.khatm("chain", "import", "--unit", "till-1", "--last-document", "last.xml", "--format", "json")
    (record,) = ran.records
    assert (ran.code, record["after_icv"], record["icv"], record["next_icv"]) == (0, 5, 40, 41)
    assert (record["proven"], record["stamp_problems"]) == (True, [])
    ran = desk.khatm("chain", "verify", "--unit", "till-1")
    assert ran.code == 0
    assert "declared: ICV 6 to 40 are not in this ledger" in ran.out
    assert "مُعلن: العدّادات من 6 إلى 40" in desk.khatm("chain", "verify", "--language", "ar").out
    ran = desk.khatm("chain", "import", "--unit", "till-2", "--last-hash", HASH, "--last-counter", "9", "--unproven")
    assert (ran.code, "next document gets ICV 10" in ran.out, "without proof" in ran.out) == (0, True, True)


def test_a_fork_ends_with_one(desk: Desk) -> None:
    desk.write("last.xml", elsewhere(6))
    ran = desk.khatm("chain", "import", "--unit", "till-1", "--last-document", "last.xml", "--format", "json")
    assert (ran.code, ran.records[0]["error"]) == (1, "forked-chain")


def test_the_statement_comes_as_text_json_and_csv(desk: Desk) -> None:
    span = ("--from", "2026-03-05", "--to", "2026-03-06")
    ran = desk.khatm("statement", *span, "--unit", "till-1")
    assert ran.code == 0
    assert "till-1  2026-03-05\n  issued 3, accepted 3" in ran.out
    assert "Credit notes count as negative" in ran.out
    assert "الإشعارات الدائنة بالسالب" in desk.khatm("statement", *span, "--language", "ar").out
    records = desk.khatm("statement", *span, "--format", "json").records
    assert [(each["unit"], each["day"], each["issued"]) for each in records] == [
        ("till-1", "2026-03-05", 3),
        ("till-1", "2026-03-06", 2),
        ("till-2", "2026-03-05", 3),
        ("till-2", "2026-03-06", 2),
    ]
    lines = desk.khatm("statement", *span, "--format", "csv").out.splitlines()
    assert lines[0].startswith("unit,day,kind,currency,issued,accepted")
    assert len(lines) == 1 + sum(len(each["kinds"]) for each in records)
    today = desk.khatm("statement")
    assert (today.code, "nothing was issued" in today.err) == (0, True)


def test_the_help_of_each_command_names_its_exit_codes_or_options(desk: Desk) -> None:
    for command in (("chain",), ("chain", "verify"), ("chain", "import"), ("export",), ("statement",)):
        ran = desk.khatm(*command, "--help")
        assert ran.code == 0
        assert json.dumps(ran.out)  # text, whatever the terminal
    assert os.linesep not in desk.khatm("chain", "verify", "--help").err


def test_a_ledger_put_back_is_told_and_can_be_declared_the_true_one(desk: Desk) -> None:
    older = (desk.home / "ledger.db").read_bytes()
    with open_ledger(Home(desk.home, environ={}), SystemClock()) as ledger:
        issue(ledger, "till-1")
    (desk.home / "ledger.db").write_bytes(older)
    ran = desk.khatm("chain", "verify")
    assert ran.code == 1
    assert "an older copy of the ledger was put in its place after ICV 5" in ran.out
    ran = desk.khatm("chain", "accept-head", "--unit", "till-1")
    assert (ran.code, ran.out) == (0, "till-1: the next document gets ICV 6; 1 later documents are given up\n")
    assert desk.khatm("chain", "verify").code == 0


def test_the_command_that_a_stopped_issue_names_lets_it_go_on(desk: Desk) -> None:
    older = (desk.home / "ledger.db").read_bytes()
    home = Home(desk.home, environ={})
    with open_ledger(home, SystemClock()) as ledger:
        last = issue(ledger, "till-1").document
    (desk.home / "ledger.db").write_bytes(older)
    with open_ledger(home, SystemClock()) as ledger, pytest.raises(ChainHeadReplaced) as stopped:
        issue(ledger, "till-1")
    command = re.search(r"`khatm (chain import --unit till-1 --last-counter [^`]+)`", stopped.value.sentence())
    assert command is not None
    assert desk.khatm(*command[1].split()).code == 0
    with open_ledger(home, SystemClock()) as ledger:
        assert issue(ledger, "till-1").document.previous_hash == last.invoice_hash
    assert desk.khatm("chain", "verify").code == 0
