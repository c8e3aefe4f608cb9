"""Forecast: what the authority's business rules would say of a document that is not issued yet.

Joins the rooms document and rules: stamped bytes in, the broken rules in both languages out.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from khatm.clock import saudi_time
from khatm.errors import KhatmError, Language

if TYPE_CHECKING:
    from khatm.rules.findings import Finding


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """One rule that a document breaks, with the first place where it does."""

    rule: str
    severity: str
    """`error`: the document would be rejected; `warning`: it would be accepted all the same."""
    location: str
    found: str | None
    message: dict[Language, str]
    fix: dict[Language, str]

    def sentence(self, language: Language = "en") -> str:
        """Return the rule, what it says, what was found, and what to do."""
        mark = "؛" if language == "ar" else ";"
        found = f" ({self.found}{mark} {self.location})" if self.found else f" ({self.location})"
        return f"{self.rule}: {self.message[language]}{found}. {self.fix[language]}"


@dataclass(eq=False)
class WouldBeRejected(KhatmError):
    """The official rules refuse the document, so it is not issued; carries every broken rule at once."""

    unit: str
    edition: str
    findings: tuple[BrokenRule, ...]
    code: ClassVar[str] = "would-be-rejected"
    exit_code: ClassVar[int] = 1
    en: ClassVar[str] = (
        "The authority would reject this document by its rules (edition {edition}). Nothing was issued, and unit "
        "{unit} used up no counter (ICV). Correct the authoring file:"
    )
    ar: ClassVar[str] = (
        "سترفض الهيئة هذا المستند وفق قواعدها (الإصدار {edition}). لم يُصدر شيء، ولم تستهلك الوحدة {unit} أي عدّاد "
        "(ICV). صحّح ملف الإدخال:"
    )

    def sentence(self, language: Language = "en") -> str:
        """Return a heading and one line per broken rule."""
        return "\n".join([super().sentence(language), *(f"  {each.sentence(language)}" for each in self.findings)])


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the rules of one edition say, EN 16931 before KSA, each rule once."""

    edition: str
    errors: tuple[BrokenRule, ...]
    warnings: tuple[BrokenRule, ...]


def forecast(stamped: bytes, now: datetime) -> Forecast:
    """Judge a stamped document of our own writing by the default edition's rules, as of `now` (aware).

    Dates and times without a zone are Saudi time. Where the official rules would break off, that is an error.
    """
    from khatm.document.xml import parse
    from khatm.rules import edition as editions
    from khatm.rules.engine import judge
    from khatm.rules.reading import read

    stages = judge(read(parse(stamped, max_bytes=len(stamped))), editions.DEFAULT, saudi_time(now))
    first: dict[str, Finding] = {}
    for stage in stages:
        for each in stage.findings:
            first.setdefault(each.rule, each)
    broken = [_told(each) for each in first.values()]
    return Forecast(
        editions.DEFAULT.value,
        tuple(each for each in broken if each.severity == "error"),
        tuple(each for each in broken if each.severity != "error"),
    )


def _told(finding: "Finding") -> BrokenRule:
    from khatm.rules.catalogue import explain

    entry = explain(finding.rule, "rule")
    assert entry is not None, finding.rule
    return BrokenRule(
        rule=finding.rule,
        severity=finding.severity,
        location=finding.location,
        found=finding.found,
        message={"en": entry.en.title, "ar": entry.ar.title},
        fix={"en": entry.en.fix, "ar": entry.ar.fix},
    )
