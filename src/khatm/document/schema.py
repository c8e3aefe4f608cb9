"""Check a parsed document against the UBL 2.1 Invoice structure, with findings worded like the schema rules they break.

The check covers element order and occurrence, groups and wildcards, text types, attributes and unique Ids, all from
the packaged structure table. Source: the document standard, section 16; XML Schema 1.0 part 1 for the `cvc-` rules.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from lxml import etree

from khatm.document.schema_model import Arc, ContentModel, Step, Table, Type, ubl21
from khatm.document.schema_places import Places
from khatm.document.schema_types import collapse
from khatm.document.xml import INV, Paths, line_of, text_of

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XSI_TYPE = f"{{{_XSI}}}type"
_XSI_NIL = f"{{{_XSI}}}nil"
_XSI_ALLOWED = frozenset(f"{{{_XSI}}}{name}" for name in ("type", "nil", "schemaLocation", "noNamespaceSchemaLocation"))
_BLANK = " \t\r\n"
_ROOT = f"{{{INV}}}Invoice"
_Attributes = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class StructureFinding:
    """One place where a document leaves the UBL 2.1 structure.

    `location` is an XPath with positions (prefixes as in `khatm.document.xml.NAMESPACES`, the root without prefix),
    `message` begins with the broken schema rule (`cvc-complex-type.2.4.a: …`), `line` counts from 1. `line` and
    `column` point behind the tag where the fault shows when the source bytes were given; else `column` is None.
    """

    location: str
    message: str
    line: int | None
    column: int | None

    @property
    def rule(self) -> str:
        """The schema rule that is broken, such as `cvc-complex-type.2.4.b`."""
        return self.message.partition(":")[0]


def check_structure(
    tree: etree._ElementTree, source: bytes | None = None, *, most: int = 500
) -> list[StructureFinding]:
    """Return where the document leaves the UBL 2.1 Invoice structure; an empty list means that it is valid.

    `source` are the bytes that the tree was parsed from; with them each finding has its column. The check goes on
    after a finding (one per list of children, as validators do) and stops after `most`.
    """
    check = _Check(ubl21(), most)
    check.document(tree.getroot())
    if not check.faults:
        return []
    wanted, paths = {fault.element for fault in check.faults}, Paths()
    places = Places(tree, source, wanted) if source is not None else None
    return [_finding(fault, places, paths) for fault in check.faults]


@dataclass(frozen=True, slots=True)
class _Fault:
    element: etree._Element
    at_end: bool
    message: str


def _finding(fault: _Fault, places: Places | None, paths: Paths) -> StructureFinding:
    place = places.of(fault.element, at_end=fault.at_end) if places is not None else None
    line, column = place or (line_of(fault.element), None)
    return StructureFinding(paths.of(fault.element), fault.message, line, column)


class _Frame:
    """An element whose children are being read."""

    __slots__ = ("element", "left", "mixed", "model", "step", "strayed")

    left: int
    """How many children (comments included) are still to come."""
    step: Step | None
    """What may follow; None once the list of children is known to be wrong, or where anything goes."""
    strayed: bool
    """Whether text between the children was reported already."""

    def __init__(self, element: etree._Element, mixed: bool, model: ContentModel | None, step: Step | None) -> None:
        self.element = element
        self.left = len(element)
        self.mixed = mixed
        self.model = model
        self.step = step
        self.strayed = False


class _Full(Exception):
    """Enough findings."""


class _Check:
    def __init__(self, table: Table, most: int) -> None:
        self.faults: list[_Fault] = []
        self._table = table
        self._most = most
        self._ids: set[str] = set()
        self._lax = table.type("anyType")

    def document(self, root: etree._Element) -> None:
        if root.tag != _ROOT:
            shown = _shown(root)
            self.faults.append(_Fault(root, False, f"cvc-elt.1.a: Cannot find the declaration of element '{shown}'."))
            return
        try:
            self._walk(root, self._table.type(self._table.elements[_ROOT]))
        except _Full:
            return

    def _fault(self, element: etree._Element, message: str, *, at_end: bool = False) -> None:
        self.faults.append(_Fault(element, at_end, message))
        if len(self.faults) >= self._most:
            raise _Full

    def _walk(self, root: etree._Element, type_: Type) -> None:  # noqa: PLR0912 - the hot loop stays in one piece
        """Go through the elements in document order; the frames of the open elements are a stack of our own."""
        frame = self._open(root, type_, root.items())  # type: ignore[arg-type]  # text for documents parsed from bytes
        around: list[_Frame] = []
        for child in islice(root.iter(), 1, None):
            while frame.left == 0:
                if frame.step is not None and not frame.step.complete:
                    self._incomplete(frame, frame.step)
                frame = around.pop()
            frame.left -= 1
            if not frame.mixed:
                tail = child.tail
                if tail and tail.strip(_BLANK):
                    self._stray_text(frame)
            tag: object = child.tag
            if not isinstance(tag, str):
                continue
            step = frame.step
            arc = step.elements.get(tag) if step is not None else None
            if arc is None:
                # where anything goes, nothing is to be said of a child that no schema knows
                lax = frame.model is None and tag not in self._table.elements
                type_ = self._lax if lax else self._unlisted(frame, child, tag)
            else:
                if arc.step is None or arc.type is None:
                    self._resolve(frame, arc)
                frame.step = arc.step
                type_ = arc.type  # type: ignore[assignment]  # set by _resolve
            attributes: _Attributes = child.items()  # type: ignore[assignment]  # as above
            if type_.text is None or len(child):
                if type_ is self._lax and not attributes and not len(child):
                    continue
                around.append(frame)
                frame = self._open(child, type_, attributes)
                continue
            if attributes or type_.required:
                type_ = self._attributes(child, type_, attributes)
            if not type_.free:
                fault = type_.text(child.text or "")  # type: ignore[misc]  # a leaf's type has a text check
                if fault is not None:
                    self._fault(child, fault, at_end=True)
        for each in [frame, *reversed(around)]:
            if each.step is not None and not each.step.complete:
                self._incomplete(each, each.step)

    def _resolve(self, frame: _Frame, arc: Arc) -> None:
        assert frame.model is not None
        arc.step = frame.model.step(arc.place)
        arc.type = self._table.type(arc.type_name)

    def _open(self, element: etree._Element, type_: Type, attributes: _Attributes) -> _Frame:
        """Check the element's attributes and own text and return the frame for its children."""
        if attributes or type_.required:
            type_ = self._attributes(element, type_, attributes)
        text = element.text
        if type_.text is not None or type_.empty:
            self._text(element, type_)
            return _Frame(element, True, None, None)
        if type_.abstract:
            shown = _shown(element)
            self._fault(element, f"cvc-type.2: The type definition cannot be abstract for element {shown}.")
        model = type_.content
        frame = _Frame(element, type_.mixed, model, None if model is None else model.start)
        if not type_.mixed and text and text.strip(_BLANK):
            self._stray_text(frame)
        return frame

    def _incomplete(self, frame: _Frame, step: Step) -> None:
        self._fault(
            frame.element,
            f"cvc-complex-type.2.4.b: The content of element '{_shown(frame.element)}' is not complete. "
            f"One of '{{{', '.join(step.expected)}}}' is expected.",
            at_end=True,
        )

    def _unlisted(self, frame: _Frame, child: etree._Element, tag: str) -> Type:
        """Find the type of a child that the content model does not name in this state; report it where it is wrong."""
        step, model = frame.step, frame.model
        if model is None:  # any content is allowed here
            return self._global(tag)
        if step is not None and step.wildcard is not None and step.wildcard[1].admits(_namespace(tag)):
            frame.step = model.step(step.wildcard[0])
            if step.wildcard[1].strict and tag not in self._table.elements:
                self._fault(
                    child,
                    "cvc-complex-type.2.4.c: The matching wildcard is strict, but no declaration can be found for "
                    f"element '{_shown(child)}'.",
                )
            return self._global(tag)
        if step is not None:
            frame.step = None  # one finding per list of children
            self._fault(child, _misplaced(tag, step))
        declared = model.declared.get(tag)
        return self._table.type(declared) if declared is not None else self._global(tag)

    def _global(self, tag: str) -> Type:
        name = self._table.elements.get(tag)
        return self._lax if name is None else self._table.type(name)

    def _text(self, element: etree._Element, type_: Type) -> None:
        """Check an element that must not have elements inside: simple content, or none at all."""
        shown = _shown(element)
        if type_.text is None:
            if element.text or _has_elements(element) or any(child.tail for child in element):
                self._fault(
                    element,
                    f"cvc-complex-type.2.1: Element '{shown}' must have no character or element information item "
                    "[children], because the type's content type is empty.",
                    at_end=True,
                )
        elif _has_elements(element):
            self._fault(
                element,
                f"cvc-type.3.1.2: Element '{shown}' is a simple type, so it must have no element information item "
                "[children]."
                if type_.simple
                else f"cvc-complex-type.2.2: Element '{shown}' must have no element [children], and the value must "
                "be valid.",
                at_end=True,
            )
        else:
            fault = type_.text(text_of(element))
            if fault is not None:
                self._fault(element, fault, at_end=True)

    def _stray_text(self, frame: _Frame) -> None:
        if frame.strayed:
            return
        frame.strayed = True
        self._fault(
            frame.element,
            f"cvc-complex-type.2.3: Element '{_shown(frame.element)}' cannot have character [children], because the "
            "type's content type is element-only.",
            at_end=True,
        )

    def _attributes(self, element: etree._Element, type_: Type, attributes: _Attributes) -> Type:
        """Check the attributes and return the type to go on with (another one where xsi:type says so)."""
        found = 0
        for name, value in attributes:
            known = type_.attributes.get(name)
            if known is None:
                type_ = self._unknown_attribute(element, type_, name)
                continue
            found += name in type_.required
            check, type_name = known
            fault = check(value)
            if fault is not None:
                self._fault(element, fault)
            elif type_name == "ID":
                self._identifier(element, collapse(value))
        if found < len(type_.required):
            self._missing_attributes(element, type_)
        return type_

    def _identifier(self, element: etree._Element, identifier: str) -> None:
        if identifier in self._ids:
            self._fault(element, f"cvc-id.2: There are multiple occurrences of ID value '{identifier}'.")
        self._ids.add(identifier)

    def _unknown_attribute(self, element: etree._Element, type_: Type, name: str) -> Type:
        shown = _shown(element)
        if name == _XSI_TYPE:
            return self._retyped(element, type_)
        if name == _XSI_NIL:
            self._fault(
                element,
                f"cvc-elt.3.1: Attribute 'xsi:nil' must not appear on element '{shown}', because the {{nillable}} "
                f"property of '{shown}' is false.",
            )
        elif name not in _XSI_ALLOWED and not type_.anything:
            self._fault(element, _unknown_attribute(element, shown, name, simple=type_.simple))
        return type_

    def _missing_attributes(self, element: etree._Element, type_: Type) -> None:
        for name in type_.required:
            if element.get(name) is None:
                shown = _shown(element)
                self._fault(element, f"cvc-complex-type.4: Attribute '{name}' must appear on element '{shown}'.")

    def _retyped(self, element: etree._Element, type_: Type) -> Type:
        """Follow xsi:type: the named type must be the declared one or a restriction of it."""
        given = collapse(element.get(_XSI_TYPE, ""))
        prefix, _, local = given.rpartition(":")
        namespace = element.nsmap.get(prefix or None)
        name = next((f"{p}:{local}" for p, uri in self._table.namespaces.items() if uri == namespace), "")
        own = f"{etree.QName(element).localname}Type"
        if name in (type_.name, f"cbc:{own}") or (type_.simple and local == type_.name):
            return type_
        shown = _shown(element)
        try:
            named = self._table.type(name)
        except KeyError:
            self._fault(element, f"cvc-elt.4.2: Cannot resolve '{given}' to a type definition for element '{shown}'.")
            return type_
        if named.restricts == type_.name or type_.anything:
            return named
        self._fault(
            element,
            f"cvc-elt.4.3: Type '{given}' is not validly derived from the type definition, "
            f"'{type_.name.partition(':')[2]}', of element '{shown}'.",
        )
        return type_


