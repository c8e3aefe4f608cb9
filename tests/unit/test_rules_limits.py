"""What `validate` refuses before it spends time or memory on it, and that the costly shapes stay cheap."""

# ruff: noqa: E501 - one shape per line

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from khatm.rules.validation import validate
from tests.fuzz_validate import run
from tests.stamp_vectors import SIGNED_AT, document
from tests.wire.cli_stage import Desk

XML = document("simplified-invoice").xml
BOMB = b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><l>&b;</l>'
NAMES = b" ".join(b'a%d="1"' % number for number in range(1001))
SCOPES = b" ".join(b'xmlns:n%d="urn:n"' % number for number in range(900))
REFUSED = {
    "larger than the limit": (b"<a>" + b" " * 16 * 1024 * 1024 + b"</a>", "KHATM-XML-TOO-LARGE"),
    "a hundred megabytes": (b"<a>" + b" " * 100_000_000 + b"</a>", "KHATM-XML-TOO-LARGE"),
    "129 levels": (b"<a>" * 129 + b"</a>" * 129, "KHATM-XML-TOO-DEEP"),
    "100,000 levels": (b"<a>" * 100_000, "KHATM-XML-TOO-DEEP"),
    "500,001 elements": (b"<a>" + b"<b/>" * 500_000 + b"</a>", "KHATM-XML-TOO-MANY-ELEMENTS"),
    "four million elements": (b"<a>" + b"<b/>" * 4_000_000 + b"</a>", "KHATM-XML-TOO-MANY-ELEMENTS"),
    "1,001 attributes": (b"<a " + NAMES + b"/>", "KHATM-XML-TOO-MANY-ATTRIBUTES"),
    "900 namespaces": (b"<a " + SCOPES + b">" + b"<b/>" * 1000 + b"</a>", "KHATM-XML-TOO-MANY-NAMESPACES"),
    "entity bomb": (BOMB, "KHATM-XML-DOCTYPE"),
    "external DTD": (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "KHATM-XML-DOCTYPE"),
    "invalid UTF-8": (XML.replace(b"<cbc:ID>", b"<cbc:ID>\xff", 1), "KHATM-XML-ENCODING"),
    "UTF-16": (XML.decode().replace("UTF-8", "UTF-16").encode("utf-16"), "KHATM-XML-ENCODING"),
    "UTF-16 that says UTF-8": (XML.decode().encode("utf-16"), "KHATM-XML-ENCODING"),
    "an undeclared prefix": (b"<a><u:b/></a>", "KHATM-XML-NOT-WELL-FORMED"),
    "an undeclared prefix before a relative namespace": (
        b'<a><u:b/><c xmlns="c"/></a>',
        "KHATM-XML-NOT-WELL-FORMED",
    ),
    "half a document": (XML[: len(XML) // 2], "KHATM-XML-NOT-WELL-FORMED"),
}


@pytest.mark.parametrize(("xml", "rule"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_at_once_with_its_reason(xml: bytes, rule: str) -> None:
    began = time.process_time()
    report = validate(xml, now=SIGNED_AT)
    assert time.process_time() - began < 0.5  # mostly a few milliseconds
    assert [each.rule for each in report.findings()] == [rule]
    assert all("{" not in sentence for sentence in report.sentences[rule].values())


def test_what_is_within_the_limits_is_read() -> None:
    comment = XML.replace(b"<cbc:ProfileID>", b"<!--" + b"<=" * 600_000 + b"--><cbc:ProfileID>", 1)
    for xml in (b"\xef\xbb\xbf" + XML, comment):
        assert validate(xml, now=SIGNED_AT).valid


SHAPES = {
    "comments": XML.replace(b"<cbc:ProfileID>", b"<!---->" * 140_000 + b"<cbc:ProfileID>", 1),
    "instructions": XML.replace(b"<cbc:ProfileID>", b"<?a?>" * 190_000 + b"<cbc:ProfileID>", 1),
    "comments in a text": XML.replace(b"<cbc:ProfileID>", b"<cbc:ProfileID>" + b"9<!---->" * 120_000, 1),
    "issue dates": XML.replace(b"<cbc:IssueTime>", b"<cbc:IssueDate>2026-01-15</cbc:IssueDate>" * 25_000 + b"<cbc:IssueTime>", 1),
    "one long number": XML.replace(b"<cbc:Percent>", b"<cbc:Percent>" + b"9" * 1_000_000, 1),
    "character references": XML.replace(b"<cbc:ProfileID>", b"<cbc:ProfileID>" + b"&#65;" * 200_000, 1),
}  # fmt: skip


@pytest.mark.parametrize("xml", SHAPES.values(), ids=SHAPES)
def test_a_mebibyte_of_one_thing_stays_cheap(xml: bytes) -> None:
    began = time.process_time()
    validate(xml, now=datetime(2026, 1, 15, 12, tzinfo=UTC))
    assert time.process_time() - began < 3  # quadratic time would be ten seconds and more


@pytest.mark.parametrize("name", ["entity bomb", "129 levels", "500,001 elements", "UTF-16", "invalid UTF-8"])
def test_the_command_line_says_it_too(tmp_path: Path, name: str) -> None:
    xml, rule = REFUSED[name]
    path = tmp_path / "hostile.xml"
    path.write_bytes(xml)
    ran = Desk(tmp_path).khatm("validate", str(path), "--format", "json")
    assert ran.code == 1
    [finding] = ran.records[0]["stages"][0]["findings"]
    assert finding["rule"] == rule
    assert all(finding["message"].values())


def test_a_file_above_the_size_limit_is_refused_by_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "huge.xml"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    ran = Desk(tmp_path).khatm("validate", str(path), "--format", "json")
    assert ran.code in (1, 2)
    assert "Traceback" not in ran.out + ran.err


def test_damaged_documents_never_break_the_report() -> None:
    ends = run(range(3000), 7).ends
    assert ends["xml failed"] > 100 and ends["ksa passed"] > 100 and ends["signature failed"] > 100
