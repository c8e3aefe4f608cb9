"""What breaks the UBL 2.1 structure, worded like the schema rules: what a sound document never meets.

Source: the document standard, section 16; XML Schema 1.0 part 1 for the `cvc-` rules.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree

from khatm.document.nodes import NO_ATTRIBUTES
from khatm.document.schema_model import ContentModel, Step, Table, Type
from khatm.document.schema_types import collapse
from khatm.document.xml import INV, text_of

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XSI_TYPE = f"{{{_XSI}}}type"
_XSI_NIL = f"{{{_XSI}}}nil"
_XSI_ALLOWED = frozenset(f"{{{_XSI}}}{name}" for name in ("type", "nil", "schemaLocation", "noNamespaceSchemaLocation"))
ROOT: Final = f"{{{INV}}}Invoice"
_USUAL: Final = 64
"""Sets of attributes of one type that are kept from document to document."""
_USUAL_LENGTH: Final = 64
"""Characters of the values in such a set."""
Attributes = tuple[tuple[str, str], ...]
"""Names (Clark form) and values, as an element has them."""
UNCHECKED: Final = Type("", mixed=True, anything=True)
"""The type of elements that are not looked at: in a document that is no invoice, or has too many faults."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Where the structure is broken: shown behind the element's start tag, or at its end."""

    element: etree._Element
    at_end: bool
    message: str


class Structure:
    """Words the faults of one document and keeps the first ones."""

    def __init__(self, table: Table, most: int) -> None:
        self.faults: list[Fault] = []
        self.lax = table.type("anyType")
        """The type of what no schema knows."""
        self._table = table
        self._most = most
        self._ids: set[str] = set()

    @property
    def full(self) -> bool:
        """Whether no further fault is wanted."""
        return len(self.faults) >= self._most

    def _fault(self, element: etree._Element, message: str, *, at_end: bool = False) -> None:
        if not self.full:
            self.faults.append(Fault(element, at_end, message))

    def root(self, element: etree._Element) -> Type:
        """Return the root's type; UNCHECKED, and a fault, if it is no invoice."""
        if self.full:
            return UNCHECKED
        if element.tag == ROOT:
            return self._table.type(self._table.elements[ROOT])
        self._fault(element, f"cvc-elt.1.a: Cannot find the declaration of element '{_shown(element)}'.")
        return UNCHECKED

    def incomplete(self, element: etree._Element, step: Step) -> None:
        """Say what is missing at the end of an element."""
        self._fault(
            element,
            f"cvc-complex-type.2.4.b: The content of element '{_shown(element)}' is not complete. "
            f"One of '{{{', '.join(step.expected)}}}' is expected.",
            at_end=True,
        )

    def stray_text(self, element: etree._Element) -> None:
        """Report text between the children of an element."""
        self._fault(
            element,
            f"cvc-complex-type.2.3: Element '{_shown(element)}' cannot have character [children], because the "
            "type's content type is element-only.",
            at_end=True,
        )

    def unlisted(
        self, element: etree._Element, tag: str, model: ContentModel, step: Step | None
    ) -> tuple[Type, Step | None]:
        """Return the type of an element that the content model does not name in this state, and the state behind it.

        Where it must not stand, that is a fault, and the state is None: one fault per list of children.
        """
        if step is not None and step.wildcard is not None and step.wildcard[1].admits(_namespace(tag)):
            if step.wildcard[1].strict and tag not in self._table.elements:
                self._fault(
                    element,
                    "cvc-complex-type.2.4.c: The matching wildcard is strict, but no declaration can be found for "
                    f"element '{_shown(element)}'.",
                )
            return self.of(tag), model.step(step.wildcard[0])
        if step is not None:
            self._fault(element, _misplaced(tag, step))
        declared = model.declared.get(tag)
        return self._table.type(declared) if declared is not None else self.of(tag), None

    def of(self, tag: str) -> Type:
        """Return the type of an element where any may stand."""
        name = self._table.elements.get(tag)
        return self.lax if name is None else self._table.type(name)

    def text(self, element: etree._Element, type_: Type, text: str) -> None:
        """Check the text of an element of simple content."""
        fault = None if type_.text is None else type_.text(text)
        if fault is not None:
            self._fault(element, fault, at_end=True)

    def opened(self, element: etree._Element, type_: Type) -> tuple[bool, ContentModel | None]:
        """Check what stands directly in an element; return whether text may stand between its children, and its model.

        Without a model any children are allowed, or too many faults were found already to look at them.
        """
        if type_.text is not None or type_.empty:
            self._childless(element, type_)
            return True, None
        if type_.abstract:
            shown = _shown(element)
            self._fault(element, f"cvc-type.2: The type definition cannot be abstract for element {shown}.")
        text = element.text
        if type_.mixed or not text or (text.isspace() and text.isascii()):
            return type_.mixed, type_.content
        self.stray_text(element)
        return True, type_.content  # said once

    def nothing_inside(self, element: etree._Element, type_: Type) -> None:
        """Check an element without anything inside but text whose type is not of simple content."""
        _, model = self.opened(element, type_)
        if model is not None and not model.start.complete:
            self.incomplete(element, model.start)

    def _childless(self, element: etree._Element, type_: Type) -> None:
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
            self.text(element, type_, text_of(element))

    def attributes(
        self, element: etree._Element, type_: Type, attributes: Attributes
    ) -> tuple[Type, Mapping[str, str]]:
        """Check the attributes; return the type to go on with (another one where xsi:type says so), and a mapping."""
        if type_ is UNCHECKED:
            return type_, dict(attributes)
        before, declared, kept = len(self.faults), type_, True
        found = 0
        for name, value in attributes:
            known = type_.attributes.get(name)
            if known is None:
                type_ = self._unknown_attribute(element, type_, name)
                kept = False
                continue
            found += name in type_.required
            check, type_name = known
            fault = check(value)
            if fault is not None:
                self._fault(element, fault)
            elif type_name == "ID":
                self._identifier(element, collapse(value))
                kept = False
        if found < len(type_.required):
            self._missing_attributes(element, type_)
        if not attributes:
            return type_, NO_ATTRIBUTES
        mapping = dict(attributes)
        sound = kept and not self.full and len(self.faults) == before
        if sound and len(declared.usual) < _USUAL and sum(map(len, mapping.values())) <= _USUAL_LENGTH:
            declared.usual[attributes] = mapping
        return type_, mapping

    def _identifier(self, element: etree._Element, identifier: str) -> None:
        if identifier in self._ids:
            self._fault(element, f"cvc-id.2: There are multiple occurrences of ID value '{identifier}'.")
        self._ids.add(identifier)

    def _unknown_attribute(self, element: etree._Element, type_: Type, name: str) -> Type:
        if type_.anything and name not in (_XSI_TYPE, _XSI_NIL):
            return type_
        shown = _shown(element)
        if name == _XSI_TYPE:
            return self._retyped(element, type_)
        if name == _XSI_NIL:
            self._fault(
                element,
                f"cvc-elt.3.1: Attribute 'xsi:nil' must not appear on element '{shown}', because the {{nillable}} "
                f"property of '{shown}' is false.",
            )
        elif name not in _XSI_ALLOWED:
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
