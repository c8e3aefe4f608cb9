"""`khatm validate` and `khatm explain`: records, exit codes, comparison of editions, both languages."""

import io
import json
import os
import re
from importlib.resources import files
from pathlib import Path
from typing import get_args

import pytest

from khatm.cli.bar import Bar
from khatm.cli.explain import parts
from khatm.cli.processes import processes_for
from khatm.errors import Language
from khatm.rules.catalogue import Kind, codes
from khatm.rules.catalogue import explain as find
from tests.stamp_vectors import FOLDER
from tests.wire.cli_stage import Desk

GOOD = str(FOLDER / "signed" / "simplified-invoice.xml")
BAD = str(FOLDER / "mutated" / "qr-4.xml")
AT = ("--at", "2026-01-15T13:00:00+03:00")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_one_record_per_file_in_the_shape_of_the_contract(desk: Desk) -> None:
    ran = desk.khatm("validate", GOOD, BAD, *AT, "--format", "json")
    assert ran.code == 1
    good, bad = ran.records
    assert (good["file"], good["valid"], good["edition"]) == (GOOD, True, "zatca:238-R3.4.8")
    assert [stage["stage"] for stage in good["stages"]] == [
        "xml", "schema", "en16931", "ksa", "signature", "qr", "pih", "advice",
    ]  # fmt: skip
    assert {stage["status"] for stage in good["stages"]} == {"passed", "skipped"}
    [finding] = [each for stage in bad["stages"] for each in stage["findings"]]
    assert (finding["rule"], finding["severity"]) == ("qr_4", "error")
    assert set(finding["message"]) == set(finding["fix"]) == {"en", "ar"}
    assert all(finding["message"].values()) and all(finding["fix"].values())


def test_text_names_stage_rule_place_and_fix(desk: Desk) -> None:
    ran = desk.khatm("validate", BAD, *AT)
    assert ran.code == 1
    for word in ("NOT VALID", "qr_4", "/inv:Invoice[1]"):
        assert word in ran.out


def test_editions_side_by_side(desk: Desk) -> None:
    later = ("--at", "2026-01-20T12:00:00+03:00")
    [record] = desk.khatm("validate", GOOD, *later, "--compare", "3.3.3", "--format", "json").records
    assert record["compared_with"] == {
        "edition": "zatca:238-R3.3.3",
        "valid": True,
        "gone": ["warning BR-KSA-98"],
        "come": [],
    }
    assert desk.khatm("validate", GOOD, *AT, "--edition", "9.9").code == 2


def test_advice_is_shown_and_changes_nothing(desk: Desk) -> None:
    xml = Path(GOOD).read_text("utf-8").replace("</cbc:UUID>", " </cbc:UUID>", 1)
    file = desk.write("padded.xml", xml)
    ran = desk.khatm("validate", str(file), *AT, "--format", "json")
    [record] = ran.records
    last = record["stages"][-1]
    assert (last["stage"], last["status"]) == ("advice", "passed")
    [finding] = last["findings"]
    assert (finding["rule"], finding["severity"]) == ("KHATM-ADVICE-BLANKS", "advice")
    assert set(finding["message"]) == set(finding["fix"]) == {"en", "ar"}
    assert {each["rule"] for stage in record["stages"][:-1] for each in stage["findings"]} == {
        "invoice_digest", "signature_value", "qr_6",  # the content is not what was stamped
    }  # fmt: skip
    assert "advice KHATM-ADVICE-BLANKS" in desk.khatm("validate", str(file), *AT).out


def test_a_rule_broken_often_is_told_once_with_some_places(desk: Desk) -> None:
    xml = Path(GOOD).read_text("utf-8").replace("</cbc:ID>", " </cbc:ID>")
    file = desk.write("padded.xml", xml)
    [record] = desk.khatm("validate", str(file), *AT, "--format", "json").records
    padded = [each for each in record["stages"][-1]["findings"] if each["rule"] == "KHATM-ADVICE-BLANKS"]
    assert len(padded) > 10
    out = desk.khatm("validate", str(file), *AT).out
    assert out.count("KHATM-ADVICE-BLANKS") == 1
    told = out[out.index("KHATM-ADVICE-BLANKS") :]
    assert told.count("\n        at ") == 5 and f"and {len(padded) - 5} more" in told


def archive(desk: Desk) -> Path:
    """Two documents in folders, one of them hidden, and files that are none."""
    good, bad = Path(GOOD).read_text("utf-8"), Path(BAD).read_text("utf-8")
    for name, text in {
        "2026/b.XML": good, "2026/01/a.xml": bad, "2026/.cache/c.xml": good, "2026/._b.xml": "x", "2026/notes.txt": "x",
    }.items():  # fmt: skip
        path = desk.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return desk.folder / "2026"


