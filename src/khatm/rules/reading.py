"""What the rules read: the nodes of a document that was walked once, and facts that several rules share."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, Final, TypeVar, cast

from lxml import etree

from khatm.document.nodes import KEPT, NONE, Node, Nodes, descend, order_of
from khatm.document.walk import Walked, walk
from khatm.document.xml import shortened
from khatm.rules.abort import Abort, AbortKind

__all__ = ["NONE", "Node", "Nodes", "Reading", "descend", "filled", "one", "opt", "read"]

T = TypeVar("T")

_NO_TEXTS: Final[frozenset[str]] = frozenset()


class Reading:
    """A document, walked once: nodes by name, and facts that several rules share.

    Nodes are whole only as long as their reading (or one made from it by `at`) is held.
    """

    __slots__ = ("_facts", "_named", "_now", "_walked", "root", "size")

    def __init__(self, walked: Walked) -> None:
        self.root: Node = walked.root
        self.size = walked.size
        """How many elements there are."""
        self._walked = walked
        self._named = walked.by_name
        self._facts: dict[object, Any] = {}
        self._now: datetime | None = None

    @property
    def now(self) -> datetime:
        """The instant the document is judged at; its offset is the implicit time zone."""
        if self._now is None:
            raise LookupError("a reading has no time before judge() gives it one")
        return self._now

    def at(self, now: datetime) -> "Reading":
        """Return the same reading at an instant (aware); facts already computed are shared."""
        twin = Reading(self._walked)
        twin._facts = self._facts
        twin._now = now
        return twin

    def named(self, name: str) -> Nodes:
        """Return all elements of that name at any depth, in document order (not to be changed)."""
        return self._named.get(name, NONE)

    def any_of(self, *names: str) -> Nodes:
        """Return all elements of those names at any depth, in document order."""
        groups = [group for name in names if (group := self._named.get(name))]
        if len(groups) < 2:
            return groups[0] if groups else NONE
        return sorted((node for group in groups for node in group), key=order_of)

    def everything(self) -> Iterator[Node]:
        """Yield all elements, grouped by name."""
        for group in self._named.values():
            yield from group

    def names(self) -> Iterable[str]:
        """Return the names of all elements, each once."""
        return self._named.keys()

    def marked(self) -> Nodes:
        """Return the elements with a comment or an instruction directly inside, in document order."""
        return sorted(set(self._walked.marked), key=order_of) if self._walked.marked else NONE

    def fact(self, compute: "Callable[[Reading], T]") -> T:
        """Return what `compute` finds, computed once per document; it must not depend on the time.

        An Abort is not kept: whoever asks again runs into it again.
        """
        facts = self._facts
        if compute in facts:
            return facts[compute]  # type: ignore[no-any-return]
        fact = facts[compute] = compute(self)
        return fact

    def fact_at(self, compute: "Callable[[Node], T]", node: Node) -> T:
        """Return what `compute` finds at a node, computed once per node; an Abort is not kept."""
        key = (compute, node)
        facts = self._facts
        if key in facts:
            return facts[key]  # type: ignore[no-any-return]
        fact = facts[key] = compute(node)
        return fact

    def texts(self, name: str) -> frozenset[str]:
        """Return the string values of all elements of that name, each once, and cut where they are absurdly long."""
        if name not in self._named:
            return _NO_TEXTS
        key = ("texts", name)
        facts = self._facts
        if key not in facts:
            facts[key] = frozenset(
                {text if len(text := node.text) < KEPT else shortened(text, KEPT) for node in self._named[name]}
            )
        return cast("frozenset[str]", facts[key])

    def currencies(self, name: str) -> frozenset[str | None]:
        """Return the `currencyID` of all elements of that name, each once, with None where it is absent."""
        if name not in self._named:
            return _NO_TEXTS
        key = ("currencies", name)
        facts = self._facts
        if key not in facts:
            facts[key] = frozenset({node.attribute("currencyID") for node in self._named[name]})
        return cast("frozenset[str | None]", facts[key])

    def attribute_values(self, name: str) -> list[str]:
        """Return the values of all attributes of that name (without namespace), in no particular order."""
        found = self._walked.attributes.items()
        return [value for written, times in found for key, value in written if key == name for _ in range(times)]


def read(tree: etree._ElementTree | etree._Element) -> Reading:
    """Read a parsed document for the rules alone. Time and memory grow linearly with its elements."""
    return Reading(walk(tree, most=0))


def one(nodes: Nodes) -> str | None:
    """Return the string value of the only node, None for no node; raises Abort (MULTIPLE) for more."""
    if not nodes:
        return None
    if len(nodes) > 1:
        raise Abort(AbortKind.MULTIPLE, nodes[1].name, nodes[1])
    return nodes[0].text


def opt(nodes: Nodes) -> str:
    """Return the string value of the only node, "" for no node; raises Abort (MULTIPLE) for more."""
    if not nodes:
        return ""
    if len(nodes) > 1:
        raise Abort(AbortKind.MULTIPLE, nodes[1].name, nodes[1])
    return nodes[0].text


def filled(nodes: Nodes) -> bool:
    """Tell whether some node has a string value other than ""; a blank counts."""
    for node in nodes:  # noqa: SIM110 - a loop is quicker for the usual one node
        if node.text:
            return True
    return False
