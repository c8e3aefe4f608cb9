"""Where the official stylesheets break off instead of giving a verdict.

A dynamic error inside an assertion ends the whole stage: no finding of it survives. A rule raises `Abort` at the same
place; the engine turns it into one finding of our own, which names the cause.
"""

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from khatm.rules.reading import Node


class AbortKind(StrEnum):
    """The XPath error classes that the stylesheets can run into; the value is the XPath error code."""

    MULTIPLE = "XPTY0004"
    """More than one node where the rule takes a single one."""
    CAST = "FORG0001"
    """A text that is not the number, date or truth value that the rule computes with."""
    SCHEMES = "FORG0006"
    """Two tax schemes in one category, where a single truth value is needed."""
    NOT_FINITE = "FOCA0002"
    """A sum that left the range of doubles, where a decimal is needed."""
    DIVISION = "FOAR0001"
    """A division by zero."""
    PATTERN = "FORX0002"
    """A text that the rule takes for a pattern and that is none."""
    LIMIT = "FOAR0002"
    """A number or pattern beyond what can be computed."""

    @property
    def rule(self) -> str:
        """The id of our finding: `KHATM-ABORT-MULTIPLE`."""
        return f"KHATM-ABORT-{self.name.replace('_', '-')}"


class Abort(Exception):
    """The stage ends here. `found` is the text in question, `node` the place, as far as they are known."""

    def __init__(self, kind: AbortKind, found: str | None = None, node: "Node | None" = None) -> None:
        super().__init__(kind.rule, found)
        self.kind = kind
        self.found = found
        self.node = node

    def at(self, node: "Node") -> "Abort":
        """Name the node where the error arose, unless a deeper one is named already."""
        if self.node is None:
            self.node = node
        return self
