"""The canonical form taken from the source itself: many programs spell it so, and making it anew takes twice the time.

What is looked for is only whether a document that the parser took without error is spelt as Canonical XML spells it,
but for empty tags and a usual order of attributes; whatever is not certain gives None. Source: Canonical XML 1.1,
section 2.3; the stamp standard, sections 3 and 4.5.
"""

import re
from functools import cache, lru_cache
from typing import Final, NamedTuple

from lxml import etree

from khatm.document.errors import UnreadableXml
from khatm.document.xml import CAC, CBC, MAX_BYTES, parse

_DECLARATION: Final = re.compile(rb'(?:<\?xml version="1\.0"(?: encoding="[Uu][Tt][Ff]-8")?\?>)?+[ \t\n]*+')
_LONGEST_START: Final = 4096
"""Bytes of a root start tag, which is kept for the next document."""
_START: Final = rb'<[A-Za-z:]++(?: xmlns(?::(?!xml=)[A-Za-z]++)?+="[a-z]++:[A-Za-z0-9:/.#_-]++")*+>'
_PREFIX: Final = rb' xmlns:?([A-Za-z]*)="'
_NEEDED: Final = tuple(f' xmlns:{prefix}="{uri}"'.encode() for prefix, uri in (("cac", CAC), ("cbc", CBC)))

# No `>` stands but at the end of a tag, after a name, a quote or a slash: so no comment, instruction or CDATA section
# ends here. Of two attributes the usual pairs are known in their order; no attribute declares a namespace.
_VALUE = rb'="[ !#-%\'-;=?-~\x80-\xff]*+"'
_NAME = rb"[A-Za-z:]++"
_ATTRIBUTES = rb"(?: (?:schemeAgencyID%b schemeID|filename%b mimeCode|(?!xmlns=)[A-Za-z]++)%b)?+" % ((_VALUE,) * 3)
_TEXT = rb"[\t\n -%'-;=?-\xff]*+"
_CONTENT: Final = rb"%b(?:</?+%b%b>%b(?:&(?:amp|lt|gt);%b)*+)*+" % (_TEXT, _NAME, _ATTRIBUTES, _TEXT, _TEXT)
_EMPTY: Final = rb"<(%b)(%b)[ \t\n]*+/>" % (_NAME, _ATTRIBUTES)
_MOST_EMPTY: Final = 64
"""Empty tags that are written as two; a document of many takes the other way."""

_SORTED: Final = tuple(
    (
        f'<cbc:ID schemeID="{list_id}" schemeAgencyID="6">'.encode(),
        f'<cbc:ID schemeAgencyID="6" schemeID="{list_id}">'.encode(),
    )
    for list_id in ("UN/ECE 5305", "UN/ECE 5153")
)
"""Tags of the official samples, whose attributes the canonical form sorts."""

_EXTENSIONS: Final = (b"<ext:UBLExtensions>", b"</ext:UBLExtensions>")
_SIGNATURE: Final = (b"<cac:Signature>", b"</cac:Signature>")
_LONGEST_EXTENSIONS: Final = 16_384
_VALUES: Final = re.compile(rb"[A-Za-z0-9+/=:.TZ-]*+<")
_VALUE_TAGS: Final = (b"<ds:DigestValue>", b"<ds:DigestValue>", b"<ds:SignatureValue>", b"<xades:SigningTime>")
"""What stands before the values that differ between the stamps of a certificate, in their order."""
_REFERENCE: Final = b"AdditionalDocumentReference"
_REFERENCE_START: Final = b"<cac:AdditionalDocumentReference>"
_REFERENCE_END: Final = b"</cac:AdditionalDocumentReference>"
_QR: Final = b"<cbc:ID>QR</cbc:ID>"
_BLANKS: Final = b" \t\n"
_LINE: Final = (b"<cac:InvoiceLine>", b"</cac:InvoiceLine>")
_OTHERS: Final = etree.XPath("boolean(*[not(self::cac:InvoiceLine)])", namespaces={"cac": CAC})
_LONG: Final = 131_072
_PART: Final = 65_536
"""Bytes of lines: those of a longer document are parsed in parts of about this size, which the processor's cache holds
with their tree."""
_SHORT: Final = re.compile(b"QR")
"""The search of a pattern takes a third of what `in` takes to find two bytes."""