def test_a_folder_stands_for_the_files_below_it(desk: Desk) -> None:
    folder = archive(desk)
    ran = desk.khatm("validate", str(folder), *AT, "--format", "json")
    assert ran.code == 1
    assert {record["file"]: record["valid"] for record in ran.records} == {
        str(folder / "01" / "a.xml"): False,
        str(folder / "b.XML"): True,
    }
    assert ran.err == ""


def test_people_get_a_summary_of_many_files_and_only_what_was_found(desk: Desk) -> None:
    ran = desk.khatm("validate", str(archive(desk)), GOOD, "none.xml", *AT)
    assert ran.code == 2
    assert ran.out.splitlines()[-1] == "4 files: 2 valid, 1 not valid, 1 not read"
    assert ran.out.count(" passed") == 0 and ran.out.count("qr_4") == 1
    assert desk.khatm("validate", GOOD, *AT).out.count("files:") == 0


def test_editions_are_compared_over_a_folder(desk: Desk) -> None:
    later = ("--at", "2026-01-20T12:00:00+03:00")
    ran = desk.khatm("validate", str(archive(desk)), *later, "--compare", "3.3.3")
    assert ran.out.splitlines()[-2:] == [
        "2 files: 1 valid, 1 not valid",
        "with zatca:238-R3.3.3: 2 of them have other findings",
    ]
    assert ran.out.count("    - warning BR-KSA-98") == 2


def test_a_folder_without_documents_is_said_and_the_rest_goes_on(desk: Desk) -> None:
    empty = desk.folder / "empty"
    empty.mkdir()
    ran = desk.khatm("validate", str(empty), GOOD, *AT, "--format", "json")
    assert ran.code == 2
    assert [record.get("error") for record in ran.records] == ["folder-without-xml", None]
    assert str(empty) in ran.records[0]["message"]["ar"]
    assert desk.khatm("validate", str(empty)).code == 2


def test_standard_input_beside_files_in_several_processes(desk: Desk) -> None:
    good = Path(GOOD).read_text("utf-8")
    ran = desk.khatm("validate", BAD, "-", GOOD, *AT, "--jobs", "2", "--format", "json", stdin=good, own_process=True)
    assert {record["file"]: record["valid"] for record in ran.records} == {"-": True, BAD: False, GOOD: True}


def test_processes_are_made_where_they_pay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    small, large = tmp_path / "small.xml", tmp_path / "large.xml"
    small.write_bytes(b"x" * 1000)
    large.write_bytes(b"x" * 2_000_000)
    assert processes_for([small] * 100) == 1
    assert processes_for([small] * 2000) == 3
    assert processes_for([large]) == 1
    assert processes_for([large, tmp_path / "none.xml"]) == 3


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_grows_on_a_terminal_and_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen = Terminal()
    bar = Bar(4, screen)
    bar.advance()
    assert screen.getvalue() == "\r[" + "#" * 7 + "-" * 23 + "] 1 of 4"
    bar.clear()
    for _ in range(3):
        bar.advance()
    assert screen.getvalue().endswith("[" + "#" * 30 + "] 4 of 4")
    bar.clear()
    assert screen.getvalue().endswith("\r\x1b[K")


