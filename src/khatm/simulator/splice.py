"""Where the stamp's three parts stand, or belong, in the bytes of a received document.

Clearance changes those parts and nothing else: spelling, line ends, comments and white space of the document
remain as they came. Source: gateway contract, section 8.3; stamp standard, section 4.5 (source splice).
"""

import codecs
import re
from dataclasses import dataclass
from typing import Final
from xml.parsers import expat

from khatm.document.xml import CAC, CBC, EXT, INV
from khatm.simulator.errors import UnclearableDocument
from khatm.simulator.usual_splice import Unusual, usual_parts

_SEPARATOR: Final = "\f"  # a form feed cannot occur in a document, so no namespace name can hold it
_ROOT: Final = f"{INV}{_SEPARATOR}Invoice"
_SUPPLIER: Final = f"{CAC}{_SEPARATOR}AccountingSupplierParty"
_ID: Final = f"{CBC}{_SEPARATOR}ID"
_STAMP_NAMES: Final = ("UBLExtensions", "Signature", "AdditionalDocumentReference")
"""Names of the parts, in whatever namespace: so the hash leaves them out (stamp standard 3.2)."""
_TAG_END: Final = re.compile(rb"""[^>"']*(?:"[^"]*"[^>"']*|'[^']*'[^>"']*)*>""")
_DECLARATION: Final = re.compile(r"\A<\?xml\s[^>]*\?>")
_DECLARED_ENCODING: Final = re.compile(r"""(\sencoding\s*=\s*)(["'])([A-Za-z][A-Za-z0-9._-]*)\2""")
_BYTE_ORDER_MARKS: Final = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_WIDE_STARTS: Final = ((b"<\x00", "utf-16-le"), (b"\x00<", "utf-16-be"))


@dataclass(frozen=True, slots=True)
class Places:
    """A document's source in UTF-8, cut where the stamp's parts go; joined, the pieces are the unstamped document."""

    head: bytes
    """Up to the end of the root's start tag: the extensions follow."""
    body: bytes
    """Up to the supplier: the QR reference and `cac:Signature` follow."""
    tail: bytes
    unbound: frozenset[str]
    """Those of the prefixes ext, cac and cbc that the root does not bind to their UBL namespaces."""


def find_places(xml: bytes) -> Places:
    """Find the places in a well-formed document that complies with the schema, leaving out the parts that are there.

    UTF-8 sources keep every other byte; other encodings are rewritten in UTF-8, and so is their declaration.
    Raises UnclearableDocument when the document has no supplier to put the stamp before.
    """
    source = utf8_source(xml)
    try:
        return Places(*usual_parts(source), unbound=frozenset())
    except Unusual:
        return walked_places(source)


def walked_places(source: bytes) -> Places:
    """Find the places in a document in UTF-8 of any spelling, as `find_places` does."""
    walk = _Walk(source)
    walk.run()
    if walk.after_root is None or walk.supplier is None:
        raise UnclearableDocument(missing="cac:AccountingSupplierParty")
    return Places(
        head=source[: walk.after_root],
        body=_without(source, walk.cuts, walk.after_root, walk.supplier),
        tail=_without(source, walk.cuts, walk.supplier, len(source)),
        unbound=frozenset(
            prefix for prefix, uri in (("ext", EXT), ("cac", CAC), ("cbc", CBC)) if walk.prefixes.get(prefix) != uri
        ),
    )


def utf8_source(xml: bytes) -> bytes:
    """Return the document in UTF-8: as it is, or re-encoded with its declaration changed to say so.

    Raises UnclearableDocument for an encoding that cannot be decoded.
    """
    encoding = _encoding(xml)
    if encoding == "utf-8":
        return xml
    try:
        text = xml.decode(encoding).removeprefix("\ufeff")
    except (UnicodeDecodeError, LookupError):
        raise UnclearableDocument(missing=f"text in encoding {encoding}") from None
    declaration = _DECLARATION.match(text)
    if declaration is not None:
        renamed = _DECLARED_ENCODING.sub(r"\1\2UTF-8\2", declaration[0], count=1)
        text = renamed + text[declaration.end() :]
    return text.encode("utf-8")