def mentions_stamp(text: bytes, at: int = 0, end: int | None = None) -> bool:
    """Whether a text has a name of the stamp's parts from a place on; only the parser can tell if it belongs to one."""
    end = len(text) if end is None else end
    named = text.find(b"UBLExtensions", at, end) >= 0 or text.find(b"Signature", at, end) >= 0
    return named or _SHORT.search(text, at, end) is not None


def without_extensions(xml: bytes) -> bytes:
    """Return a file without the extensions that begin its content if those are well-formed, else the file as it is.

    It saves parsing them: all stamps of a certificate differ in four values, and what is around those is parsed once.
    """
    head_begin, head_end = _root_start(xml)
    begin = xml.find(_EXTENSIONS[0], head_end, head_end + _LONGEST_START)
    end = xml.find(_EXTENSIONS[1], begin, begin + _LONGEST_EXTENSIONS)
    if begin < 0 or end < 0 or xml[head_end:begin].strip(_BLANKS) or len(xml) > MAX_BYTES:
        return xml
    end += len(_EXTENSIONS[1])
    head, element = xml[head_begin:head_end], xml[begin:end]
    if b"!" in element or not _is_canonical_start(head) or not _is_well_formed(head, _frame_of(element)):
        return xml
    return xml[:begin] + xml[end:]


def parse_plain(xml: bytes) -> etree._ElementTree:
    """Parse a file of which the canonical form is known here; the tree of a long one has no lines.

    No comment, instruction or CDATA section is in such a file, so whole lines can be parsed by themselves, if nothing
    else stands between them. Raises UnreadableXml, with places in a part.
    """
    first, end = xml.find(_LINE[0]), xml.rfind(_LINE[1]) + len(_LINE[1])
    if first < 0 or end - first < _LONG or len(xml) > MAX_BYTES:
        return parse(xml)
    head_begin, head_end = _root_start(xml)
    root_end = _end_tag(xml[head_begin:head_end])
    begin = first
    while begin < end:
        stop = xml.find(_LINE[0], begin + _PART, end)
        stop = end if stop < 0 else stop
        part = parse(b"".join((xml[:head_end], xml[begin:stop], root_end)))
        if _OTHERS(part):
            return parse(xml)
        begin = stop
    return parse(xml[:first] + xml[end:])


def _root_start(xml: bytes) -> tuple[int, int]:
    """Return where the root's start tag begins and ends if nothing but a declaration stands before it."""
    declaration = _DECLARATION.match(xml)
    begin = declaration.end() if declaration else 0
    return begin, xml.find(b">", begin, begin + _LONGEST_START) + 1


def _frame_of(extensions: bytes) -> bytes:
    """Leave the values out that differ between the stamps of a certificate, as far as they are plain.

    Inside a comment they could matter, so there must be none.
    """
    pieces, at = [], 0
    for tag in _VALUE_TAGS:
        place = extensions.find(tag, at) + len(tag)
        value = _VALUES.match(extensions, place)
        if place < len(tag) or value is None:
            break
        pieces.append(extensions[at:place])
        at = value.end() - 1
    return b"".join((*pieces, extensions[at:]))


@lru_cache(maxsize=64)
def _is_well_formed(head: bytes, element: bytes) -> bool:
    """Whether a text is one whole element below a root start tag."""
    try:
        root = parse(head + element + _end_tag(head)).getroot()
    except UnreadableXml:
        return False
    return len(root) == 1


class Span(NamedTuple):
    """A part of a text, so that a long document need not be copied."""

    text: bytes
    begin: int
    end: int


def canonical_source(xml: bytes) -> Span | None:
    """Return the canonical form of a document without its stamp if the source holds these very bytes, else None.

    `xml` is what `khatm.document.xml.parse` took without error; of other bytes the answer says nothing.
    """
    begin, head_end = _root_start(xml)
    end = xml.rfind(b">") + 1
    if not _is_canonical_start(xml[begin:head_end]) or xml[end:].strip(_BLANKS):
        return None
    text = xml
    if mentions_stamp(text, head_end):
        text = _without_stamp(xml[begin:end], head_end - begin)
        begin, head_end, end = 0, head_end - begin, len(text)
        if mentions_stamp(text, head_end):
            return None
    plain = _patterns()[0].match(text, head_end, end)
    if plain is not None and plain.end() == end:
        return Span(text, begin, end)
    canonical = _spelt_out(text[head_end:end])
    return Span(text[begin:head_end] + canonical, 0, head_end - begin + len(canonical)) if canonical else None


