"""One walk over a parsed document: plain nodes with fixed names, found by name, and facts computed once.

Names are `prefix:local` with the prefixes of this product, whatever the document declares; an element of a namespace
that the rules do not know is `{namespace}local`. Comments and processing instructions are no part of a string value,
and nothing is trimmed (XPath data model).
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from lxml import etree

from khatm.document.xml import CAC, CBC, DS, EXT, INV, LONGEST_PATH, SAC, SBC, SIG, XADES, shortened
from khatm.memory import uncollected
from khatm.rules.abort import Abort, AbortKind

CN: Final = "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"
_PREFIXES: Final = {
    INV: "inv", CN: "cn", CAC: "cac", CBC: "cbc", EXT: "ext", SIG: "sig", SAC: "sac", SBC: "sbc", DS: "ds",
    XADES: "xades",
}  # fmt: skip

T = TypeVar("T")

_elements = etree.XPath("//*")
_string = etree.XPath("string()", smart_strings=False)

_KEPT: Final = 10_000
"""Characters; longer texts of elements in one another are the same text over and over, and not kept."""
NONE: "Final[list[Node]]" = []
"""No nodes; shared, never changed."""
_NO_TEXTS: Final[frozenset[str]] = frozenset()
_NO_KIDS: "Final[dict[str, list[Node]]]" = {}


class Node:
    """One element. `kids` holds its child elements by name, each list in document order.

    Without a `__getattr__` of its own: the interpreter would then look up every attribute the slow way.
    """

    __slots__ = ("_location", "_position", "element", "kids", "name", "order", "parent", "text")

    name: str
    parent: "Node | None"
    kids: "dict[str, list[Node]]"
    order: int
    """The element's number in document order."""
    text: str
    """The string value: all text below, untrimmed."""
    _position: int
    _location: str

    def __init__(self, name: str, parent: "Node | None", element: etree._Element, order: int) -> None:
        self.name = name
        self.parent = parent
        self.element = element
        self.order = order
        self.kids = _NO_KIDS

    def __repr__(self) -> str:
        return f"<{self.location()}>"

    def all(self, name: str) -> "list[Node]":
        """Return the children of that name (not to be changed)."""
        return self.kids.get(name, NONE)

    def has(self, name: str) -> bool:
        """Tell whether there is a child of that name."""
        return name in self.kids

    def path(self, *names: str) -> "list[Node]":
        """Return what the child steps select, in document order: `line.path("cac:Item", "cbc:Name")`."""
        nodes = self.kids.get(names[0], NONE)
        for name in names[1:]:
            if not nodes:
                return NONE
            nodes = nodes[0].kids.get(name, NONE) if len(nodes) == 1 else descend(nodes, name)
        return nodes

    def attribute(self, name: str) -> str | None:
        """Return the attribute of that name without namespace, or None."""
        return self.element.get(name)

    @property
    def position(self) -> int:
        """The element's number among its siblings of the same name, from 1."""
        try:
            return self._position
        except AttributeError:  # not asked yet
            for number, twin in enumerate(self.parent.kids[self.name] if self.parent else [self], 1):
                twin._position = number
            return self._position

    @property
    def attributes(self) -> dict[str, str]:
        """The attributes without namespace."""
        return {str(key): str(value) for key, value in self.element.attrib.items() if not str(key).startswith("{")}

    @property
    def children(self) -> "list[Node]":
        """All child elements in document order."""
        return sorted((kid for kids in self.kids.values() for kid in kids), key=_order)

    @property
    def texts(self) -> list[str]:
        """The text nodes that are children: comments, instructions and elements split them, CDATA does not."""
        element = self.element
        if len(element) == 0:
            return [self.text] if self.text else []
        parts = [element.text, *(child.tail for child in element)]
        return [str(part) for part in parts if part]

    def up(self, levels: int = 1) -> "Node | None":
        """Return the ancestor so many levels above."""
        node: Node | None = self
        for _ in range(levels):
            if node is None:
                return None
            node = node.parent
        return node

    def location(self) -> str:
        """Return the XPath of this node: `/inv:Invoice[1]/cac:InvoiceLine[2]`, cut where it is absurdly long."""
        name = self.name if not self.name.startswith("{") else f"Q{self.name}"
        step = f"/{name}[{self.position}]"
        if self.parent is None:
            return shortened(step, LONGEST_PATH)
        above = self.parent._above
        return above if len(above) > LONGEST_PATH else shortened(above + step, LONGEST_PATH)

    @property
    def _above(self) -> str:
        """The location, kept: it begins the locations of all nodes below."""
        try:
            return self._location
        except AttributeError:
            self._location = self.location()
            return self._location


class _Branch(Node):
    """An element with something inside: elements, comments or instructions. Its string value is made when asked."""

    __slots__ = ()

    if not TYPE_CHECKING:

        @property
        def text(self) -> str:
            try:
                return _own_text(self)
            except AttributeError:
                text = _string(self.element)
                if len(text) < _KEPT:
                    _keep_text(self, text)
                return text


if not TYPE_CHECKING:
    _own_text, _keep_text = Node.text.__get__, Node.text.__set__


class _Walked:
    """The nodes of a document; when nobody reads it any more they are taken apart.

    Parents and children refer to each other: left to the garbage collector, they would cost more than the walk.
    """

    __slots__ = ("_branches", "by_name")

    def __init__(self, by_name: dict[str, list[Node]], branches: list[Node]) -> None:
        self.by_name = by_name
        self._branches = branches

    def __del__(self) -> None:
        self.by_name.clear()
        branches = self._branches
        while branches:  # from the end: what stands below a node goes with it, while the processor has it at hand
            branches.pop().kids = _NO_KIDS