def _encoding(xml: bytes) -> str:
    for start, encoding in (*_BYTE_ORDER_MARKS, *_WIDE_STARTS):
        if xml.startswith(start):
            return encoding
    end = xml.find(b"?>", 0, 200)
    if not xml.startswith(b"<?xml") or end < 0:
        return "utf-8"
    declared = _DECLARED_ENCODING.search(xml[:end].decode("ascii", "replace"))
    if declared is None or declared[3].lower() in ("utf-8", "utf8", "us-ascii", "ascii"):
        return "utf-8"
    return declared[3]


def _without(source: bytes, cuts: list[tuple[int, int]], begin: int, end: int) -> bytes:
    pieces = []
    for cut_begin, cut_end in cuts:
        if begin <= cut_begin < end:
            pieces.append(source[begin:cut_begin])
            begin = cut_end
    pieces.append(source[begin:end])
    return b"".join(pieces)


class _Seen(Exception):
    """Ends a walk where nothing of interest can follow."""


class _Walk:
    """One pass over the source that notes byte offsets; the tree of the other parser knows none."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.after_root: int | None = None
        self.supplier: int | None = None
        self.cuts: list[tuple[int, int]] = []
        self.prefixes: dict[str | None, str] = {}
        self._path: list[str] = []
        self._cutting: tuple[int, int] | None = None
        """Depth and first byte of the element that is being left out."""
        self._references: list[tuple[int, int, list[str]]] = []
        """Depth, first byte and ids of the open additional references."""
        self._id: list[str] | None = None
        self._parser = expat.ParserCreate("utf-8", _SEPARATOR)
        self._parser.buffer_text = True
        self._parser.StartNamespaceDeclHandler = self._declared
        self._parser.StartElementHandler = self._started
        self._parser.EndElementHandler = self._ended

    def run(self) -> None:
        try:
            self._parser.Parse(self.source, True)
        except _Seen:
            return
        except expat.ExpatError:
            raise UnclearableDocument(missing="well-formed XML") from None

    def _declared(self, prefix: str | None, uri: str) -> None:
        if not self._path:
            self.prefixes[prefix] = uri

    def _started(self, name: str, _attributes: dict[str, str]) -> None:
        path = self._path
        path.append(name)
        if self._cutting is not None:
            return
        begin = self._parser.CurrentByteIndex
        depth = len(path)
        if depth == 1:
            if name == _ROOT:
                self.after_root = self._end_of_tag(begin)
        elif (local := name.rpartition(_SEPARATOR)[2]) in _STAMP_NAMES:
            if local == "AdditionalDocumentReference":
                self._references.append((depth, begin, []))
            else:
                self._cutting = (depth, begin)
        elif name == _ID and self._references and self._references[-1][0] == depth - 1:
            self._id = []
            self._parser.CharacterDataHandler = self._id.append
        elif name == _SUPPLIER and depth == 2 and self.supplier is None:
            self.supplier = begin
            if not any(self.source.find(each.encode(), begin) >= 0 for each in _STAMP_NAMES):
                raise _Seen

    def _ended(self, name: str) -> None:
        depth = len(self._path)
        self._path.pop()
        if self._cutting is not None:
            if self._cutting[0] == depth:
                self.cuts.append((self._cutting[1], self._end_of_element(self._cutting[1])))
                self._cutting = None
        elif self._id is not None and name == _ID:
            self._parser.CharacterDataHandler = None
            self._references[-1][2].append("".join(self._id))
            self._id = None
        elif self._references and self._references[-1][0] == depth:
            _, begin, ids = self._references.pop()
            if any(each.strip(" \t\r\n") == "QR" for each in ids):
                end = self._end_of_element(begin)
                self.cuts = [cut for cut in self.cuts if cut[0] < begin]  # parts inside it go with it
                self.cuts.append((begin, end))

    def _end_of_element(self, begin: int) -> int:
        """Return the offset after the element that ends now and began at `begin`."""
        after_start_tag = self._end_of_tag(begin)
        if self.source[after_start_tag - 2 : after_start_tag] == b"/>":
            return after_start_tag
        return self.source.index(b">", self._parser.CurrentByteIndex) + 1

    def _end_of_tag(self, begin: int) -> int:
        """Return the offset after the `>` of the tag at `begin`; a bare `>` may stand inside a quoted value."""
        match = _TAG_END.match(self.source, begin)
        assert match is not None, "the parser has accepted this tag"
        return match.end()
