"""What a stamp declares, where it stands and what lies beside it unsigned: one edit of a good document each."""

# ruff: noqa: E501 - one edit of a document per line reads better than folded bytes

import re

import pytest

from khatm.rules.catalogue import explain
from khatm.rules.validation import ValidationReport, validate
from tests.stamp_vectors import SIGNED_AT, document

XML = document("simplified-invoice").xml
ECDSA = b"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
REFERENCE = re.compile(rb"<cac:AdditionalDocumentReference>\s*<cbc:ID>(?:PIH|QR)</cbc:ID>.*?</cac:Add[^>]*>", re.DOTALL)


def run(xml: bytes, previous_hash: str | None = None) -> ValidationReport:
    return validate(xml, now=SIGNED_AT, previous_hash=previous_hash)


def edited(old: bytes, new: bytes, *, times: int = 1) -> bytes:
    assert XML.count(old) >= 1
    return XML.replace(old, new, times)


def rules(report: ValidationReport, severity: str) -> set[str]:
    return {each.rule for each in report.findings() if each.severity == severity and each.rule.startswith("KHATM-")}


FOREIGN = b'<x:Signature xmlns:x="urn:x">smuggled</x:Signature>'
WRONG = {
    "signature method": ("KHATM-STAMP-ALGORITHM", edited(ECDSA, b"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256")),
    "digest method": ("KHATM-STAMP-ALGORITHM", edited(b"xmlenc#sha256", b"xmlenc#sha512")),
    "canonical form": ("KHATM-STAMP-ALGORITHM", edited(b"2006/12/xml-c14n11", b"TR/2001/REC-xml-c14n-20010315")),
    "third reference": ("KHATM-STAMP-REFERENCE", edited(b"</ds:SignedInfo>", b'<ds:Reference URI="#x"/></ds:SignedInfo>')),
    "address": ("KHATM-STAMP-REFERENCE", edited(b'Id="invoiceSignedData" URI=""', b'Id="invoiceSignedData" URI="#x"')),
    "transform": ("KHATM-STAMP-TRANSFORM", edited(b"::cac:Signature)", b"::cac:TaxTotal)")),
    "prefix of a transform": ("KHATM-STAMP-TRANSFORM", edited(b"<ds:XPath>", b'<ds:XPath xmlns:ext="urn:other">')),
    "target": ("KHATM-STAMP-TARGET", edited(b'Target="signature"', b'Target="other"')),
    "no Id": ("KHATM-STAMP-TARGET", edited(b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="signature">', b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#">')),
    "second certificate": ("KHATM-STAMP-PART", edited(b"</ds:X509Data>", b"<ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data>")),
    "no signing time": ("KHATM-STAMP-PART", re.sub(rb"<xades:SigningTime>.*?</xades:SigningTime>", b"", XML)),
    "repeated Id": ("KHATM-STAMP-ID", edited(b"<ext:UBLExtension>", b'<ext:UBLExtension><x:a xmlns:x="urn:x" Id="xadesSignedProperties"/>')),
    "foreign Signature": ("KHATM-STAMP-PLACE", edited(b"<cac:AccountingSupplierParty>", FOREIGN + b"<cac:AccountingSupplierParty>")),
    "extensions in a party": ("KHATM-STAMP-PLACE", edited(b"<cac:Party>", b"<cac:Party><ext:UBLExtensions/>")),
    "QR reference in a line": ("KHATM-STAMP-PLACE", edited(b"<cac:Item>", b"<cac:AdditionalDocumentReference><cbc:ID>QR</cbc:ID></cac:AdditionalDocumentReference><cac:Item>")),
    "party in cac:Signature": ("KHATM-UNSIGNED-SIGNATURE", edited(b"</cac:Signature>", b"<cbc:Note>paid</cbc:Note></cac:Signature>")),
    "second PIH": ("KHATM-PIH-REPEATED", REFERENCE.sub(lambda m: m[0] * 2, XML, count=1)),
    "PIH in hexadecimal": ("KHATM-PIH-SHAPE", edited(document("simplified-invoice").xml.split(b"<cbc:ID>PIH</cbc:ID>")[1].split(b">", 2)[2].split(b"<")[0], b"ab" * 32)),
}  # fmt: skip
"""An edit by name, with the error that says so."""


