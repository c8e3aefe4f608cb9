"""The validator: the report of the command line with lines, and a page on which hostile documents stay text."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from khatm.clock import saudi_time
from khatm.rules.edition import Edition
from khatm.rules.report import members
from khatm.rules.validation import validate
from khatm.simulator.embedded import EmbeddedSimulator
from tests.stamp_vectors import documents
from tests.wire.portal_visitor import Visitor, runs_no_foreign_script, texts, tree
from tests.wire.simulator_caller import http

GOOD = next(each for each in documents("own") if each.name == "simplified-invoice").xml
WRONG_TYPE = GOOD.replace(b">388</cbc:InvoiceTypeCode>", b">999</cbc:InvoiceTypeCode>")
XML = {"Content-Type": "application/xml"}


@pytest.fixture(scope="module")
def simulator() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator() as running:
        yield running


def line_of(xml: bytes, text: bytes) -> int:
    """The line on which a text stands, counted from 1."""
    return xml[: xml.index(text)].count(b"\n") + 1


def report(simulator: EmbeddedSimulator, xml: bytes, **query: str) -> dict[str, Any]:
    answer = http().post(simulator.url + "/validator/api", params=query, content=xml, headers=XML)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def findings(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["rule"]: each for stage in record["stages"] for each in stage["findings"]}


@pytest.mark.parametrize("xml", [GOOD, WRONG_TYPE, b"", b"<Invoice>", b"<a/>"])
def test_the_report_is_the_command_lines_with_lines(simulator: EmbeddedSimulator, xml: bytes) -> None:
    simulator.fatoora.time.run(0)
    expected = members(validate(xml, now=saudi_time(simulator.clock.now())), "invoice.xml")
    found = report(simulator, xml, file="invoice.xml")
    lines = [each.pop("line") for stage in found["stages"] for each in stage["findings"]]
    assert found == json.loads(json.dumps(expected))
    assert all(isinstance(each, int) and each >= 1 for each in lines)


def test_each_finding_stands_at_its_line(simulator: EmbeddedSimulator) -> None:
    broken = WRONG_TYPE.replace(b">reporting:1.0<", b">clearance:1.0<")
    found = findings(report(simulator, broken))
    assert found["BR-KSA-05"]["line"] == line_of(broken, b"<cbc:InvoiceTypeCode")
    assert found["BR-KSA-EN16931-01"]["line"] == line_of(broken, b"<cbc:ProfileID")
    assert found["signature_value"]["line"] == line_of(broken, b"<ds:SignatureValue")
    assert found["invoice_digest"]["line"] == line_of(broken, b"<ds:DigestValue")
    assert found["qr_6"]["line"] == line_of(broken, b"<cbc:ID>QR<") - 1


def test_what_cannot_be_read_names_the_line(simulator: EmbeddedSimulator) -> None:
    broken = GOOD.replace(b"</cbc:ProfileID>", b"</cbc:ProfileId>")
    [finding] = findings(report(simulator, broken)).values()
    assert finding["rule"] == "KHATM-XML-NOT-WELL-FORMED"
    assert finding["line"] == line_of(broken, b"<cbc:ProfileID")


def test_options(simulator: EmbeddedSimulator) -> None:
    assert report(simulator, GOOD, edition="3.3.3")["edition"] == Edition.R333.value
    assert "pih" in findings(report(simulator, GOOD, pih="AAAA"))
    assert not {"issuer_name", "serial_number"} & findings(report(simulator, GOOD)).keys()
    habit = findings(report(simulator, GOOD, habit="original"))
    assert {"issuer_name", "serial_number"} <= habit.keys()
    assert habit["issuer_name"]["line"] == line_of(GOOD, b"<ds:X509IssuerName")
    refused = http().post(simulator.url + "/validator/api", params={"edition": "9"}, content=GOOD)
    assert (refused.status_code, refused.json()["error"]) == (400, "unknown-edition")


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_page_shows_layers_findings_and_source(simulator: EmbeddedSimulator, language: str) -> None:
    page = Visitor(simulator).http.post(f"/validator?lang={language}&file=a.xml", content=WRONG_TYPE, headers=XML)
    statuses = [each.get("class") for each in tree(page).xpath("//ol[@class='stages']/li/span[2]")]
    record = report(simulator, WRONG_TYPE)
    assert statuses == [f"status {stage['status']}" for stage in record["stages"]]
    for rule, finding in findings(record).items():
        [shown] = texts(page, f"//li[p[@class='finding-head']/bdi = '{rule}']")
        assert finding["message"]["en"] in shown
        assert finding["message"]["ar"] in shown
        assert finding["fix"][language] in shown
    row = tree(page).xpath("//div[contains(@class, 'marked')][.//*[contains(text(), '>999<')]]")[0]
    assert row.xpath("string(span[@class='number'])") == str(line_of(WRONG_TYPE, b">999<"))
    assert "BR-KSA-05" in row.getnext().text_content() + row.getnext().getnext().text_content()


def test_a_pasted_document_is_the_same_document(simulator: EmbeddedSimulator) -> None:
    """A browser sends a form's line ends as CR LF; the invoice hash does not see them."""
    pasted = "\n" + GOOD.decode().replace("\n", "\r\n")
    page = Visitor(simulator).http.post("/validator", data={"xml": pasted})
    rules = set(findings(report(simulator, GOOD)))
    shown = texts(page, "//li[contains(@class, 'finding')]//bdi[1]")
    assert rules <= set(shown)
    assert "invoice_digest" not in shown


HOSTILE = (
    GOOD.replace(b"<cbc:ProfileID>", b"<cbc:ProfileID>&lt;script&gt;alert(1)&lt;/script&gt;"),
    GOOD.replace(b"<cbc:ProfileID>", b'<script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script><cbc:ProfileID>'),
    GOOD.replace(b"<cbc:ProfileID>", b'<x:a xmlns:x="javascript:alert(1)" onclick="alert(1)"/><cbc:ProfileID>'),
    b"<?xml-stylesheet href='javascript:alert(1)'?><a onload='alert(1)'><![CDATA[</p><script>alert(1)</script>]]></a>",
    b"</textarea><script>alert(1)</script>",
    b"<a>\x00\xff</a>",
    b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
    "<a>\u202e\u2066<b/></a>".encode(),
)


@pytest.mark.parametrize("xml", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_documents_stay_text(simulator: EmbeddedSimulator, xml: bytes) -> None:
    name = "<script>alert(1)</script>.xml"
    page = Visitor(simulator).http.post(
        "/validator", params={"file": name, "pih": '"><script>'}, content=xml, headers=XML
    )
    assert page.status_code == 200
    assert runs_no_foreign_script(page)
    assert b"root:" not in page.content
    record = report(simulator, xml, file=name)
    assert record["valid"] is False


def test_long_documents_show_the_surroundings_of_their_findings(simulator: EmbeddedSimulator) -> None:
    filler = b"<!-- filler -->\n" * 20_000
    xml = WRONG_TYPE.replace(b"<cbc:ProfileID>", filler + b"<cbc:ProfileID>")
    page = Visitor(simulator).http.post("/validator", content=xml, headers=XML)
    assert len(page.content) < 400_000
    assert ">999<" in "".join(texts(page, "//div[contains(@class, 'marked')]"))
    assert texts(page, "//div[@class='gap']")


def test_too_large_is_a_finding_below_the_hard_limit(simulator: EmbeddedSimulator) -> None:
    found = findings(report(simulator, b"<a>" + b" " * 6_000_000 + b"</a>"))
    assert list(found) == ["KHATM-XML-TOO-LARGE"]
