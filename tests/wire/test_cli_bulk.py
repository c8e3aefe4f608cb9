"""`khatm issue --bulk`: every line once, whatever happens to the run, and each refused line by its number."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from khatm.ledger.ledger import Ledger
from tests.unit.ledger_stage import VAT, fresh_ledger, home_at, ready_ledger
from tests.wire.cli_stage import EXAMPLES, Desk


@pytest.fixture
def desk(tmp_path: Path, request: pytest.FixtureRequest) -> Desk:
    """A desk whose home holds an onboarded unit, on SQLite or, with `either_store`, on both kinds of database."""
    if "either_store" in request.fixturenames:
        request.getfixturevalue("either_store")
    desk = Desk(tmp_path)
    with ready_ledger(desk.home) as ledger:
        seller = json.loads((EXAMPLES / "seller.json").read_text("utf-8"))
        ledger.set_seller("till-1", {**seller, "vat": VAT})
    url = home_at(desk.home).database_url
    if url is not None:
        desk.settings["KHATM_DATABASE_URL"] = url
    return desk


def document(number: str, **changes: Any) -> dict[str, Any]:
    content = json.loads((EXAMPLES / "simplified-invoice.json").read_text("utf-8"))
    return {**content, "number": number, **changes}


def lines(desk: Desk, *contents: object) -> str:
    text = "".join(
        (each if isinstance(each, str) else json.dumps(each, ensure_ascii=False)) + "\n" for each in contents
    )
    return str(desk.write("lines.jsonl", text))


def opened(desk: Desk) -> Ledger:
    return fresh_ledger(desk.home)


def bulk(desk: Desk, *options: str) -> tuple[str, ...]:
    return ("issue", str(desk.folder / "lines.jsonl"), "--unit", "till-1", "--bulk", *options)


@pytest.mark.usefixtures("either_store")
def test_lines_are_issued_in_their_order_and_a_second_run_issues_nothing(desk: Desk) -> None:
    lines(desk, *(document(f"B-{number}") for number in range(70)), document("B-70", reference="order 70"))
    first = desk.khatm(*bulk(desk, "--format", "json"))
    assert (first.code, first.err) == (0, "")
    assert [(each["ok"], each["line"], each["icv"], each["repeated"]) for each in first.records] == [
        (True, number, number, False) for number in range(1, 72)
    ]
    assert first.records[-1]["reference"] == "order 70"
    assert len({each["reference"] for each in first.records}) == 71
    second = desk.khatm(*bulk(desk, "--format", "json"))
    assert second.code == 0
    assert [(each["uuid"], each["repeated"]) for each in second.records] == [
        (each["uuid"], True) for each in first.records
    ]
    said = desk.khatm(*bulk(desk))
    assert "0 issued, 71 issued before, 0 refused" in said.out
    with opened(desk) as ledger:
        assert ledger.unit("till-1").next_icv == 72
        assert ledger.verify_chain("till-1").intact


def test_a_refused_line_is_told_with_its_number_and_stops_no_other(desk: Desk) -> None:
    lines(
        desk,
        document("C-1"),
        "no JSON",
        "",
        document("C-2", issue_date="2999-01-01"),
        document("C-3", reference=" spaces "),
        document("C-4", reference="one"),
        document("C-5", reference="one"),
        document("C-4", reference="one"),
        document("C-6", no_such_field=1),
    )
    ran = desk.khatm(*bulk(desk, "--format", "json"))
    told = {each["line"]: each.get("error", "issued") for each in ran.records}
    assert told == {
        1: "issued",
        2: "invalid-document",
        4: "would-be-rejected",
        5: "unusable-reference",
        6: "issued",
        7: "reference-taken",
        8: "issued",
        9: "invalid-document",
    }
    assert ran.records[6]["repeated"]
    assert ran.code == 2  # the gravest: 2 for lines that cannot be read, 1 for the one that the rules refuse
    assert "line 4: error:" in ran.err
    with opened(desk) as ledger:
        assert [each.icv for each in ledger.documents("till-1")] == [1, 2]
    lines(desk, document("D-1"), document("D-2", issue_date="2999-01-01"))
    assert desk.khatm(*bulk(desk)).code == 1


def test_equal_lines_are_two_documents_and_stay_two(desk: Desk) -> None:
    lines(desk, document("E-1"), document("E-1"))
    for _ in range(2):
        assert desk.khatm(*bulk(desk)).code == 0
        with opened(desk) as ledger:
            assert len(ledger.documents("till-1")) == 2


def test_it_stops_at_the_first_refused_line_when_asked(desk: Desk) -> None:
    lines(desk, document("F-1"), "no JSON", document("F-2"))
    ran = desk.khatm(*bulk(desk, "--stop-at-error"))
    assert ran.code == 2
    assert "1 issued, 0 issued before, 1 refused" in ran.out
    with opened(desk) as ledger:
        assert len(ledger.documents("till-1")) == 1


def test_what_stops_the_ledger_stops_the_run(desk: Desk) -> None:
    lines(desk, *(document(f"G-{number}") for number in range(130)))
    ran = desk.khatm("issue", "lines.jsonl", "--unit", "none", "--bulk", "--format", "json")
    assert ran.code == 2
    assert len(ran.records) == 64
    assert {each["error"] for each in ran.records} == {"unknown-unit"}


@pytest.mark.usefixtures("either_store")
def test_a_killed_run_is_finished_by_the_next_one(desk: Desk) -> None:
    total = 150
    lines(desk, *(document(f"H-{number}") for number in range(total)))
    child = subprocess.Popen(
        [sys.executable, "-c", "from khatm.cli.khatm import main; main()", *bulk(desk, "--format", "json")],
        env={**desk.environment(), "PYTHONUNBUFFERED": "1"},
        cwd=desk.folder,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    acknowledged = [json.loads(child.stdout.readline()) for _ in range(10)]
    child.kill()
    acknowledged += [json.loads(line) for line in child.stdout.read().splitlines() if line.endswith(b"}")]
    child.wait()
    with opened(desk) as ledger:
        kept = len(ledger.documents("till-1"))
    assert len(acknowledged) <= kept < total
    again = desk.khatm(*bulk(desk, "--format", "json"))
    assert again.code == 0
    assert sum(each["repeated"] for each in again.records) == kept
    assert [each["uuid"] for each in again.records[: len(acknowledged)]] == [each["uuid"] for each in acknowledged]
    with opened(desk) as ledger:
        assert len(ledger.documents("till-1")) == total
        assert ledger.verify_chain("till-1").intact


def test_standard_input_and_options_that_do_not_go_together(desk: Desk) -> None:
    ran = desk.khatm("issue", "-", "--unit", "till-1", "--bulk", stdin=json.dumps(document("I-1")) + "\n")
    assert ran.code == 0
    assert "1 issued" in ran.out
    for options in (("--bulk", "--out", "x.xml"), ("--bulk", "--reference", "r"), ("--stop-at-error",)):
        assert desk.khatm("issue", "-", "--unit", "till-1", *options).code == 2
    assert desk.khatm("issue", "none.jsonl", "--unit", "till-1", "--bulk").code == 2


def test_a_line_without_end_is_refused_and_the_next_one_issued(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("khatm.cli.bulk.MAX_LINE", 4000)
    lines(desk, "x" * 20_000, document("J-1"))
    ran = desk.khatm(*bulk(desk, "--format", "json"))
    assert [(each["line"], each.get("error")) for each in ran.records] == [(1, "line-too-long"), (2, None)]


def test_the_bar_is_for_terminals(desk: Desk) -> None:
    lines(desk, *(document(f"K-{number}") for number in range(3)))
    terminal, end = pty.openpty()
    child = subprocess.run(
        [sys.executable, "-c", "from khatm.cli.khatm import main; main()", *bulk(desk)],
        env={**desk.environment(), "TERM": "xterm"},
        cwd=desk.folder,
        stdout=subprocess.PIPE,
        stderr=end,
        timeout=120,
        check=True,
    )
    os.close(end)
    seen = b"".join(_everything(terminal))
    assert b"100%  3 issued, 0 refused" in seen
    assert seen.endswith(b"\r\x1b[K")
    assert b"\x1b" not in child.stdout


def _everything(terminal: int) -> Iterator[bytes]:
    try:
        while piece := os.read(terminal, 4096):
            yield piece
    except OSError:  # how Linux says that the other end is closed
        os.close(terminal)
