"""The hardened XML parser and the namespaces of a UBL invoice.

Every room reads XML through `parse`: no DTD, no entities, no network, bounded size and depth. Source: the stamp
standard, section 3.1 step 1, and the document standard, section 11.
"""

import re
import threading
from collections.abc import Iterator
from functools import cache
from math import isqrt
from typing import Final

from lxml import etree

from khatm.document.errors import UnreadableReason, UnreadableXml

INV: Final = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
CAC: Final = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
CBC: Final = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
EXT: Final = "urn:oasis:names:specification:ubl:schema:xsd:CommonExtensionComponents-2"
SIG: Final = "urn:oasis:names:specification:ubl:schema:xsd:CommonSignatureComponents-2"
SAC: Final = "urn:oasis:names:specification:ubl:schema:xsd:SignatureAggregateComponents-2"
SBC: Final = "urn:oasis:names:specification:ubl:schema:xsd:SignatureBasicComponents-2"
DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"

NAMESPACES: Final = {
    "inv": INV,
    "cac": CAC,
    "cbc": CBC,
    "ext": EXT,
    "sig": SIG,
    "sac": SAC,
    "sbc": SBC,
    "ds": DS,
    "xades": XADES,
}
"""Prefix to namespace, for XPath. The document element's own prefix is `inv` here and none in documents."""

_PREFIXES = {uri: prefix for prefix, uri in NAMESPACES.items()}

MAX_BYTES: Final = 32 * 1024 * 1024
MAX_DEPTH: Final = 256
"""The parser's own limit, which costs nothing; a stamped invoice is 15 levels deep."""

STRICT_DEPTH: Final = 128
STRICT_ELEMENTS: Final = 500_000
STRICT_ATTRIBUTES: Final = 1000
"""Attributes and namespace declarations of one element; readers need quadratic time for them."""

STRICT_SCOPES: Final = 150_000_000
"""Elements times the square of the namespaces in scope; half a million elements may have seventeen each."""
_STRIDE: Final = STRICT_ATTRIBUTES // 2 * len(' a=""')
"""Bytes: half of what more attributes than are allowed take at least."""
_SOON_WALKED: Final = 40_000
"""Opening brackets, those of end tags included."""
LONGEST_PATH: Final = 1000
"""Characters of an XPath; the longest of an invoice has about 350."""

