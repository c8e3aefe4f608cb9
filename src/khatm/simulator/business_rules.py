"""The place where a set of business rules plugs into the gateway's examination.

Source: gateway contract, sections 5.4 and 8.2 step 6 (d).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from khatm.document.walk import Walked

Edition = Literal["3.4.8", "3.3.3"]
"""The release of the authority's rules, by the version of the kit that carries them."""


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """One rule that a document breaks."""

    rule: str
    severity: Literal["error", "warning"]
    sentence: str
    """What the rule asks for, in English, without the rule's id."""
    en16931: bool = False
    """The rule stands in the EN 16931 stylesheet, whatever its name."""


@dataclass(frozen=True, slots=True)
class RuleReport:
    """What a rule set said of a document, EN 16931 before KSA."""

    findings: tuple[RuleFinding, ...] = ()
    aborted: str = ""
    """Why the rule set could not be evaluated; the gateway then answers `GENERAL` and nothing else (5.1)."""


class RulesPlug(Protocol):
    """A set of business rules that the gateway applies to every document that complies with the schema."""

    def judge(self, document: Walked, *, edition: Edition, now: datetime) -> RuleReport:
        """Return what the rules of that edition say at `now` (aware)."""
        ...
