"""One assertion of an official stylesheet, registered."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from khatm.rules.edition import BOTH, Edition
from khatm.rules.findings import Severity
from khatm.rules.reading import NONE, Node, Reading

Test = Callable[[Reading], Iterable[Node]]
"""Returns the context nodes at which the assertion fails, in document order, a node as often as the stylesheet
reports it. Raises Abort where the stylesheet breaks off."""

S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Made(Generic[S, T]):
    """A fact: what is made of each item of a list."""

    source: Callable[[Reading], Sequence[S]]
    make: Callable[[S], T]

    def __call__(self, reading: Reading) -> list[T]:
        """Make the whole list."""
        return [self.make(each) for each in reading.fact(self.source)]


@dataclass(frozen=True, slots=True, eq=False)
class Over(Generic[T]):
    """A test that goes over a list and judges each place by itself, so that long lists can be taken part by part."""

    context: Callable[[Reading], Sequence[T]]
    """The fact: where to look, in document order."""
    within: Callable[[Reading, Sequence[T]], Iterable[Node]]
    """What fails at some neighbours of the list."""

    def __call__(self, reading: Reading) -> Iterable[Node]:
        """Test the whole list."""
        found = reading.fact(self.context)
        return self.within(reading, found) if found else NONE


class Site(NamedTuple):
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
