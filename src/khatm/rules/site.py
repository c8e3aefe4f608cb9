"""One assertion of an official stylesheet, registered."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from khatm.rules.edition import BOTH, Edition
from khatm.rules.findings import Severity
from khatm.rules.reading import Node, Reading

Test = Callable[[Reading], Iterable[Node]]
"""Returns the context nodes at which the assertion fails, in document order, a node as often as the stylesheet
reports it. Raises Abort where the stylesheet breaks off."""


@dataclass(frozen=True, slots=True)
class Site:
    """One assertion site in the editions that share its test and severity.

    A site whose test or severity differs between editions is registered once for each.
    """

    number: str
    """The site's number in the rule specification: `012`; `333:BR-10` for one of 3.3.3 alone."""
    rule: str
    severity: Severity
    test: Test
    editions: frozenset[Edition] = BOTH
    shows: tuple[str, ...] = ()
    """The path from the context node to what the rule looks at, for the report; empty: the node itself.

    The last step can be an attribute: `@name`.
    """
