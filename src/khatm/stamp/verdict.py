"""The results of verification: one per check, collected in the order in which they are made."""

from dataclasses import dataclass, field
from typing import NamedTuple


class CheckResult(NamedTuple):
    """How one check ended: `expected` is what the document should hold, `found` what it holds, both as text."""

    name: str
    passed: bool
    expected: str
    found: str


@dataclass(slots=True)
class Findings:
    """The results so far."""

    checks: dict[str, CheckResult] = field(default_factory=dict)
    information: dict[str, bool] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def add(self, name: str, passed: bool, expected: str, found: str | None) -> None:
        """Record the result of a check; nothing found is recorded as an empty text."""
        self.checks[name] = CheckResult(name, passed, expected, found or "")

    def compare(self, name: str, expected: str | None, found: str | None) -> None:
        """Record a check that passes if both texts exist and are equal."""
        self.add(name, expected is not None and expected == found, expected or "", found)
