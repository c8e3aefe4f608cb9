"""The one walk over a parsed document: its nodes, and on the way what is wrong with its structure.

Every room that reads or checks a whole document starts from here. Source: the XPath data model for the nodes; the
document standard, section 16, for the structure.
"""

from collections.abc import Mapping
from itertools import islice
from typing import Final, cast

from lxml import etree

from khatm.document.errors import UnreadableXml
from khatm.document.nodes import NAMES, NO_ATTRIBUTES, Branch, Node, Nodes, name_of
from khatm.document.schema_faults import UNCHECKED, Attributes, Fault, Structure
from khatm.document.schema_model import Arc, ContentModel, Step, Type, ubl21
from khatm.document.xml import MAX_DEPTH
from khatm.memory import uncollected

MOST_FAULTS: Final = 500
_NO_ARCS: Final[Mapping[str, Arc]] = {}
_NO_TYPES: Final[Mapping[str, str]] = {}
_NO_KIDS: Final[dict[str, Nodes]] = {}
_Open = tuple[Branch, dict[str, Nodes], int, bool, ContentModel | None, Step | None]
"""An open element: its node and that one's children so far; how many children (comments included) are still to come;
whether text may stand between them; its model; and what may follow, None where anything may or something was wrong."""


class Walked:
    """The nodes of a document, and the faults of its structure; when nobody reads it any more it is taken apart.

    Parents and children refer to each other: left to the garbage collector, they would cost more than the walk.
    """

    __slots__ = ("_branches", "attributes", "by_name", "faults", "marked", "root", "size")

    def __init__(
        self,
        branches: list[Branch],
        by_name: dict[str, list[Node]],
        attributes: dict[Attributes, int],
        marked: list[Branch],
        size: int,
        faults: list[Fault],
    ) -> None:
        self.root = branches[0]
        self.by_name = by_name
        """All elements by name, in document order (not to be changed)."""
        self.attributes = attributes
        """The sets of attributes, and how many elements have each."""
        self.marked = marked
        """The parents of comments and instructions, as often as they have one."""
        self.size = size
        """How many elements there are."""
        self.faults = faults
        self._branches = branches

    def __del__(self) -> None:
        self.by_name.clear()
        branches = self._branches
        while branches:  # from the end: what stands below a node goes with it, while the processor has it at hand
            branches.pop().kids = _NO_KIDS


def walk(tree: etree._ElementTree | etree._Element, *, most: int = MOST_FAULTS, deepest: int = MAX_DEPTH) -> Walked:
    """Walk a parsed document once; time and memory grow linearly with its elements.

    After `most` faults the structure is not looked at any more (with 0 not at all). Nodes are whole only as long as
    what is returned is held. Raises UnreadableXml (too-deep) for elements more than `deepest` levels deep.
    """
    start = tree.getroot() if isinstance(tree, etree._ElementTree) else tree
    with uncollected():
        return _walk(start, Structure(ubl21(), most), deepest)