_SHORTEST: Final = len("<a/>")
_NO_ELEMENT: Final = re.compile(rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>", re.DOTALL)
_QUOTED: Final = re.compile(rb"\"[^\"]*\"|'[^']*'")
_UTF16_STARTS: Final = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")
_REASON_BY_CODE: dict[int, UnreadableReason] = {
    etree.ErrorTypes.ERR_DOCUMENT_EMPTY: "empty",
    etree.ErrorTypes.ERR_INVALID_CHAR: "not-well-formed",
    etree.ErrorTypes.ERR_INVALID_ENCODING: "encoding",
    etree.ErrorTypes.ERR_UNSUPPORTED_ENCODING: "encoding",
    etree.ErrorTypes.ERR_UNKNOWN_ENCODING: "encoding",
}

_string = etree.XPath("string()", smart_strings=False)
_here = threading.local()  # one parser per thread: lxml serialises the users of a shared one


def parse(data: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> etree._ElementTree:
    """Parse XML bytes into a tree, keeping comments and processing instructions.

    `max_bytes` bounds the input, `max_depth` the levels of elements (256 at most).
    Raises UnreadableXml with the reason: empty, too-large, too-deep, doctype, encoding, not-well-formed or
    resource-limit.
    """
    tree = _parsed(data, max_bytes, max_depth)
    if max_depth < MAX_DEPTH and _deeper_than(max_depth, tree):
        raise UnreadableXml("too-deep", line=1, column=1, allowed=str(max_depth))
    return tree


def _parsed(data: bytes, max_bytes: int, max_depth: int) -> etree._ElementTree:
    if len(data) > max_bytes:
        raise UnreadableXml("too-large", found=str(len(data)), allowed=str(max_bytes))
    if not data.strip():
        raise UnreadableXml("empty", line=1, column=1)
    _refuse_doctype(data)
    parser = _parser()
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise _unreadable(error, max_depth) from None
    for entry in parser.error_log:  # an undeclared prefix gets by where a mere warning is the parser's last word
        if entry.level >= etree.ErrorLevels.ERROR:
            raise UnreadableXml("not-well-formed", line=entry.line, column=entry.column, found=entry.message)
    tree = root.getroottree()
    if tree.docinfo.internalDTD is not None:  # a declaration that an unusual encoding hid from the scan
        raise UnreadableXml("doctype", line=1)
    return tree


def parse_strictly(data: bytes, *, max_bytes: int = MAX_BYTES, walked: bool = False) -> etree._ElementTree:
    """Parse XML as the authority's profile takes it: UTF-8, XML 1.0, at most 128 levels and 500,000 elements.

    Who has it `walked` (`khatm.document.walk`) counts the levels there, which saves going through the elements twice;
    so many that the walk to a level too deep could take longer than 0.1 s are looked at here all the same.
    Raises UnreadableXml as `parse` does, with the reason encoding, version, too-many-elements, too-many-attributes or
    too-many-namespaces for what only the profile refuses.
    """
    if len(data) <= max_bytes:
        _refuse_crowds(data)
    tree = _parsed(data, max_bytes, STRICT_DEPTH)
    if not (walked and data.count(b"<") < _SOON_WALKED) and _deeper_than(STRICT_DEPTH, tree):
        raise UnreadableXml("too-deep", line=1, column=1, allowed=str(STRICT_DEPTH))
    encoding = (tree.docinfo.encoding or "UTF-8").upper()
    if encoding not in ("UTF-8", "US-ASCII") or data.startswith(_UTF16_STARTS):
        found = "UTF-16" if data.startswith(_UTF16_STARTS) else encoding
        raise UnreadableXml("encoding", line=1, column=1, found=f"{found} instead of UTF-8")
    if tree.docinfo.xml_version != "1.0":
        raise UnreadableXml("version", line=1, found=str(tree.docinfo.xml_version), allowed="1.0")
    _refuse_namespaces(data)
    return tree


def text_of(element: etree._Element | None) -> str:
    """Return the string value of an element (all its text, comments left out); empty for none."""
    if element is None:
        return ""
    if len(element) == 0:
        return element.text or ""
    return str(_string(element))


def line_of(element: etree._Element) -> int | None:
    """Return the line of the element's start tag in the source, counted from 1."""
    line: object = element.sourceline
    return line if isinstance(line, int) else None


class Paths:
    """XPaths to the elements of one tree that does not change; asked for many, it counts siblings once."""

    def __init__(self) -> None:
        self._places: dict[etree._Element, int] = {}
        self._above: dict[etree._Element, str] = {}

    def of(self, element: etree._Element) -> str:
        """Return an XPath to the element: `/Invoice/cac:InvoiceLine[2]/cbc:ID[1]`, with the prefixes of NAMESPACES.

        It is cut where it is absurdly long.
        """
        parent, name = element.getparent(), etree.QName(element)
        if parent is None:
            return shortened(f"/{name.localname}", LONGEST_PATH)
        if parent not in self._above:
            self._above[parent] = self.of(parent)
        above = self._above[parent]
        if len(above) > LONGEST_PATH:
            return above
        known = _PREFIXES.get(name.namespace or "")
        written = f"{known}:{name.localname}" if known else f"Q{{{name.namespace or ''}}}{name.localname}"
        return shortened(f"{above}/{written}[{self._place(element, parent)}]", LONGEST_PATH)

    def _place(self, element: etree._Element, parent: etree._Element) -> int:
        if element not in self._places:
            self._places.update({each: place for place, each in enumerate(parent.iterchildren(element.tag), 1)})
        return self._places[element]


def shortened(text: str, most: int) -> str:
    """Return a text of at most so many characters, with an ellipsis for the rest."""
    return text if len(text) <= most else f"{text[:most]}…"


def _parser() -> etree.XMLParser:
    parser: etree.XMLParser | None = getattr(_here, "parser", None)
    if parser is None:
        parser = _here.parser = _parser_with(None)
    return parser


def _parser_with(target: "_Scope | None") -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        attribute_defaults=False, remove_blank_text=False, recover=False, collect_ids=False,
        target=target,  # type: ignore[arg-type]  # hears of namespaces alone
    )  # fmt: skip


def _refuse_doctype(data: bytes) -> None:
    """Look for a DOCTYPE in the prolog before the parser sees it, so that no entity is ever defined."""
    if data.startswith(_UTF16_STARTS):
        data = data.decode("utf-16", "replace").encode("utf-8", "replace")
    place = 0
    while (place := data.find(b"<", place)) >= 0:
        if data.startswith(b"<!DOCTYPE", place):
            line, column = data.count(b"\n", 0, place) + 1, place - data.rfind(b"\n", 0, place)
            raise UnreadableXml("doctype", line=line, column=column)
        if data.startswith(b"<!--", place):
            place = data.find(b"-->", place)
        elif data.startswith(b"<?", place):
            place = data.find(b"?>", place)
        else:
            return  # the root begins: what follows is text in a comment or CDATA section
        if place < 0:
            return


def _refuse_crowds(data: bytes) -> None:
    """Count start tags and the attributes of each in the bytes, before memory is spent on a tree."""
    if len(data) > _SHORTEST * STRICT_ELEMENTS and (signs := data.count(b"<")) > STRICT_ELEMENTS:
        bare = data
        if b"<!" in data or b"<?" in data:
            bare = _NO_ELEMENT.sub(b"", data)
            signs = bare.count(b"<") - bare.count(b"<!") - bare.count(b"<?")
        elements = signs - bare.count(b"</")
        if elements > STRICT_ELEMENTS:
            raise UnreadableXml("too-many-elements", found=str(elements), allowed=str(STRICT_ELEMENTS))
    for piece in _long_pieces(data):
        if piece.count(b"=") > STRICT_ATTRIBUTES and not piece.startswith((b"!", b"?")):
            attributes = _QUOTED.sub(b"", piece).partition(b">")[0].count(b"=")
            if attributes > STRICT_ATTRIBUTES:
                raise UnreadableXml("too-many-attributes", found=str(attributes), allowed=str(STRICT_ATTRIBUTES))


def _long_pieces(data: bytes) -> Iterator[bytes]:
    """Yield what stands between two opening brackets wherever that has room for more attributes than are allowed.

    Such a piece holds a whole stride without a bracket; looking for one in each stride is much cheaper than splitting.
    """
    at = 0
    while at < len(data):
        if data.find(b"<", at, at + _STRIDE) >= 0:
            at += _STRIDE
            continue
        start = data.rfind(b"<", 0, at) + 1
        at = data.find(b"<", at + _STRIDE)
        if at < 0:
            at = len(data)
        yield data[start:at]


def _refuse_namespaces(data: bytes) -> None:
    """Look how many namespaces are declared at one place: the canonical form takes their square for each element."""
    declarations = data.count(b"xmlns")
    if declarations**2 * STRICT_ELEMENTS <= STRICT_SCOPES:
        return
    elements = max(data.count(b"<") - data.count(b"</"), 1)
    if declarations**2 * elements <= STRICT_SCOPES:
        return
    scope = _Scope()
    etree.fromstring(data, _parser_with(scope))
    if scope.most**2 * elements > STRICT_SCOPES:
        allowed = str(isqrt(STRICT_SCOPES // elements))
        raise UnreadableXml("too-many-namespaces", line=1, found=str(scope.most), allowed=allowed)


class _Scope:
    """Hears of every declaration and keeps the greatest number in force at once."""

    def __init__(self) -> None:
        self._now = self.most = 0

    def start_ns(self, prefix: str, uri: str) -> None:
        self._now += 1
        self.most = max(self.most, self._now)

    def end_ns(self, prefix: str) -> None:
        self._now -= 1

    def close(self) -> None:
        pass


def _unreadable(error: etree.XMLSyntaxError, max_depth: int) -> UnreadableXml:
    line, column = error.position
    message = str(error.msg).rsplit(", line ", 1)[0]
    code: int = getattr(error, "code", 0)
    if "depth" in message:
        return UnreadableXml("too-deep", line=line, column=column, allowed=str(max_depth))
    if code == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
        return UnreadableXml("resource-limit", line=line, column=column, found=message)
    reason = _REASON_BY_CODE.get(code, "not-well-formed")
    if reason == "empty" and "empty" not in message:
        reason = "not-well-formed"
    return UnreadableXml(reason, line=line, column=column, found=message)


def _deeper_than(levels: int, tree: etree._ElementTree) -> bool:
    return bool(_level(levels + 1)(tree))


@cache
def _level(number: int) -> etree.XPath:
    return etree.XPath(f"boolean({'/*' * number})")