@pytest.mark.parametrize(
    ("total", "term", "screen"), [(0, "xterm", Terminal()), (3, "dumb", Terminal()), (3, "xterm", io.StringIO())]
)
def test_no_bar_where_nobody_watches(
    total: int, term: str, screen: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    bar = Bar(total, screen)
    bar.advance()
    bar.clear()
    assert screen.getvalue() == ""


def test_several_processes_give_the_same_records(desk: Desk) -> None:
    files = [GOOD, BAD] * 3
    one = desk.khatm("validate", *files, *AT, "--format", "json")
    two = desk.khatm("validate", *files, *AT, "--jobs", "2", "--format", "json")
    assert one.records == two.records


def test_what_cannot_be_read(desk: Desk) -> None:
    assert desk.khatm("validate", "none.xml").code == 2
    empty = desk.khatm("validate", str(desk.write("empty.xml", "")), "--format", "json")
    assert empty.code == 1
    assert empty.records[0]["stages"][0]["findings"][0]["rule"] == "KHATM-XML-EMPTY"
    assert desk.khatm("validate", GOOD, "--at", "yesterday").code == 2
    assert desk.khatm("validate", GOOD, "--at", "2026-01-15T13:00:00").code == 2


@pytest.mark.parametrize("code", ["BR-KSA-98", "br-ksa-98", "Invalid-OTP", "BT-31", "KSA-13", "qr_4", "BR-CO-15"])
def test_a_code_is_explained_in_both_languages(desk: Desk, code: str) -> None:
    for record in desk.khatm("explain", code, "--format", "json").records:
        assert record["code"].casefold() == code.casefold()
        assert record["en"]["why"] and record["ar"]["why"]
    english, arabic = desk.khatm("explain", code).out, desk.khatm("explain", code, "--language", "ar").out
    assert english != arabic
    assert any("\u0600" <= letter <= "\u06ff" for letter in arabic)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_term_tells_its_name_meaning_place_cardinality_and_rules(desk: Desk, language: Language) -> None:
    for code in codes("term"):
        entry = find(code, "term")
        assert entry is not None and entry.term is not None
        said = desk.khatm("explain", code, "--language", language).out
        joined = " ".join(said.split())
        wanted = [code, entry.text(language).title, entry.text(language).why, entry.term.cardinality]
        wanted += [*entry.term.xpath.split(" | "), *entry.term.rules, *entry.term.written_only]
        assert [each for each in wanted if each not in joined] == [], code
        for rule in entry.term.rules:
            named = find(rule, "rule")
            assert named is not None and f"{rule} {named.text(language).title}" in joined


@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_code_tells_why_and_what_to_do(language: Language) -> None:
    for kind in get_args(Kind):
        for code in codes(kind):
            entry = find(code, kind)
            assert entry is not None
            told = {part.name: part for part in parts(entry, language)}
            assert all(part.heading and part.lines for part in told.values())
            if kind == "term":
                assert {"meaning", "place", "cardinality", "status", "form"} <= set(told)
            else:
                assert told["why"].lines == [entry.text(language).why] and told["fix"].lines == [
                    entry.text(language).fix
                ]
            if kind == "rule" and not code.startswith("KHATM-"):
                assert told["severity"].lines


def test_an_explanation_fits_the_terminal(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    for code in ("BR-KSA-84", "BT-31", "KHATM-ADVICE-LINE-NET"):
        parts_said = desk.khatm("explain", code).out.split("\n\n")
        prose = [part for part in parts_said if not part.startswith(("Place", "Example", "Where"))]
        assert max(len(line) for part in prose for line in part.splitlines()) <= 60


def test_a_rule_tells_how_each_edition_takes_it(desk: Desk) -> None:
    """Saudi rule specification, section 10: BR-KSA-F-01 was a warning, BR-KSA-98 is new."""
    assert "zatca:238-R3.4.8: error\n  zatca:238-R3.3.3: warning" in desk.khatm("explain", "BR-KSA-F-01").out
    assert "zatca:238-R3.4.8: warning\n\n" in desk.khatm("explain", "BR-KSA-98").out
    assert "Severity\n  error\n" in desk.khatm("explain", "BR-KSA-40").out


@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_cause_of_the_doctor_is_explained(desk: Desk, language: Language) -> None:
    table = json.loads((files("khatm.doctor") / "causes.json").read_text(encoding="utf-8"))["causes"]
    assert len(table) > 100
    severities = {"en": ("error", "warning", "note"), "ar": ("خطأ", "تحذير", "ملاحظة")}[language]
    for code, held in table.items():
        said = " ".join(desk.khatm("explain", code, "--language", language).out.split())
        # what only a document can tell is open
        wanted = [re.sub(r"\{\w+\}", "…", held[language][name]) for name in ("cause", "fix")]
        wanted.append(severities[("error", "warning", "note").index(held["severity"])])
        assert said.startswith(code) and [each for each in wanted if each not in said] == [], code


def test_a_cause_is_found_as_other_codes_are(desk: Desk) -> None:
    [record] = desk.khatm("explain", " doctor-hash-twice", "--format", "json").records
    assert (record["code"], record["kind"], record["fields"]) == ("DOCTOR-HASH-TWICE", "doctor", [])
    assert record["en"]["why"] == "The hash was hashed once more: … holds the SHA-256 of …."
    ran = desk.khatm("explain", "DOCTOR-HASH-TWISE")
    assert ran.code == 2 and "DOCTOR-HASH-TWICE" in ran.err


def test_an_unknown_code_gets_a_suggestion(desk: Desk) -> None:
    ran = desk.khatm("explain", "BR-KSA-980")
    assert ran.code == 2 and "BR-KSA-98" in ran.err


def test_advice_is_left_out_when_nobody_asks_for_it(desk: Desk) -> None:
    """A blank before the document's number (BT-1) is what no official rule minds."""
    text = Path(GOOD).read_text(encoding="utf-8").replace("<cbc:ID>", "<cbc:ID> ", 1)
    file = desk.folder / "blank.xml"
    file.write_text(text, encoding="utf-8")
    command = ("validate", str(file), *AT, "--format", "json")
    with_advice, without = (desk.khatm(*command, *more).records[0]["stages"][-1] for more in ((), ("--no-advice",)))
    assert (with_advice["stage"], without["stage"]) == ("advice", "advice")
    assert with_advice["findings"]
    assert (without["status"], without["findings"]) == ("skipped", [])
