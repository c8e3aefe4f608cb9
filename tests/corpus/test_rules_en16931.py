"""Every case of the EN 16931 rule corpus gives the verdict of ZATCA's own stylesheets, in both editions."""

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from khatm.document.xml import parse
from khatm.rules import engine
from khatm.rules.edition import Edition
from khatm.rules.engine import judge_stage
from khatm.rules.findings import StageReport
from khatm.rules.reading import read
from tests.rulecases import RuleCase, en16931_cases

DATA = Path(__file__).resolve().parents[1] / "data"
VERDICT = ("outcome", "findings", "cause", "site")


def test_cases_over_invented_documents() -> None:
    disagreements, findings, cases = _compare(en16931_cases(DATA))
    assert cases == 727
    assert findings > 1000
    assert disagreements == []


def test_cases_judged_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LONG", 0)
    monkeypatch.setattr(engine, "PART", 1)
    disagreements, _, cases = _compare(islice(en16931_cases(DATA), 0, None, 3))
    assert (cases, disagreements) == (243, [])


def test_all_cases(shared_corpus: Path) -> None:
    disagreements, findings, cases = _compare(en16931_cases(shared_corpus))
    print(f"EN 16931: {cases} cases, {findings} findings in both editions, {len(disagreements)} disagreements")
    assert cases == 866
    assert disagreements == []


def _compare(cases: Iterable[RuleCase]) -> tuple[list[str], int, int]:
    disagreements: list[str] = []
    findings = number = 0
    for number, case in enumerate(cases, 1):  # noqa: B007 - the last number is the count
        reading = read(parse(case.xml()))
        for edition, expected in ((Edition.R348, case.expected), (Edition.R333, _of_333(case))):
            report = judge_stage("en16931", reading, edition)
            findings += len(report.findings)
            if (found := _verdict(report)) != (wanted := _wanted(expected)):
                disagreements.append(f"{case.id} {edition.short}: {found} instead of {wanted}")
    return disagreements, findings, number


def _of_333(case: RuleCase) -> dict[str, Any]:
    older: dict[str, Any] = case.expected.get("v333", case.expected)
    return older


def _wanted(expected: dict[str, Any]) -> dict[str, Any]:
    wanted = {key: expected[key] for key in VERDICT if key in expected}
    if "findings" in wanted:
        wanted["findings"] = sorted(wanted["findings"])
    return wanted


def _verdict(report: StageReport) -> dict[str, Any]:
    holds_error = any(finding.severity == "error" for finding in report.findings)
    assert report.status == ("failed" if holds_error else "passed")
    if report.note is not None and report.note.startswith("aborted"):
        (finding,) = report.findings
        assert finding.rule.startswith("KHATM-ABORT-")
        return {"outcome": "aborted", "cause": report.note.split()[-1], "site": finding.site.removeprefix("en16931:")}
    counts = Counter((finding.rule, finding.severity) for finding in report.findings)
    return {"outcome": "evaluated", "findings": sorted([*key, count] for key, count in counts.items())}
