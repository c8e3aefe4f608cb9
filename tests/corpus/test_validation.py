"""Full validation stage by stage: the vectors of the stamp, the official samples, authored documents, broken input."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

from khatm.clock import SAUDI
from khatm.document.xml import CBC
from khatm.rules.edition import Edition
from khatm.rules.validation import STAGES, ValidationReport, validate
from khatm.stamp.certificate import read_certificate
from tests.stamp_vectors import VectorDocument, documents

STAMPED = [*documents("own"), *documents("mutated")]
CERTIFICATES = Path(__file__).parents[1] / "data" / "authority" / "certificates"
PRICE_CHARGE = "BR-KSA-EN16931-06"
"""Eight samples of 3.3.3 carry the price-level charge indicator that 3.4.8 refuses (document standard 14)."""


def statuses(report: ValidationReport) -> dict[str, str]:
    return {stage.stage: stage.status for stage in report.stages}


def issue_moment(xml: bytes) -> datetime:
    root = etree.fromstring(xml)
    date, time = (str(root.findtext(f"{{{CBC}}}{name}")).strip() for name in ("IssueDate", "IssueTime"))
    moment = datetime.fromisoformat(f"{date}T{time}")
    return moment if moment.tzinfo else moment.replace(tzinfo=SAUDI)


@pytest.mark.parametrize("document", STAMPED, ids=lambda each: f"{each.group}-{each.name}")
def test_stamp_stages_fail_exactly_the_checks_of_the_vectors(document: VectorDocument) -> None:
    report = validate(document.xml, now=issue_moment(document.xml))
    failed = {each.rule for stage in report.stages if stage.stage in ("signature", "qr") for each in stage.findings}
    assert failed == set(document.failing_checks)
    found = statuses(report)
    assert found["xml"] == "passed"
    assert found["pih"] == "skipped"
    for stage in ("signature", "qr"):
        broken = any(name.startswith("qr_") == (stage == "qr") for name in document.failing_checks)
        assert found[stage] == ("failed" if broken else "passed")


@pytest.mark.parametrize("document", documents("own"), ids=lambda each: each.name)
def test_own_documents_break_no_rule(document: VectorDocument) -> None:
    report = validate(document.xml, now=issue_moment(document.xml))
    rules = [each for stage in report.stages if stage.stage in ("schema", "en16931", "ksa") for each in stage.findings]
    assert rules == []


def official_samples(corpus: Path) -> list[tuple[Edition, Path]]:
    official = corpus / "official"
    older = [path for folder in ("Standard", "Simplified") for path in sorted((official / folder).rglob("*.xml"))]
    newer = sorted((official / "sdk-3.4.8").rglob("*.xml"))
    return [
        *((Edition.R333, path) for path in older if "_Error" not in path.name),
        *((Edition.R348, path) for path in [*older, *newer] if "_Error" not in path.name),
    ]


def test_official_samples_have_no_findings_at_their_own_time(
    shared_corpus: Path, record_property: Callable[[str, object], None]
) -> None:
    samples = official_samples(shared_corpus)
    for edition, path in samples:
        xml = path.read_bytes()
        report = validate(xml, now=issue_moment(xml), edition=edition)
        findings = {each.rule for each in report.official()}
        assert findings <= ({PRICE_CHARGE} if edition is Edition.R348 else set()), (edition, path.name, findings)
        if not findings:
            assert report.valid
    record_property("official samples", len(samples))
    assert len(samples) == 20 + 20 + 19


def test_a_simplified_document_a_day_old_is_warned_of_and_valid() -> None:
    xml = next(each for each in documents("own") if each.name == "simplified-invoice").xml
    late = validate(xml, now=issue_moment(xml) + timedelta(hours=25))
    assert [(each.rule, each.severity) for each in late.findings()] == [("BR-KSA-98", "warning")]
    assert late.valid
    assert not list(validate(xml, now=issue_moment(xml) + timedelta(hours=25), edition=Edition.R333).findings())


def test_the_chain_is_compared_when_a_hash_is_given() -> None:
    chained = next(each for each in documents("own") if each.name == "simplified-credit-note")
    expected = next(each for each in documents("own") if each.name == "simplified-invoice").invoice_hash
    now = issue_moment(chained.xml)
    assert statuses(validate(chained.xml, now=now, previous_hash=expected))["pih"] == "passed"
    broken = validate(chained.xml, now=now, previous_hash=chained.invoice_hash)
    assert statuses(broken)["pih"] == "failed"
    assert not broken.valid


def test_another_certificate_can_be_the_measure_of_issuer_and_serial_number() -> None:
    """As the authority's web validator does with the SDK's own (gateway contract, section 10.2)."""
    xml = next(each for each in documents("own") if each.name == "simplified-invoice").xml
    other = read_certificate((CERTIFICATES / "own-ccsid-en.der").read_bytes())
    report = validate(xml, now=issue_moment(xml), reference=other)
    assert [(each.rule, each.severity) for each in report.findings()] == [
        ("issuer_name", "error"),
        ("serial_number", "error"),
    ]


@pytest.mark.parametrize(
    ("xml", "rule"),
    [
        (b"", "KHATM-XML-EMPTY"),
        (b"<Invoice>", "KHATM-XML-NOT-WELL-FORMED"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "KHATM-XML-DOCTYPE"),
        (b"<a>" * 200 + b"</a>" * 200, "KHATM-XML-TOO-DEEP"),
        ("<?xml version='1.0' encoding='UTF-16'?><a/>".encode("utf-16"), "KHATM-XML-ENCODING"),
        (b"<a>\xff\xfe</a>", "KHATM-XML-ENCODING"),
        (b"<a>" + b" " * 3000 + b"</a>", "KHATM-XML-TOO-LARGE"),
    ],
)
def test_what_cannot_be_read_fails_the_first_stage_and_skips_the_others(xml: bytes, rule: str) -> None:
    report = validate(xml, now=datetime(2026, 6, 15, tzinfo=UTC), max_bytes=2000)
    assert [each.rule for each in report.findings()] == [rule]
    assert statuses(report) == {stage: "failed" if stage == "xml" else "skipped" for stage in STAGES}
    assert all(report.sentences[rule].values())


def test_a_structure_failure_does_not_stop_the_rules() -> None:
    xml = next(each for each in documents("own") if each.name == "standard-invoice").xml
    broken = xml.replace(b"<cbc:IssueTime>", b"<cbc:Nonsense/><cbc:IssueTime>", 1)
    report = validate(broken, now=issue_moment(xml))
    found = statuses(report)
    assert found["schema"] == "failed"
    assert found["en16931"] == found["ksa"] == "passed"
    assert found["signature"] == "failed"  # the content is not what was stamped


def test_an_abort_of_the_stylesheet_fails_its_stage_with_one_finding_of_ours() -> None:
    xml = next(each for each in documents("own") if each.name == "simplified-invoice").xml
    reference = b"<cac:AdditionalDocumentReference>"
    doubled = xml.replace(reference, reference + b"<cbc:ID>X</cbc:ID><cbc:UUID>7</cbc:UUID>", 1)
    report = validate(doubled, now=issue_moment(xml))
    [ksa] = [stage for stage in report.stages if stage.stage == "ksa"]
    assert ksa.status == "failed"
    assert [each.rule.startswith("KHATM-ABORT-") for each in ksa.findings] == [True]
