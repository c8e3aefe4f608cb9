"""The official business rules as the gateway applies them: what `khatm.rules` finds, told in the gateway's way.

Source: gateway contract, sections 5.1 (`GENERAL`), 5.4 and 8.2 step 6 (d).
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, Literal

from khatm.clock import saudi_time
from khatm.document.walk import Walked
from khatm.rules import edition as editions
from khatm.rules.catalogue import explain
from khatm.rules.engine import judge
from khatm.rules.findings import StageReport
from khatm.rules.reading import Reading
from khatm.simulator.business_rules import Edition, RuleFinding, RuleReport

_AUTHORITYS_WORDS: Final = {
    "BR-KSA-98": "The simplified invoice should be submitted within 24 hours of issuing the invoice.",
}
"""Sentences that are known word for word; the others are the catalogue's."""


class OfficialRules:
    """EN 16931, then KSA, each rule once per severity as the official tool prints it; a `RulesPlug`."""

    def judge(self, document: Walked, *, edition: Edition, now: datetime) -> RuleReport:
        """Return what the edition's rules say; a date or time without zone is read as Saudi time.

        Where one of the stylesheets breaks off there is no verdict, and no finding of the other one either.
        """
        stages = judge(Reading(document), editions.Edition.named(edition), saudi_time(now))
        findings = tuple(dict.fromkeys(each for stage in stages for each in _told(stage)))
        broken = next((each.rule for each in findings if each.rule.startswith("KHATM-")), None)
        return RuleReport(aborted=broken) if broken else RuleReport(findings)


def _told(stage: StageReport) -> Iterator[RuleFinding]:
    for each in stage.findings:
        severity: Literal["error", "warning"] = "error" if each.severity == "error" else "warning"
        yield RuleFinding(each.rule, severity, _sentence(each.rule), en16931=stage.stage == "en16931")


def _sentence(rule: str) -> str:
    known = _AUTHORITYS_WORDS.get(rule)
    if known is not None:
        return known
    entry = explain(rule, "rule")
    return rule if entry is None else f"{entry.en.title}."
