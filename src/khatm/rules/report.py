"""A validation as JSON, the one shape that the command line and the simulator's validator give out.

Source: the design's contract for `khatm validate`: stages in order, one record per failing node, both languages.
"""

from typing import TYPE_CHECKING

from khatm.errors import Language
from khatm.rules.findings import Finding
from khatm.rules.validation import ValidationReport

if TYPE_CHECKING:
    from khatm.rules.catalogue import Entry

Sentences = dict[Language, str]


def members(report: ValidationReport, file: str) -> dict[str, object]:
    """Return the record of one document; `file` is its name as the caller gave it."""
    stages = [
        {
            "stage": stage.stage,
            "status": stage.status,
            "findings": [finding_members(each, report) for each in stage.findings],
        }
        for stage in report.stages
    ]
    return {"file": file, "valid": report.valid, "edition": report.edition.value, "stages": stages}


def finding_members(finding: Finding, report: ValidationReport) -> dict[str, object]:
    """Return the record of one finding; `found` is left out where the rule looks at no text."""
    record: dict[str, object] = {
        "rule": finding.rule,
        "severity": finding.severity,
        "location": finding.location,
    }
    if finding.found is not None:
        record["found"] = finding.found
    record["message"], record["fix"] = sentences(finding, report)
    return record


def sentences(finding: Finding, report: ValidationReport) -> tuple[Sentences, Sentences]:
    """Return what a finding says and what to do about it, each in both languages."""
    entry = _entry(finding.rule)
    own = report.sentences.get(finding.rule)
    message: Sentences = dict(own) if own else {"en": entry.en.title, "ar": entry.ar.title}
    return message, {"en": entry.en.fix, "ar": entry.ar.fix}


def _entry(rule: str) -> "Entry":
    from khatm.rules.catalogue import explain  # of no use to a document without findings

    entry = explain(rule) or explain("XSD_ZATCA_INVALID")
    assert entry is not None
    return entry
