"""The places of a document in the usual spelling, found by searching its bytes; of any other the walk finds them.

A search may trust what it has counted: no `<` or `>` that is not a tag's, one prefix for each namespace, bound by the
root alone, and no mention of a part's name but in the part's own tags.
"""

import re
from typing import Final

from khatm.document.xml import CAC, CBC, EXT, INV

Cut = tuple[int, int]

_ROOT: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:<\?xml\s[^<>?]*\?>)?\s*<(?:([\w.-]+):)?Invoice"
    rb"""((?:\s+[\w.:-]+\s*=\s*(?:"[^"<>&]*"|'[^'<>&]*'))*)\s*>"""
)
_DECLARED: Final = re.compile(rb"""\sxmlns:?([\w.-]*)\s*=\s*["']([^"']*)""")
_BOUND: Final = {b"ext": EXT.encode(), b"cac": CAC.encode(), b"cbc": CBC.encode()}
_REFERENCE_ID: Final = re.compile(rb"<cac:AdditionalDocumentReference>\s*<cbc:ID(?:\s[^>]*)?>([^<&]*)</cbc:ID>")


class Unusual(Exception):
    """The document is spelt in a way that a search does not understand."""


def usual_parts(source: bytes) -> tuple[bytes, bytes, bytes]:
    """Return head, body and tail (see `Places`) of a well-formed document in UTF-8. Raises Unusual."""
    head = _root_tag(source)
    mentions = source.count(b"UBLExtensions") - source.count(b"UBLExtensions)")  # a stamp's XPath says it as well
    begin, end = _element(source, b"ext:UBLExtensions", mentions) or (len(head), len(head))
    rest = source[len(head) : begin] + source[end:]
    if b"xmlns" in rest or rest.count(b"<") != rest.count(b">"):
        raise Unusual
    supplier = _element(rest, b"cac:AccountingSupplierParty", rest.count(b"AccountingSupplierParty"))
    if supplier is None or not _on_top(rest[: supplier[0]]):
        raise Unusual
    cuts = _qr_references(rest)
    pointer = _element(rest, b"cac:Signature", rest.count(b"Signature") - rest.count(b"SignatureMethod"))
    if pointer is not None:
        cuts.append(pointer)
    body, tail = list[bytes](), list[bytes]()
    at = 0
    for cut in sorted([*cuts, (supplier[0], supplier[0]), (len(rest), len(rest))]):
        if cut[0] < at:
            raise Unusual
        (body if at < supplier[0] else tail).append(rest[at : cut[0]])
        at = cut[1]
    return head, b"".join(body), b"".join(tail)


def _root_tag(source: bytes) -> bytes:
    """Return what stands up to the end of the root's start tag."""
    root = _ROOT.match(source)
    if root is None or _has(source, b"!", 0) or _has(source, b"?", root.end()):
        raise Unusual
    declared = dict(_DECLARED.findall(root[2]))
    if len(set(declared.values())) < len(declared):
        raise Unusual
    if declared.get(root[1] or b"") != INV.encode() or not _BOUND.items() <= declared.items():
        raise Unusual
    return root[0]


def _has(source: bytes, sign: bytes, start: int) -> bool:
    """Tell whether a comment, a CDATA section or an instruction begins; the sign alone is found ten times as fast."""
    return source.find(sign, start) >= 0 and source.find(b"<" + sign, start) >= 0


def _element(source: bytes, name: bytes, mentions: int) -> Cut | None:
    """Return the only element of a name, None where `mentions` of it are none."""
    if not mentions:
        return None
    begin, end = source.find(b"<%b>" % name), source.find(b"</%b>" % name)
    if mentions != 2 or begin < 0 or end < 0:
        raise Unusual
    return begin, end + len(name) + 3


def _qr_references(rest: bytes) -> list[Cut]:
    found = []
    begin = end = mentions = 0
    while (begin := rest.find(b"<cac:AdditionalDocumentReference>", end)) >= 0:
        number = _REFERENCE_ID.match(rest, begin)
        end = rest.find(b"</cac:AdditionalDocumentReference>", begin) + len(b"</cac:AdditionalDocumentReference>")
        if number is None or rest.count(b"<cbc:ID", begin, end) > 1:
            raise Unusual
        mentions += 2
        if number[1].strip(b" \t\r\n") == b"QR":
            found.append((begin, end))
    if rest.count(b"AdditionalDocumentReference") != mentions:
        raise Unusual
    return found


def _on_top(before: bytes) -> bool:
    """Tell whether all that was opened is closed again."""
    ended = before.count(b"</")
    return before.count(b"<") - before.count(b"/>") == 2 * ended