class Reading:
    """A document, walked once: nodes by name, and facts that several rules share.

    Nodes are whole only as long as their reading (or one made from it by `at`) is held.
    """

    __slots__ = ("_facts", "_named", "_now", "_walked", "root", "size")

    def __init__(self, root: Node, walked: _Walked, size: int) -> None:
        self.root = root
        self.size = size
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
        twin = Reading(self.root, self._walked, self.size)
        twin._facts = self._facts
        twin._now = now
        return twin

    def named(self, name: str) -> list[Node]:
        """Return all elements of that name at any depth, in document order (not to be changed)."""
        return self._named.get(name, NONE)

    def any_of(self, *names: str) -> list[Node]:
        """Return all elements of those names at any depth, in document order."""
        groups = [group for name in names if (group := self._named.get(name))]
        if len(groups) < 2:
            return groups[0] if groups else NONE
        return sorted((node for group in groups for node in group), key=_order)

    def everything(self) -> Iterator[Node]:
        """Yield all elements, grouped by name."""
        for group in self._named.values():
            yield from group

    def names(self) -> Iterable[str]:
        """Return the names of all elements, each once."""
        return self._named.keys()

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
                {text if len(text := node.text) < _KEPT else shortened(text, _KEPT) for node in self._named[name]}
            )
        return cast("frozenset[str]", facts[key])

    def currencies(self, name: str) -> frozenset[str | None]:
        """Return the `currencyID` of all elements of that name, each once, with None where it is absent."""
        if name not in self._named:
            return _NO_TEXTS
        key = ("currencies", name)
        facts = self._facts
        if key not in facts:
            facts[key] = frozenset({node.element.get("currencyID") for node in self._named[name]})
        return cast("frozenset[str | None]", facts[key])

    def attribute_values(self, name: str) -> list[str]:
        """Return the values of all attributes of that name (without namespace), in document order."""
        facts = self._facts
        if name not in facts:
            facts[name] = _attributes(name)(self.root.element)
        return cast("list[str]", facts[name])


def read(tree: etree._ElementTree | etree._Element) -> Reading:
    """Walk a parsed document once. Time and memory grow linearly with its elements."""
    with uncollected():
        return _walk(tree.getroot() if isinstance(tree, etree._ElementTree) else tree)


def _walk(start: etree._Element) -> Reading:
    elements = iter(cast("list[etree._Element]", _elements(start)))
    element = next(elements)
    kind: type[Node] = _Branch if len(element) else Node
    root = kind(_name(str(element.tag)), None, element, 0)
    if not len(element):
        root.text = element.text or ""
    named: dict[str, list[Node]] = {root.name: [root]}
    branches: dict[etree._Element | None, Node] = {element: root}
    names, new = _NAMES, Node.__new__
    order = 0
    for order, element in enumerate(elements, 1):
        tag = element.tag
        node: Node
        if len(element):
            branches[element] = node = new(_Branch)  # without __init__: a call less for each of many thousand nodes
        else:
            node = new(Node)
            node.text = element.text or ""
        node.name = name = names[tag] if tag in names else _name(tag)
        node.parent = parent = branches[element.getparent()]
        node.element = element
        node.order = order
        node.kids = _NO_KIDS
        kids = parent.kids
        if kids is _NO_KIDS:
            parent.kids = {name: [node]}
        elif name in kids:
            kids[name].append(node)
        else:
            kids[name] = [node]
        if name in named:
            named[name].append(node)
        else:
            named[name] = [node]
    return Reading(root, _Walked(named, list(branches.values())), order + 1)


def descend(nodes: list[Node], *names: str) -> list[Node]:
    """Return what the child steps select from all of the nodes, in document order (not to be changed)."""
    for name in names:
        if len(nodes) == 1:
            nodes = nodes[0].kids.get(name, NONE)
        elif nodes:
            nodes = [kid for node in nodes if name in node.kids for kid in node.kids[name]]
        else:
            return NONE
    return nodes


def one(nodes: list[Node]) -> str | None:
    """Return the string value of the only node, None for no node; raises Abort (MULTIPLE) for more."""
    if not nodes:
        return None
    if len(nodes) > 1:
        raise Abort(AbortKind.MULTIPLE, nodes[1].name, nodes[1])
    return nodes[0].text


def opt(nodes: list[Node]) -> str:
    """Return the string value of the only node, "" for no node; raises Abort (MULTIPLE) for more."""
    if not nodes:
        return ""
    if len(nodes) > 1:
        raise Abort(AbortKind.MULTIPLE, nodes[1].name, nodes[1])
    return nodes[0].text


def filled(nodes: list[Node]) -> bool:
    """Tell whether some node has a string value other than ""; a blank counts."""
    for node in nodes:  # noqa: SIM110 - a loop is quicker for the usual one node
        if node.text:
            return True
    return False


def _order(node: Node) -> int:
    return node.order


_NAMES: dict[str, str] = {}
_MAX_NAMES: Final = 4096  # more than UBL has; a hostile document does not grow the table further


def _name(tag: str) -> str:
    namespace, _, local = tag.rpartition("}")
    prefix = _PREFIXES.get(namespace[1:])
    name = f"{prefix}:{local}" if prefix else tag
    if prefix and len(_NAMES) < _MAX_NAMES:
        _NAMES[tag] = name
    return name


@lru_cache(maxsize=16)
def _attributes(name: str) -> etree.XPath:
    return etree.XPath(f"/descendant-or-self::*/@{name}", smart_strings=False)
