"""The Saudi rules against the verdicts of ZATCA's own stylesheet: every case, both editions, places included.

1,245 of the 1,355 cases stand on invented documents and are kept here; the others stand on official samples.
"""

import csv
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from pathlib import Path

import pytest

from khatm.rules import engine, ksa
from khatm.rules.edition import Edition
from khatm.rules.engine import judge_stage
from khatm.rules.findings import StageReport
from khatm.rules.reading import read
from tests.rulecases import RuleCase, ksa_cases

KEPT = Path(__file__).parents[1] / "data"
NOW = "2026-06-15T12:00:00+00:00"
"""The moment of cases that give none; its offset is the implicit time zone."""

Verdict = tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]
"""How often each (rule, severity) and each (site, place) is reported."""


def judged(case: RuleCase, edition: Edition) -> StageReport:
    now = datetime.fromisoformat(case.expected.get("evaluated_at", NOW))
    return judge_stage("ksa", read(case.tree()).at(now), edition)


def disagreement(case: RuleCase, edition: Edition) -> str | None:
    report = judged(case, edition)
    expected = case.expected
    if edition is Edition.R333:
        expected = {**expected, **expected.get("expected_333", {})}
    own = [finding.rule for finding in report.findings if finding.rule.startswith("KHATM-")]
    if expected["outcome"] == "abort":
        broken_off = report.status == "failed" and len(own) == len(report.findings) == 1
        return None if broken_off else f"{case.id} {edition.short}: should break off, got {report.findings[:3]}"
    got = Counter((finding.rule, finding.severity) for finding in report.findings)
    want = Counter({(rule, severity): count for rule, severity, count in expected["expected"]})
    if got != want:
        return f"{case.id} {edition.short}: too much {dict(got - want)}, too little {dict(want - got)}"
    if (report.status == "failed") != any(severity == "error" for _, severity in want):
        return f"{case.id} {edition.short}: {report.status}"
    if edition is Edition.R348:  # places are recorded for this edition
        places = Counter((finding.site.removeprefix("ksa:"), finding.location) for finding in report.findings)
        recorded = Counter((site, place) for site, place in expected["where"])
        if places != recorded:
            return f"{case.id}: places {places - recorded} instead of {recorded - places}"
    return None


def compare(cases: Iterable[RuleCase]) -> tuple[int, list[str]]:
    number, wrong = 0, []
    for case in cases:
        number += 1
        wrong += [text for edition in Edition if (text := disagreement(case, edition)) is not None]
    print(f"{number} cases, {len(wrong)} disagreements")
    return number, wrong


def test_every_case_on_an_invented_document() -> None:
    assert compare(ksa_cases(KEPT)) == (1245, [])


def test_cases_judged_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LONG", 0)
    monkeypatch.setattr(engine, "PART", 1)
    assert compare(islice(ksa_cases(KEPT), 0, None, 3)) == (415, [])


def test_every_case_on_an_official_sample(shared_corpus: Path) -> None:
    official = (case for case in ksa_cases(shared_corpus) if case.base.name.startswith("base-o-"))
    assert compare(official) == (110, [])


def test_every_site_but_one_fires_in_some_case_that_is_kept() -> None:
    fired = {site for case in ksa_cases(KEPT) for site, _ in case.expected.get("sites", ())}
    numbers = {site.number for site in ksa.SITES if Edition.R348 in site.editions}
    assert numbers - fired == {"131"}, "131 can only break off"


def test_every_site_of_the_specification_is_registered_once_per_edition(shared_corpus: Path) -> None:
    table = shared_corpus.parent / "spec" / "rules-ksa.csv"
    if not table.is_file():
        pytest.skip("the rule specification is not on this machine")
    with table.open(encoding="utf-8", newline="") as rows:
        specified = [(row["site"], row["rule_id"], row["severity"]) for row in csv.DictReader(rows)]
    registered = [(site.number, site.rule, site.severity) for site in ksa.SITES if Edition.R348 in site.editions]
    assert registered == specified