@pytest.mark.parametrize(("rule", "xml"), WRONG.values(), ids=WRONG)
def test_a_stamp_of_another_form_is_refused(rule: str, xml: bytes) -> None:
    report = run(xml)
    assert rule in rules(report, "error")
    assert not report.valid


NOTE = b'<ext:UBLExtension><ext:ExtensionContent><x:a xmlns:x="urn:x"/></ext:ExtensionContent></ext:UBLExtension>'
BESIDE = {
    "extension": ("KHATM-UNSIGNED-EXTENSION", edited(b"</ext:UBLExtensions>", NOTE + b"</ext:UBLExtensions>")),
    "object": ("KHATM-UNSIGNED-EXTENSION", edited(b"</ds:Object>", b"</ds:Object><ds:Object/>")),
    "property": ("KHATM-UNSIGNED-EXTENSION", edited(b"</xades:SignedProperties>", b"</xades:SignedProperties><xades:UnsignedProperties/>")),
    "description": ("KHATM-UNSIGNED-QR", edited(b"<cbc:ID>QR</cbc:ID>", b"<cbc:ID>QR</cbc:ID><cbc:DocumentDescription>x</cbc:DocumentDescription>")),
    "type": ("KHATM-STAMP-REFERENCE", edited(b"xmldsig#SignatureProperties", b"xmldsig#Other")),
    "lines": ("KHATM-BASE64-LINES", re.sub(rb"(<ds:SignatureValue>.{20})", rb"\1\n ", XML)),
}  # fmt: skip
"""An edit of what is not signed, with the warning that says so."""


@pytest.mark.parametrize(("rule", "xml"), BESIDE.values(), ids=BESIDE)
def test_what_nobody_signed_is_warned_of(rule: str, xml: bytes) -> None:
    report = run(xml)
    assert rules(report, "warning") == {rule}
    assert [stage.status for stage in report.stages if stage.stage in ("signature", "qr")] == ["passed", "passed"]


@pytest.mark.parametrize("name", ["simplified-invoice", "simplified-usd", "standard-invoice", "long-name"])
def test_a_good_document_gives_no_finding(name: str) -> None:
    assert [each.rule for each in run(document(name).xml).findings()] == []


def test_a_longer_length_than_needed_is_refused() -> None:
    import base64

    [code] = re.findall(rb"<cbc:ID>QR</cbc:ID>.*?text/plain\">(.*?)<", XML, re.DOTALL)
    raw = base64.b64decode(code)
    longer = base64.b64encode(raw[:1] + b"\x81" + raw[1:])
    assert rules(run(XML.replace(code, longer)), "error") == {"KHATM-QR-LENGTH"}
    unknown = base64.b64encode(raw + b"\x0a\x01x")
    assert rules(run(XML.replace(code, unknown)), "warning") == {"KHATM-QR-TAG"}


def test_blanks_around_the_previous_hash_are_warned_of_when_it_is_compared() -> None:
    hash_ = re.search(rb"<cbc:ID>PIH</cbc:ID>.*?text/plain\">(.*?)<", XML, re.DOTALL)
    assert hash_ is not None
    report = run(XML.replace(hash_[1], b" " + hash_[1] + b"\n", 1), hash_[1].decode())
    [chain] = [stage for stage in report.stages if stage.stage == "pih"]
    assert (chain.status, [(each.rule, each.severity) for each in chain.findings]) == (
        "passed",
        [("KHATM-PIH-SHAPE", "warning")],
    )


def test_every_rule_of_these_is_explained() -> None:
    for rule, _ in [*WRONG.values(), *BESIDE.values()]:
        assert explain(rule, "rule") is not None