def _namespace(tag: str) -> str | None:
    return tag[1:].partition("}")[0] if tag.startswith("{") else None


def _misplaced(tag: str, step: Step) -> str:
    namespace, _, local = tag[1:].partition("}") if tag.startswith("{") else ("", "", tag)
    name = f'{{"{namespace}":{local}}}' if namespace else local
    if not step.expected:
        return (
            f"cvc-complex-type.2.4.d: Invalid content was found starting with element '{name}'. No child element is "
            "expected at this point."
        )
    return (
        f"cvc-complex-type.2.4.a: Invalid content was found starting with element '{name}'. One of "
        f"'{{{', '.join(step.expected)}}}' is expected."
    )


def _unknown_attribute(element: etree._Element, shown: str, name: str, *, simple: bool) -> str:
    qname = etree.QName(name)
    bound = {**element.nsmap, "xml": "http://www.w3.org/XML/1998/namespace"}
    prefix = next((p for p, uri in bound.items() if p and uri == qname.namespace), None)
    written = f"{prefix}:{qname.localname}" if prefix else qname.localname
    if simple:
        return (
            f"cvc-type.3.1.1: Element '{shown}' is a simple type, so it cannot have attributes, except for those of "
            f"'{_XSI}'. However, the attribute, '{written}' was found."
        )
    return f"cvc-complex-type.3.2.2: Attribute '{written}' is not allowed to appear in element '{shown}'."


def _has_elements(element: etree._Element) -> bool:
    return next(element.iterchildren("*"), None) is not None


def _shown(element: etree._Element) -> str:
    """Return the element's name as the document writes it."""
    local = etree.QName(element).localname
    return f"{element.prefix}:{local}" if element.prefix else local
