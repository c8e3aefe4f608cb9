"""The rule corpus: base documents plus short edits, as two families of cases write them."""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

NAMESPACES = {
    "ubl": "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2",
    "inv": "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2",
    "cn": "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2",
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
    "ext": "urn:oasis:names:specification:ubl:schema:xsd:CommonExtensionComponents-2",
    "sig": "urn:oasis:names:specification:ubl:schema:xsd:CommonSignatureComponents-2",
    "sac": "urn:oasis:names:specification:ubl:schema:xsd:SignatureAggregateComponents-2",
    "sbc": "urn:oasis:names:specification:ubl:schema:xsd:SignatureBasicComponents-2",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
    "xades": "http://uri.etsi.org/01903/v1.3.2#",
}
_PARSER = etree.XMLParser(strip_cdata=False, resolve_entities=False)
_DECLARATIONS = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())


@dataclass(frozen=True)
class RuleCase:
    """One case: the edited document and what the official stylesheets say about it.

    `expected` is the case's entry of `expected.json` as it stands; `schema_valid` the verdict of the UBL 2.1 schema.
    """

    id: str
    base: Path
    ops: tuple[tuple[Any, ...], ...]
    schema_valid: bool
    expected: dict[str, Any]

    def tree(self) -> etree._ElementTree:
        """Return the edited document."""
        root = deepcopy(_base(self.base))
        for op in self.ops:
            apply(root, op)
        return root

    def xml(self) -> bytes:
        """Return the edited document as UTF-8 bytes."""
        return etree.tostring(self.tree(), encoding="UTF-8", xml_declaration=True)


def en16931_cases(corpus: Path) -> Iterator[RuleCase]:
    """Yield the cases of `rules/en16931` (edits in the `khatm-patch/1` form)."""
    folder = corpus / "rules" / "en16931"
    expected = json.loads((folder / "expected.json").read_text("utf-8"))["cases"]
    for line in (folder / "cases.jsonl").read_text("utf-8").splitlines():
        case = json.loads(line)
        verdict = expected[case["id"]]
        ops = tuple(tuple(op) for op in case["ops"])
        yield RuleCase(case["id"], folder / "bases" / f"{case['base']}.xml", ops, verdict["schema"], verdict)


def ksa_cases(corpus: Path) -> Iterator[RuleCase]:
    """Yield the cases of `rules/ksa` (edits as objects, translated to the `khatm-patch/1` form)."""
    folder = corpus / "rules" / "ksa"
    data = json.loads((folder / "expected.json").read_text("utf-8"))
    for case in data["cases"]:
        ops = tuple(op for edit in case["patch"] for op in _from_object(edit))
        yield RuleCase(case["id"], folder / data["bases"][case["base"]], ops, case["xsd_valid"], case)


def apply(tree: etree._ElementTree, op: tuple[Any, ...]) -> None:
    """Apply one edit `(op, xpath, value…)` to every node that the XPath selects; it must select one."""
    name, xpath, *values = op
    nodes = tree.xpath(xpath, namespaces=NAMESPACES)
    if not nodes:
        raise LookupError(f"{xpath} selects nothing")
    if name.startswith("first-"):
        name, nodes = name.removeprefix("first-"), nodes[:1]
    for node in nodes:
        if isinstance(node, str):
            _edit_attribute(name, node, values)
        else:
            _EDITS[name](node, *values)


def _edit_attribute(name: str, node: Any, values: list[str]) -> None:
    parent = node.getparent()
    if name == "set":
        parent.set(node.attrname, values[0])
    elif name == "del":
        del parent.attrib[node.attrname]
    else:
        raise ValueError(f"{name} cannot edit an attribute")


def set_text(node: etree._Element, text: str | None) -> None:
    """Replace the content of an element by a text."""
    for child in list(node):
        node.remove(child)
    node.text = text


def _inner(node: etree._Element, fragment: str) -> None:
    wrapper = _fragment(fragment)
    set_text(node, wrapper.text)
    node.extend(list(wrapper))


def _add(node: etree._Element, fragment: str) -> None:
    node.extend(_parts(fragment))


def _first(node: etree._Element, fragment: str) -> None:
    for at, part in enumerate(_parts(fragment)):
        node.insert(at, part)


def _before(node: etree._Element, fragment: str) -> None:
    for part in _parts(fragment):
        node.addprevious(part)


def _after(node: etree._Element, fragment: str) -> None:
    for part in reversed(_parts(fragment)):
        tail, node.tail = node.tail, None
        node.addnext(part)
        node.tail = None
        part.tail = tail if part.tail is None else part.tail


def _copy(node: etree._Element) -> None:
    twin = deepcopy(node)
    node.tail = None
    node.addnext(twin)


def delete(node: etree._Element) -> None:
    """Take an element out and keep the text behind it; the document element stays."""
    parent, previous = node.getparent(), node.getprevious()
    if parent is None:
        return
    if node.tail:
        if previous is not None:
            previous.tail = (previous.tail or "") + node.tail
        else:
            parent.text = (parent.text or "") + node.tail
    parent.remove(node)


def _attr(node: etree._Element, name: str, value: str | None) -> None:
    if value is None:
        node.attrib.pop(name, None)
    else:
        node.set(name, value)


_EDITS = {
    "set": set_text, "inner": _inner, "add": _add, "first": _first, "before": _before, "after": _after,
    "copy": _copy, "del": delete, "attr": _attr,
}  # fmt: skip


def _from_object(edit: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    prefix = "" if edit.get("all") else "first-"
    match edit["op"]:
        case "text":
            yield (f"{prefix}set", edit["xpath"], edit["value"])
        case "inner":
            yield (f"{prefix}inner", edit["xpath"], edit["xml"])
        case "attr":
            yield (f"{prefix}attr", edit["xpath"], edit["name"], edit["value"])
        case "del":
            yield (f"{prefix}del", edit["xpath"])
        case "add":
            position = {"last": "add"}.get(edit["pos"], edit["pos"])
            yield (f"{prefix}{position}", edit["xpath"], edit["xml"])
        case other:
            raise ValueError(f"unknown edit {other}")


def _fragment(fragment: str) -> etree._Element:
    return etree.fromstring(f"<w {_DECLARATIONS}>{fragment}</w>", _PARSER)


def _parts(fragment: str) -> list[etree._Element]:
    return list(_fragment(fragment))


@cache
def _base(path: Path) -> etree._ElementTree:
    return etree.parse(path, _PARSER)
