"""The rules that the gateway stands on: the 24-hour rule, the stamp's structure, the form of ICV and PIH."""

from datetime import UTC, datetime, timedelta

import pytest

from khatm.document.xml import parse
from khatm.simulator.business_rules import Edition, RuleReport
from khatm.simulator.gateway_rules import GatewayRules, counter_and_previous_hash, issue_moment
from khatm.simulator.outline import Outline, read_outline

NAMESPACES = " ".join(
    f'xmlns{prefix}="urn:oasis:names:specification:ubl:schema:xsd:{name}-2"'
    for prefix, name in {
        "": "Invoice",
        ":cac": "CommonAggregateComponents",
        ":cbc": "CommonBasicComponents",
        ":ext": "CommonExtensionComponents",
        ":sig": "CommonSignatureComponents",
        ":sac": "SignatureAggregateComponents",
        ":sbc": "SignatureBasicComponents",
    }.items()
)
EXTENSIONS = (
    "<ext:UBLExtensions><ext:UBLExtension><ext:ExtensionContent><sig:UBLDocumentSignatures><sac:SignatureInformation>"
    "<cbc:ID>urn:oasis:names:specification:ubl:signature:1</cbc:ID>"
    "<sbc:ReferencedSignatureID>urn:oasis:names:specification:ubl:signature:Invoice</sbc:ReferencedSignatureID>"
    "</sac:SignatureInformation></sig:UBLDocumentSignatures></ext:ExtensionContent></ext:UBLExtension>"
    "</ext:UBLExtensions>"
)
TIME = "<cbc:IssueDate>2026-03-01</cbc:IssueDate><cbc:IssueTime>12:30:00</cbc:IssueTime>"
TYPE = '<cbc:InvoiceTypeCode name="0200000">388</cbc:InvoiceTypeCode>'
ICV = "<cac:AdditionalDocumentReference><cbc:ID>ICV</cbc:ID><cbc:UUID>7</cbc:UUID></cac:AdditionalDocumentReference>"
PIH = (
    "<cac:AdditionalDocumentReference><cbc:ID>PIH</cbc:ID><cac:Attachment>"
    '<cbc:EmbeddedDocumentBinaryObject mimeCode="text/plain">aGFzaA==</cbc:EmbeddedDocumentBinaryObject>'
    "</cac:Attachment></cac:AdditionalDocumentReference>"
)
QR = PIH.replace("PIH", "QR")
SIGNATURE = (
    "<cac:Signature><cbc:ID>urn:oasis:names:specification:ubl:signature:Invoice</cbc:ID>"
    "<cbc:SignatureMethod>urn:oasis:names:specification:ubl:dsig:enveloped:xades</cbc:SignatureMethod></cac:Signature>"
)
WHOLE = EXTENSIONS + TIME + TYPE + ICV + PIH + QR + SIGNATURE
ISSUED = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
"""12:30 in Riyadh."""


def judge(content: str, *, edition: Edition = "3.4.8", now: datetime = ISSUED) -> RuleReport:
    return GatewayRules().judge(parse(f"<Invoice {NAMESPACES}>{content}</Invoice>".encode()), edition=edition, now=now)


def rules(content: str, *, edition: Edition = "3.4.8", now: datetime = ISSUED) -> list[tuple[str, str]]:
    report = judge(content, edition=edition, now=now)
    assert not report.aborted
    return [(finding.rule, finding.severity) for finding in report.findings]


def outline(content: str) -> Outline:
    return read_outline(parse(f"<Invoice {NAMESPACES}>{content}</Invoice>".encode()))


def test_whole_simplified_document_draws_nothing() -> None:
    assert rules(WHOLE) == []


def test_standard_document_needs_no_stamp() -> None:
    assert rules(TIME + TYPE.replace("0200000", "0100000") + ICV + PIH) == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        # stamp missing: the attachment of the QR is what the two rules are evaluated on
        (WHOLE.replace(EXTENSIONS, ""), [("BR-KSA-28", "error"), ("BR-KSA-29", "warning")]),
        (
            WHOLE.replace(SIGNATURE, ""),
            [("BR-KSA-29", "warning"), ("BR-KSA-30", "error"), ("BR-KSA-60", "warning")],
        ),
        (WHOLE.replace("xades</cbc", "pades</cbc"), [("BR-KSA-30", "error")]),
        (WHOLE.replace("signature:1<", "signature:2<"), [("BR-KSA-28", "error")]),
        (WHOLE.replace("signature:Invoice</sbc", "signature:Other</sbc"), [("BR-KSA-29", "warning")]),
        # no QR: the rules on attachments never run, as the PIH's is not theirs
        (WHOLE.replace(QR, ""), [("BR-KSA-27", "warning")]),
        (
            WHOLE.replace(QR, QR.replace("aGFzaA==", "")),
            [("BR-KSA-27", "warning"), ("BR-CL-KSA-14", "error"), ("BR-KSA-28", "error"), ("BR-KSA-30", "error")],
        ),
        (WHOLE.replace(QR, QR.replace("text/plain", "image/png")), [("BR-KSA-27", "warning")]),
        (WHOLE.replace(QR, QR.replace("QR<", " QR<")), [("BR-KSA-27", "warning")]),
    ],
)
def test_each_part_of_the_stamp_has_its_rule(content: str, expected: list[tuple[str, str]]) -> None:
    assert rules(content) == expected


