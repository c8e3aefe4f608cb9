"""`khatm validate` and `khatm explain`: records, exit codes, comparison of editions, both languages."""

from pathlib import Path

import pytest

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
        "xml", "schema", "en16931", "ksa", "signature", "qr", "pih",
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


def test_an_unknown_code_gets_a_suggestion(desk: Desk) -> None:
    ran = desk.khatm("explain", "BR-KSA-980")
    assert ran.code == 2 and "BR-KSA-98" in ran.err