def canonical_pieces(xml: bytes) -> list[bytes | memoryview] | None:
    """Return the canonical form of a document without its stamp, as pieces of the source, if it is spelt so.

    As `canonical_source`, for a document that the parser took as it is, with its extensions; hardly anything is copied.
    """
    begin, head_end = _root_start(xml)
    end = xml.rfind(b">") + 1
    if not _is_canonical_start(xml[begin:head_end]) or xml[end:].strip(_BLANKS) or len(xml) > MAX_BYTES:
        return None
    plain, whole = _patterns()[0], memoryview(xml)
    pieces: list[bytes | memoryview] = [whole[begin:head_end]]
    at = head_end
    for cut_begin, cut_end in (*_stamp_places(xml, head_end), (end, end)):
        if cut_begin < at or mentions_stamp(xml, at, cut_begin):
            return None
        found = plain.match(xml, at, cut_begin)
        piece = whole[at:cut_begin] if found and found.end() == cut_begin else _spelt_out(xml[at:cut_begin])
        if not piece and at < cut_begin:
            return None
        pieces.append(piece)
        at = cut_end
    return pieces


def _stamp_places(xml: bytes, at: int) -> list[tuple[int, int]]:
    """Return where the parts of a stamp stand behind a place, in order, as far as they are spelt as expected."""
    extensions = _element(xml, xml.find(_EXTENSIONS[0], at, at + _LONGEST_START), _EXTENSIONS[1])
    at = extensions[1] if extensions else at
    signature = _element(xml, xml.find(_SIGNATURE[0], at), _SIGNATURE[1])
    identified = xml.find(_QR, at)
    reference = xml.rfind(_REFERENCE_START, at, max(identified, at))
    qr = None
    if not xml[reference + len(_REFERENCE_START) : identified].strip(_BLANKS):
        qr = _element(xml, reference, _REFERENCE_END)
    return sorted(place for place in (extensions, signature, qr) if place is not None)


def _element(xml: bytes, begin: int, end_tag: bytes) -> tuple[int, int] | None:
    """Return begin and end of an element if the end is certain: nothing hides it, no other reference stands inside."""
    end = xml.find(end_tag, begin) if begin >= 0 else -1
    if end < 0 or xml.find(b"!", begin, end) >= 0 or xml.find(b"?", begin, end) >= 0:
        return None
    if xml.count(_REFERENCE, begin + 1, end) > 1:
        return None
    return begin, end + len(end_tag)


@lru_cache(maxsize=64)
def _is_canonical_start(tag: bytes) -> bool:
    """Whether a root start tag is canonical and binds the prefixes of the stamp's elements."""
    prefixes = re.findall(_PREFIX, tag)
    return (
        re.fullmatch(_START, tag) is not None and prefixes == sorted(prefixes) and all(each in tag for each in _NEEDED)
    )


def _end_tag(start_tag: bytes) -> bytes:
    name = start_tag[1:].split(b" ")[0].rstrip(b">")
    return b"</%b>" % name


@cache
def _patterns() -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Compile the patterns of content and of empty tags, when first needed: many who load this never do."""
    return re.compile(_CONTENT), re.compile(_EMPTY)


def _spelt_out(content: bytes) -> bytes:
    """Return the canonical text of what may be spelt a little otherwise; nothing where there is more to change."""
    for written, canonical in _SORTED:
        content = content.replace(written, canonical)
    plain, empty = _patterns()
    pieces: list[bytes] = []
    at = 0
    while len(pieces) <= 2 * _MOST_EMPTY:
        found = plain.match(content, at)
        end = found.end() if found else at
        pieces.append(content[at:end])
        if end == len(content):
            return b"".join(pieces)
        tag = empty.match(content, end)
        if tag is None:
            break
        pieces.append(b"<%b%b></%b>" % (tag[1], tag[2], tag[1]))
        at = tag.end()
    return b""


def _without_stamp(text: bytes, at: int) -> bytes:
    """Cut the parts of a stamp out of the text behind a place, as far as they are spelt as expected."""
    text = _without(text, text.find(_SIGNATURE[0], at), _SIGNATURE[1])
    identified = text.find(_QR, at)
    begin = text.rfind(_REFERENCE_START, at, max(identified, at))
    between = text[begin + len(_REFERENCE_START) : identified]
    if begin < 0 or between.strip(_BLANKS):
        return text
    return _without(text, begin, _REFERENCE_END)


def _without(text: bytes, begin: int, end_tag: bytes) -> bytes:
    """Cut an element out if its end is certain."""
    place = _element(text, begin, end_tag)
    return text if place is None else text[: place[0]] + text[place[1] :]
