"""The tree that a mutation changes, and how elements are put where the UBL 2.1 schema has a place for them."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from random import Random

from lxml import etree

from khatm.document.schema_model import ubl21
from tests.differential.originals import Pool
from tests.rulecases import NAMESPACES as PREFIXES

Element = etree._Element
_PARSER = etree.XMLParser(strip_cdata=False, resolve_entities=False, huge_tree=True)
_DECLARATIONS = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in PREFIXES.items() if prefix != "cn")


class Draft:
    """A document on its way through mutations; `pool` is where donors come from."""

    def __init__(self, xml: bytes, pool: Pool) -> None:
        self.root: Element = etree.fromstring(xml, _PARSER)
        self.pool = pool

    def xml(self) -> bytes:
        """Return the document as UTF-8 bytes."""
        return etree.tostring(self.root.getroottree(), encoding="UTF-8", xml_declaration=True)

    def find(self, xpath: str) -> list[Element]:
        """Return the elements of an XPath over the usual prefixes, in document order."""
        return [each for each in self.root.xpath(xpath, namespaces=PREFIXES) if isinstance(each, etree._Element)]

    def elements(self, keep: Callable[[Element], bool] = lambda _: True) -> list[Element]:
        """Return all elements below the root that pass, in document order."""
        return [each for each in self.root.iterdescendants("*") if keep(each)]

    def leaves(self) -> list[Element]:
        """Return all elements without element children, the stamp's own excepted."""
        return self.elements(lambda each: len(each) == 0 and not in_stamp(each))

    def business(self) -> list[Element]:
        """Return all elements that are no part of the stamp's extension."""
        return self.elements(lambda each: not in_stamp(each))


def in_stamp(element: Element) -> bool:
    """Whether an element stands in the extensions, where the stamp is."""
    return any(etree.QName(each).localname == "UBLExtensions" for each in (element, *element.iterancestors()))


def local(element: Element) -> str:
    """Return the local name."""
    return etree.QName(element).localname


def fragment(text: str) -> list[Element]:
    """Parse XML over the usual prefixes into elements."""
    wrapper = etree.fromstring(f"<w {_DECLARATIONS}>{text}</w>", _PARSER)
    return [deepcopy(each) for each in wrapper]


def insert(chance: Random, parent: Element, child: Element) -> None:
    """Put a child where the schema has a place for it, behind its like; at any place if it has none."""
    order = _order(parent)
    child.tail = None
    if child.tag not in order:
        parent.insert(chance.randint(0, len(parent)), child)
        return
    rank = order.index(child.tag)
    at = 0
    for number, each in enumerate(parent):
        if isinstance(each.tag, str) and each.tag in order and order.index(each.tag) <= rank:
            at = number + 1
    parent.insert(at, child)


def _order(parent: Element) -> Sequence[str]:
    table = ubl21()
    name = table.elements.get(str(parent.tag))
    content = None if name is None else table.type(name).content
    return [] if content is None else list(dict.fromkeys(each.tag for each in content.particles if each.tag))
