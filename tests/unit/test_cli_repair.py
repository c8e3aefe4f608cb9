"""`khatm totals --repair`: what it says, what it writes, and that a stamp never survives unsaid."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from khatm.cli.khatm import khatm
from khatm.document.halala import Repair, repair
from khatm.document.xml import parse
from khatm.stamp.embedded import read_embedded
from tests.stamp_vectors import FOLDER

UNSIGNED = FOLDER / "unsigned" / "standard-invoice.xml"
SIGNED = FOLDER / "signed" / "standard-invoice.xml"


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(khatm, ["totals", *map(str, arguments)])


def off(source: Path, by: int = 1) -> tuple[Path, str, str]:
    """Write a document whose amount due is so many halalas too much; return it and both values."""
    xml = source.read_bytes()
    amount = parse(xml).getroot().find("{*}LegalMonetaryTotal/{*}PayableAmount")
    assert amount is not None and amount.text is not None
    right = amount.text
    wrong = f"{(round(float(right) * 100) + by) / 100:.2f}"
    Path("off.xml").write_bytes(
        xml.replace(f">{right}</cbc:PayableAmount>".encode(), f">{wrong}</cbc:PayableAmount>".encode())
    )
    return Path("off.xml"), wrong, right


def test_what_adds_up_is_said_and_nothing_is_written() -> None:
    result = run("--repair", UNSIGNED, "--out", "out.xml")
    assert (result.exit_code, result.stdout) == (0, f"{UNSIGNED}: every amount adds up\n")
    assert not Path("out.xml").exists()
    result = run("--repair", UNSIGNED, "--format", "json")
    assert json.loads(result.stdout) == {
        "file": str(UNSIGNED), "ok": True, "odd": [], "beyond": [], "out": None, "stamp_void": False,
    }  # fmt: skip


def test_without_out_the_odd_amount_is_named_and_nothing_written() -> None:
    file, wrong, right = off(UNSIGNED)
    result = run("--repair", file)
    assert result.exit_code == 1
    assert f"BT-115 (amount due) is {wrong}, right is {right} = BT-112 − BT-113 + BT-114" in result.stdout
    assert "nothing was written; name a file with --out" in result.stdout
    assert [path.name for path in Path().iterdir()] == ["off.xml"]


def test_the_repaired_document_adds_up_and_is_else_the_same() -> None:
    file, _, _ = off(UNSIGNED)
    result = run("--repair", file, "--out", "out.xml")
    assert result.exit_code == 0
    assert "repaired: out.xml" in result.stdout and "stamp" not in result.stdout
    repaired, original = parse(Path("out.xml").read_bytes()), parse(UNSIGNED.read_bytes())
    assert repair(repaired) == Repair((), ())
    assert [(each.tag, each.text, each.tail) for each in repaired.getroot().iter()] == [
        (each.tag, each.text, each.tail) for each in original.getroot().iter()
    ]
    assert Path("out.xml").read_bytes().startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<Invoice ')


@pytest.mark.parametrize(("language", "said"), [("en", "its stamp is void"), ("ar", "ويبطل ختمها")])
def test_a_stamp_is_void_and_that_is_said(language: str, said: str) -> None:
    file, _, right = off(SIGNED)
    result = run("--repair", file, "--out", "out.xml", "--language", language)
    assert result.exit_code == 0
    assert said in result.stdout
    tree = parse(Path("out.xml").read_bytes())
    stamp = read_embedded(tree.getroot())
    assert (stamp.signatures, stamp.qr_references, stamp.signature_references) == (0, 0, 0)
    assert f">{right}</cbc:PayableAmount>".encode() in Path("out.xml").read_bytes()
    assert file.read_bytes() != Path("out.xml").read_bytes()


def test_a_stamped_document_that_adds_up_keeps_its_stamp() -> None:
    before = SIGNED.read_bytes()
    result = run("--repair", SIGNED, "--out", "out.xml")
    assert result.exit_code == 0 and "void" not in result.stdout
    assert not Path("out.xml").exists()
    assert SIGNED.read_bytes() == before


def test_json_has_every_fact_in_both_languages() -> None:
    file, wrong, right = off(SIGNED)
    record = json.loads(run("--repair", file, "--out", "out.xml", "--format", "json").stdout)
    assert (record["ok"], record["out"], record["stamp_void"], record["beyond"]) == (True, "out.xml", True, [])
    [odd] = record["odd"]
    assert (odd["term"], odd["line"], odd["group"], odd["found"], odd["right"]) == ("BT-115", None, None, wrong, right)
    assert odd["location"] == "/Invoice/cac:LegalMonetaryTotal[1]/cbc:PayableAmount[1]"
    assert odd["formula"] == "BT-112 − BT-113 + BT-114"
    assert set(odd["message"]) == {"en", "ar"} and "المبلغ المستحق" in odd["message"]["ar"]
    record = json.loads(run("--repair", file, "--format", "json").stdout)
    assert (record["ok"], record["out"]) == (False, None)


@pytest.mark.parametrize(("language", "said"), [("en", "by more than rounding explains"), ("ar", "مما يفسره التقريب")])
def test_more_than_rounding_is_never_repaired(language: str, said: str) -> None:
    file, _, _ = off(UNSIGNED, by=500)
    result = run("--repair", file, "--out", "out.xml", "--language", language)
    assert result.exit_code == 1
    assert said in result.stdout
    assert not Path("out.xml").exists()
    record = json.loads(run("--repair", file, "--out", "out.xml", "--format", "json").stdout)
    assert (record["ok"], record["out"], len(record["beyond"])) == (False, None, 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file"),
        (b"not XML", "not well-formed"),
        (b"<a/>", "The document element is a"),
        (UNSIGNED.read_bytes().replace(b"</cbc:PayableAmount>", b",5</cbc:PayableAmount>"), "digits with a point"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(content: bytes | None, said: str) -> None:
    if content is not None:
        Path("in.xml").write_bytes(content)
    result = run("--repair", "in.xml", "--out", "out.xml")
    assert result.exit_code == 2
    assert said in result.stderr and result.stderr.count("\n") == 1
    assert not Path("out.xml").exists()


def test_the_input_is_never_written_over() -> None:
    file, _, _ = off(UNSIGNED)
    before = file.read_bytes()
    result = run("--repair", file, "--out", "./off.xml")
    assert result.exit_code == 2
    assert "would be written over" in result.stderr
    assert file.read_bytes() == before


def test_out_belongs_to_repair() -> None:
    result = run(UNSIGNED, "--out", "x")
    assert result.exit_code == 2
    assert "--out belongs to --repair" in result.stderr


def test_a_seller_belongs_to_an_authoring_file() -> None:
    result = run("--repair", UNSIGNED, "--seller", "x")
    assert result.exit_code == 2
    assert "--seller belongs to an authoring file" in result.stderr


def test_an_example_without_a_seller_is_totalled_with_one_beside_it() -> None:
    examples = Path(__file__).resolve().parents[2] / "examples"
    result = run(str(examples / "standard-invoice.json"), "--seller", str(examples / "seller.json"), "--format", "json")
    assert (result.exit_code, json.loads(result.stdout)["totals"]["payable"]) == (0, "531.30")  # 12 x 38.50, plus 15 %