def _walk(start: etree._Element, structure: Structure, deepest: int) -> Walked:  # noqa: PLR0912, PLR0915 - one loop
    """Go through the elements in document order; the open elements are a stack of our own.

    This loop is a good part of every validation, so it stays in one piece, asks each property of an element once, and
    leaves all that a sound document does not meet to `structure`. Elements without anything inside are let go at once.
    """
    table, new, names, faults = ubl21(), Node.__new__, NAMES, structure.faults
    types: Mapping[str, str] = table.elements
    type_, lax = structure.root(start), structure.lax
    if type_ is UNCHECKED:
        types, lax = _NO_TYPES, UNCHECKED
    parent = Branch(name_of(str(start.tag)), None, 0, start)
    written = cast("Attributes", tuple(start.items()))
    type_, parent.attributes = structure.attributes(start, type_, written)
    mixed, model = structure.opened(start, type_)
    step = None if model is None else model.start
    arcs: Mapping[str, Arc] = _NO_ARCS if step is None else step.elements
    left, kids, order = len(start), parent.kids, 0
    around: list[_Open] = []
    branches: list[Branch] = [parent]
    by_name: dict[str, list[Node]] = {parent.name: [parent]}
    attributed: dict[Attributes, int] = {written: 1}
    marked: list[Branch] = []
    for element in islice(start.iter(), 1, None):
        if faults and lax is not UNCHECKED and structure.full:
            types, lax, mixed, model, step, arcs = _NO_TYPES, UNCHECKED, True, None, None, _NO_ARCS
            around = [(*open_[:3], True, None, None) for open_ in around]
        while not left:
            if step is not None and not step.complete:
                structure.incomplete(parent.element, step)
            parent, kids, left, mixed, model, step = around.pop()
            arcs = _NO_ARCS if step is None else step.elements
        left -= 1
        if not mixed:
            text = element.tail
            if text and not (text.isspace() and text.isascii()):
                structure.stray_text(parent.element)
                mixed = True  # said once
        tag: object = element.tag
        if tag in arcs:
            arc = arcs[tag]  # type: ignore[index]  # text, as all the keys are
            step, known, name = arc.step, arc.type, arc.name
            if step is None or known is None:
                assert model is not None
                step, known, name = _resolve(arc, str(tag), model)
            type_ = known
            arcs = step.elements
        elif isinstance(tag, str):
            name = names[tag] if tag in names else name_of(tag)
            if model is None:  # where anything goes, nothing is to be said of an element that no schema knows
                type_ = table.type(types[tag]) if tag in types else lax
            else:
                type_, step = structure.unlisted(element, tag, model, step)
                arcs = _NO_ARCS if step is None else step.elements
        else:  # a comment or an instruction
            marked.append(parent)
            continue
        attributes = NO_ATTRIBUTES
        items = element.items()
        if items or type_.required:
            written = tuple(items)  # type: ignore[arg-type]  # text for documents parsed from bytes
            attributed[written] = attributed.get(written, 0) + 1
            if written in type_.usual:
                attributes = type_.usual[written]
            else:
                type_, attributes = structure.attributes(element, type_, written)
        order += 1
        inside = len(element)
        node: Node
        if inside:  # nodes are made without __init__: a call less for each of many thousand
            node = branch = new(Branch)
            branch.element = element
            branches.append(branch)
        else:
            node = new(Node)
            node.text = text = element.text or ""
            if type_.free:
                pass
            elif type_.text is None:
                if not type_.anything:
                    structure.nothing_inside(element, type_)
            elif type_.text(text) is not None:
                structure.text(element, type_, text)
        node.name = name
        node.parent = parent
        node.order = order
        node.attributes = attributes
        if name not in kids:
            kids[name] = (node,)
        elif isinstance(twins := kids[name], list):
            twins.append(node)
        else:
            kids[name] = [*twins, node]
        if name in by_name:
            by_name[name].append(node)
        else:
            by_name[name] = [node]
        if inside:
            around.append((parent, kids, left, mixed, model, step))
            if len(around) > deepest - 2 and next(element.iterchildren("*"), None) is not None:
                raise UnreadableXml("too-deep", line=1, column=1, allowed=str(deepest))
            if type_.nests and not element.text:
                mixed, model = False, type_.content
            else:
                mixed, model = structure.opened(element, type_)
            step = None if model is None else model.start
            arcs = _NO_ARCS if step is None else step.elements
            parent, left = branch, inside
            kids = branch.kids = {}
    while True:
        if step is not None and not step.complete:
            structure.incomplete(parent.element, step)
        if not around:
            return Walked(branches, by_name, attributed, marked, order + 1, faults)
        parent, _, _, _, _, step = around.pop()


def _resolve(arc: Arc, tag: str, model: ContentModel) -> tuple[Step, Type, str]:
    arc.name = name_of(tag)
    arc.type = type_ = ubl21().type(arc.type_name)
    arc.step = step = model.step(arc.place)
    return step, type_, arc.name
