"""A document as plain nodes with fixed names, found by name.

Names are `prefix:local` with the prefixes of this product, whatever the document declares; an element of a namespace
that the rules do not know is `{namespace}local`. Comments and processing instructions are no part of a string value,
and nothing is trimmed (XPath data model). `khatm.document.walk` makes them.
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

from lxml import etree

from khatm.document.xml import CAC, CBC, DS, EXT, INV, LONGEST_PATH, SAC, SBC, SIG, XADES, shortened

CN: Final = "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"
_PREFIXES: Final = {
    INV: "inv", CN: "cn", CAC: "cac", CBC: "cbc", EXT: "ext", SIG: "sig", SAC: "sac", SBC: "sbc", DS: "ds",
    XADES: "xades",
}  # fmt: skip
_NAMESPACES: Final = {prefix: uri for uri, prefix in _PREFIXES.items()}

KEPT: Final = 10_000
"""Characters; longer texts of elements in one another are the same text over and over, and not kept."""
NO_ATTRIBUTES: Final[Mapping[str, str]] = {}
_string = etree.XPath("string()", smart_strings=False)


class Node:
    """One element without anything inside but text.

    A long document has many of them, so that they hold no more than is asked often. Without a `__getattr__` of their
    own: the interpreter would then look up every attribute the slow way.
    """

    __slots__ = ("_position", "attributes", "name", "order", "parent", "text")

    name: str
    parent: "Branch | None"
    order: int
    """The element's number in document order."""
    text: str
    """The string value: all text below, untrimmed."""
    attributes: Mapping[str, str]
    """The attributes; those of a namespace in Clark form (not to be changed)."""
    _position: int
    kids: "dict[str, Nodes]" = {}  # noqa: RUF012 - shared by all nodes without children, never changed
    """The child elements by name, each sequence in document order."""

    def __init__(self, name: str, parent: "Branch | None", order: int) -> None:
        self.name = name
        self.parent = parent
        self.order = order
        self.attributes = NO_ATTRIBUTES

    def __repr__(self) -> str:
        return f"<{self.location()}>"

    def all(self, name: str) -> "Nodes":
        """Return the children of that name (not to be changed)."""
        return self.kids.get(name, NONE)

    def has(self, name: str) -> bool:
        """Tell whether there is a child of that name."""
        return name in self.kids

    def path(self, *names: str) -> "Nodes":
        """Return what the child steps select, in document order: `line.path("cac:Item", "cbc:Name")`."""
        nodes = self.kids.get(names[0], NONE)
        for name in names[1:]:
            if not nodes:
                return NONE
            nodes = nodes[0].kids.get(name, NONE) if len(nodes) == 1 else descend(nodes, name)
        return nodes

    def attribute(self, name: str) -> str | None:
        """Return the attribute of that name without namespace, or None."""
        return self.attributes.get(name)

    @property
    def element(self) -> etree._Element:
        """The element of the parsed tree."""
        assert self.parent is not None
        twins = self.parent.element.iterchildren(_tag(self.name))
        return next(islice(twins, self.position - 1, None))

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
    def children(self) -> "list[Node]":
        """All child elements in document order."""
        return sorted((kid for kids in self.kids.values() for kid in kids), key=order_of)

    @property
    def texts(self) -> list[str]:
        """The text nodes that are children: comments, instructions and elements split them, CDATA does not."""
        return [self.text] if self.text else []

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
        above = self.parent.above
        return above if len(above) > LONGEST_PATH else shortened(above + step, LONGEST_PATH)


class Branch(Node):
    """An element with something inside: elements, comments or instructions. Its string value is made when asked."""

    __slots__ = ("_location", "element", "kids")

    element: etree._Element  # held here, found anew in a leaf
    kids: "dict[str, Nodes]"
    _location: str

    def __init__(self, name: str, parent: "Branch | None", order: int, element: etree._Element) -> None:
        super().__init__(name, parent, order)
        self.element = element
        self.kids = {}

    @property
    def texts(self) -> list[str]:
        """The text nodes that are children: comments, instructions and elements split them, CDATA does not."""
        parts = [self.element.text, *(child.tail for child in self.element)]
        return [str(part) for part in parts if part]

    @property
    def above(self) -> str:
        """The location, kept: it begins the locations of all nodes below."""
        try:
            return self._location
        except AttributeError:
            self._location = self.location()
            return self._location

    if not TYPE_CHECKING:

        @property
        def text(self) -> str:
            try:
                return _own_text(self)
            except AttributeError:
                text = _string(self.element)
                if len(text) < KEPT:
                    _keep_text(self, text)
                return text


if not TYPE_CHECKING:
    _own_text, _keep_text = Node.text.__get__, Node.text.__set__

Nodes = Sequence[Node]
"""Some nodes in document order."""
NONE: Final[Nodes] = ()


def descend(nodes: Nodes, *names: str) -> Nodes:
    """Return what the child steps select from all of the nodes, in document order (not to be changed)."""
    for name in names:
        if len(nodes) == 1:
            nodes = nodes[0].kids.get(name, NONE)
        elif nodes:
            nodes = [kid for node in nodes if name in node.kids for kid in node.kids[name]]
        else:
            return NONE
    return nodes


def order_of(node: Node) -> int:
    """Return the node's number in document order, to sort by."""
    return node.order


NAMES: dict[str, str] = {}
"""Names by tags in Clark form, as far as they were met."""
_MAX_NAMES: Final = 4096  # more than UBL has; a hostile document does not grow the table further


def name_of(tag: str) -> str:
    """Return the name for a tag in Clark form."""
    namespace, _, local = tag.rpartition("}")
    prefix = _PREFIXES.get(namespace[1:])
    name = f"{prefix}:{local}" if prefix else tag
    if prefix and len(NAMES) < _MAX_NAMES:
        NAMES[tag] = name
    return name


def _tag(name: str) -> str:
    prefix, colon, local = name.partition(":")
    return f"{{{_NAMESPACES[prefix]}}}{local}" if colon and prefix in _NAMESPACES else name
