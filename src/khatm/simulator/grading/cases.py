"""The cases in their order, each with its texts in two languages.

The number is the case's name for people, the id for programs; neither is ever given to another case.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

from khatm.errors import Language

Group = Literal["calls", "onboarding", "documents", "outcomes", "renewal"]
GROUPS: Final[tuple[Group, ...]] = ("calls", "onboarding", "documents", "outcomes", "renewal")


@dataclass(frozen=True, slots=True)
class Case:
    """One case: what it belongs to, whether the grader brings it about, and where its rule comes from."""

    number: int
    id: str
    group: Group
    provoked: bool
    """Whether the grader answers a call otherwise than truly; the others are seen in normal traffic."""
    source: str
    """Sections of the gateway contract."""

    def text(self, part: Literal["title", "looks", "fix"], language: Language) -> str:
        """Return its title, what is looked at, or what to do about a failure."""
        found: str = _texts()["cases"][self.id][part][language]
        return found


_TABLE: Final[tuple[tuple[str, Group, bool, str], ...]] = (
    ("accept-version", "calls", False, "1.4, 4.9"),
    ("known-calls", "calls", False, "1.1, 1.4, 4.12"),
    ("credentials-unaltered", "calls", False, "1.5, 2.1"),
    ("right-csid", "calls", False, "1.1, 6.3"),
    ("otp-in-header", "calls", False, "1.4, 6.6"),
    ("otp-used-once", "calls", False, "6.6"),
    ("csr-template", "onboarding", False, "1.2, 6.4"),
    ("ccsid-answer-lost", "onboarding", True, "9"),
    ("check-answer-lost", "onboarding", True, "9"),
    ("step-done-before", "onboarding", False, "4.5, 9"),
    ("steps-before-pcsid", "onboarding", False, "6.1, 6.2"),
    ("missing-steps", "onboarding", True, "4.6, 6.2"),
    ("request-id", "onboarding", False, "2.3, 4.6"),
    ("pcsid-answer-lost", "onboarding", True, "6.3, 9"),
    ("hash-and-uuid", "documents", False, "3, 5.1"),
    ("stamp", "documents", False, "5.2, 5.3"),
    ("right-endpoint", "documents", False, "8.1"),
    ("clearance-status", "documents", False, "1.4"),
    ("fresh-uuid", "documents", False, "8.4"),
    ("counter", "documents", False, "8.4"),
    ("previous-hash", "documents", False, "8.4"),
    ("within-24-hours", "documents", False, "8.6"),
    ("report-lost-before", "outcomes", True, "9"),
    ("report-answer-lost", "outcomes", True, "9"),
    ("already-reported", "outcomes", False, "8.5, 9"),
    ("too-many-requests", "outcomes", True, "4.12, 9"),
    ("server-error", "outcomes", True, "4.12, 9"),
    ("unavailable", "outcomes", True, "4.12, 9"),
    ("answer-cut-off", "outcomes", True, "9"),
    ("warnings", "outcomes", True, "4.3, 9"),
    ("report-rejected", "outcomes", True, "9"),
    ("rejected-keeps-place", "outcomes", False, "8.4"),
    ("clearance-answer-lost", "outcomes", True, "9"),
    ("already-cleared", "outcomes", False, "4.11, 9"),
    ("gateway-timeout", "outcomes", True, "4.12, 12"),
    ("clearance-off", "outcomes", True, "4.11, 9"),
    ("clearance-rejected", "outcomes", True, "9"),
    ("unauthorized", "outcomes", True, "4.8, 9"),
    ("renewal-answer-lost", "renewal", True, "7, 9"),
    ("renewal-steps", "renewal", False, "4.7, 7"),
    ("renewal-switch", "renewal", False, "7"),
)
CASES: Final[tuple[Case, ...]] = tuple(Case(number, *row) for number, row in enumerate(_TABLE, start=1))
CASE_IDS: Final[tuple[str, ...]] = tuple(each.id for each in CASES)


def finding_text(finding: str, language: Language, facts: Mapping[str, object]) -> str:
    """Return what was found in a case as a sentence."""
    return finding_template(finding, language).format_map(facts)


def finding_template(finding: str, language: Language) -> str:
    """Return that sentence with places for its facts."""
    template: str = _texts()["findings"][finding][language]
    return template


@cache
def _texts() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files(__package__).joinpath("texts.json").read_text(encoding="utf-8"))
    return found