@pytest.mark.parametrize(("edition", "limit"), [("3.4.8", 1000), ("3.3.3", 700)])
def test_qr_length_depends_on_the_edition(edition: Edition, limit: int) -> None:
    longest = WHOLE.replace(QR, QR.replace("aGFzaA==", "A" * limit))
    longer = WHOLE.replace(QR, QR.replace("aGFzaA==", "A" * (limit + 1)))
    assert rules(longest, edition=edition) == []
    assert rules(longer, edition=edition) == [("BR-CL-KSA-14", "error")]


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(hours=24), []),
        (timedelta(hours=24, seconds=1), [("BR-KSA-98", "warning")]),
        (timedelta(hours=25), [("BR-KSA-98", "warning")]),
        (timedelta(hours=-3), []),
    ],
)
def test_simplified_document_is_late_after_24_hours(age: timedelta, expected: list[tuple[str, str]]) -> None:
    assert rules(WHOLE, now=ISSUED + age) == expected


def test_24_hour_rule_is_new_in_the_later_edition_and_only_for_simplified_documents() -> None:
    late = ISSUED + timedelta(days=30)
    assert rules(WHOLE, edition="3.3.3", now=late) == []
    assert rules(TIME + TYPE.replace("0200000", "0100000"), now=late) == []
    assert rules(WHOLE.replace("<cbc:IssueTime>12:30:00</cbc:IssueTime>", ""), now=late) == []


@pytest.mark.parametrize(
    ("date", "time", "moment"),
    [
        ("2026-03-01", "12:30:00", ISSUED),
        ("2026-03-01", "09:30:00Z", ISSUED),
        ("2026-03-01", "10:30:00+01:00", ISSUED),
        ("2026-03-01", "05:00:00-04:30", ISSUED),
        ("2026-03-01", "12:30:00.5", ISSUED + timedelta(milliseconds=500)),
        (" 2026-03-01", "12:30:00\n", ISSUED),
        ("2026-02-28", "24:00:00", datetime(2026, 2, 28, 21, tzinfo=UTC)),
        ("2026-03-01Z", "12:30:00", None),
        ("2026-03-01 ", "12:30:00", None),
        ("2026-03-01", "12:30", None),
        ("2026-02-30", "12:30:00", None),
        ("2026-03-01", "24:30:00", None),
        ("9999-12-31", "24:00:00", None),
        ("٢٠٢٦-03-01", "12:30:00", None),
    ],
)
def test_issue_moment_without_zone_is_saudi_time(date: str, time: str, moment: datetime | None) -> None:
    assert issue_moment(Outline(outline("").root, issue_date=date, issue_time=time)) == moment


@pytest.mark.parametrize(
    "content",
    [
        WHOLE.replace("2026-03-01", "2026-03-01Z"),  # no xs:dateTime
        WHOLE.replace(QR, QR + QR),
        WHOLE.replace(ICV, ICV + ICV.replace("ICV", "X")),
    ],
)
def test_what_the_rule_set_cannot_evaluate_aborts_it(content: str) -> None:
    report = judge(content)
    assert report.aborted
    assert report.findings == ()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (ICV + PIH, []),
        (ICV.replace(">7<", ">0<") + PIH, []),
        (PIH, [("BR-KSA-33", "error")]),
        (ICV.replace("<cbc:UUID>7</cbc:UUID>", "") + PIH, [("BR-KSA-33", "error")]),
        (ICV.replace(">7<", "><") + PIH, [("BR-KSA-33", "error")]),
        (ICV.replace(">7<", ">7a<") + PIH, [("BR-KSA-34", "error")]),
        (ICV.replace(">7<", ">-7<") + PIH, [("BR-KSA-34", "error")]),
        (ICV.replace(">7<", ">٧<") + PIH, [("BR-KSA-34", "error")]),
        (ICV.replace(">7<", ">7\n<") + PIH, [("BR-KSA-34", "error")]),
        (ICV, [("BR-KSA-61", "warning")]),
        (ICV + PIH.replace("aGFzaA==", ""), [("BR-KSA-61", "warning"), ("BR-KSA-26", "warning")]),
        (ICV + PIH.replace("text/plain", "image/png"), [("BR-KSA-61", "warning"), ("BR-KSA-26", "warning")]),
        (ICV + PIH + PIH.replace("aGFzaA==", ""), [("BR-KSA-26", "warning")]),
    ],
)
def test_form_of_counter_and_previous_hash(content: str, expected: list[tuple[str, str]]) -> None:
    found = counter_and_previous_hash(outline(content))
    assert [(finding.rule, finding.severity) for finding in found] == expected
