"""At which line of a document each finding stands.

A finding names an element by an XPath with positions; the lines come from a second reading of the same bytes.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final
from xml.parsers import expat  # only on what the hardened parser has accepted: no DTD, no entities

from khatm.document.xml import NAMESPACES
from khatm.rules.catalogue import explain
from khatm.rules.findings import Finding

_PREFIXES: Final = {uri: prefix for prefix, uri in NAMESPACES.items()}
_ROOT: Final = re.compile(r"/(?:Q\{[^}]*\}|\w+:)?[^/\[{]+(?:\[1\])?")
_PREDICATE: Final = re.compile(r"\[[^\]]*\]")
_REFERENCE: Final = re.compile(r"\[cbc:ID='(\w+)'\]")
_POSITION: Final = re.compile(r"line (\d+), column (\d+)")

_CHECKED_AT: Final = {
    "stamp_present": "/ext:UBLExtensions[1]",
    "cac_signature_present": "/cac:Signature[1]",
    "invoice_digest": "/ds:Reference[1]/ds:DigestValue[1]",
    "signed_properties_digest": "/ds:Reference[2]/ds:DigestValue[1]",
    "certificate_single_line": "/ds:X509Certificate[1]",
    "certificate_readable": "/ds:X509Certificate[1]",
    "certificate_digest": "/xades:CertDigest[1]/ds:DigestValue[1]",
    "issuer_name": "/ds:X509IssuerName[1]",
    "serial_number": "/ds:X509SerialNumber[1]",
    "signature_value": "/ds:SignatureValue[1]",
}
"""Where the value stands that a check of the stamp looks at; the check itself is about the whole document."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an element begins; both count from 1, the column in characters."""

    line: int
    column: int


def find_places(xml: bytes, findings: Iterable[Finding], *, readable: bool) -> list[Place]:
    """Return where each finding stands: the element that its rule looks at, else the one that it names.

    `readable` tells that the hardened parser read the document; otherwise only the place of the mistake is known.
    """
    index = _Index() if readable else None
    if index is not None:
        index.read(xml)
    return [_place(each, index) for each in findings]


def _place(finding: Finding, index: "_Index | None") -> Place:
    told = _POSITION.fullmatch(finding.location)
    if told is not None:
        return Place(int(told[1]), int(told[2]))
    if index is None:
        return Place(1, 1)
    named = _ROOT.sub("", finding.location, count=1)
    if named not in index.places:
        named = ""
    if finding.rule in _CHECKED_AT:
        path = index.ending(_CHECKED_AT[finding.rule])
    elif finding.rule.startswith("qr_"):
        path = index.references.get("QR", "")
    else:
        path = index.below(named, _fields(finding.rule))
    return index.places.get(path or named, Place(1, 1))


@cache
def _fields(rule: str) -> tuple[str, ...]:
    """Return the paths of the terms that a rule is about, below the document element, without attributes."""
    entry = explain(rule)
    terms = [explain(each, "term") for each in (entry.fields if entry else ())]
    return tuple(each.term.xpath.partition("/@")[0] for each in terms if each is not None and each.term is not None)


class _Index:
    """Every element of a document by its path below the document element."""

    def __init__(self) -> None:
        self.places: dict[str, Place] = {}
        self.references: dict[str, str] = {}
        """The ID of an additional document reference (QR, PIH) to its path."""
        self._paths: list[str] = []
        self._counts: list[dict[str, int]] = []
        self._text: list[str] = []

    def read(self, xml: bytes) -> None:
        """Read a document that the hardened parser has accepted."""
        parser = expat.ParserCreate(namespace_separator="}")
        self._parser = parser
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.Parse(xml, True)

    def ending(self, suffix: str | None) -> str:
        """Return the first path with this ending, the document element's if there is none."""
        if suffix is None:
            return ""
        return next((path for path in self.places if path.endswith(suffix)), "")

    def below(self, path: str, fields: Iterable[str]) -> str:
        """Return the first of these fields that stands within an element, at its first place; empty if none does."""
        for field in fields:
            reference = _REFERENCE.search(field)
            base = self.references.get(reference[1], path) if reference is not None and not path else path
            wanted, names = "/" + _PREDICATE.sub("", field), _PREDICATE.sub("", base)
            if wanted.startswith(f"{names}/"):
                steps = wanted.removeprefix(f"{names}/").split("/")
                found = base + "".join(f"/{step}[1]" for step in steps)
                if found in self.places:
                    return found
        return ""

    def _start(self, name: str, _attributes: object) -> None:
        path = ""
        if self._paths:
            namespace, _, local = name.rpartition("}")
            prefix = _PREFIXES.get(namespace)
            step = f"{prefix}:{local}" if prefix else f"Q{{{namespace}}}{local}"
            position = self._counts[-1][step] = self._counts[-1].get(step, 0) + 1
            path = f"{self._paths[-1]}/{step}[{position}]"
        self.places[path] = Place(self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1)
        self._paths.append(path)
        self._counts.append({})
        self._text.clear()

    def _end(self, _name: str) -> None:
        path = self._paths.pop()
        self._counts.pop()
        if path.endswith("/cbc:ID[1]") and "/cac:AdditionalDocumentReference" in path:
            self.references.setdefault("".join(self._text).strip(), path.removesuffix("/cbc:ID[1]"))
        self._text.clear()
