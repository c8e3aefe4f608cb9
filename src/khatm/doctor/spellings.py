"""Other texts that vendors hash in place of the canonical form, each with the mistake that makes it.

Source: the stamp standard, sections 3.1 and 3.2 (what changes the hash, and the traps).
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Final, cast

from lxml import etree

from khatm.doctor.case import Case
from khatm.doctor.causes import Word
from khatm.document.xml import CBC
from khatm.stamp.canonical import INITIAL_PIH, canonicalise, is_qr_reference, remove_stamp
from khatm.stamp.errors import NotCanonical
from khatm.stamp.facts import sources

_CUT: Final = re.compile(
    rb"<((?:[\w.-]+:)?(?:UBLExtensions|Signature))(?=[\s/>])(?:[^>]*/>|.*?</\1\s*>)"
    rb"|<((?:[\w.-]+:)?AdditionalDocumentReference)(?=[\s>])[^>]*>\s*<(?:[\w.-]+:)?ID[^>]*>\s*QR\s*<.*?</\2\s*>",
    re.DOTALL,
)
_DECLARATION: Final = re.compile(rb"^\s*<\?xml[^>]*\?>")
_ANY_DECLARATION: Final = re.compile(rb' xmlns(?::[\w.-]+)?="[^"]*"')
_UNDECLARABLE: Final = re.compile(rb' xmlns:([\w.-]+)="[^"]*"')
_LINES: Final = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n',
    b'<?xml version="1.0" encoding="UTF-8"?>',
    b'<?xml version="1.0" encoding="utf-8"?>\n',
    b'<?xml version="1.0" encoding="utf-8"?>',
    b"<?xml version='1.0' encoding='UTF-8'?>\n",
    b'<?xml version="1.0"?>\n',
    b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>',
    b'<?xml version="1.0" encoding="utf-16"?>\r\n',
)
_INDENTS: Final = (
    ("indent-2", "  "),
    ("indent-4", "    "),
    ("indent-3", "   "),
    ("indent-tab", "\t"),
    ("indent-0", ""),
)
_BLANKED: Final = frozenset(
    ["DigestValue", "SignatureValue", "X509Certificate", "SigningTime", "X509IssuerName", "X509SerialNumber"]
)
_SET_LATER: Final = frozenset(["DigestValue", "SignatureValue"])
_BOM: Final = b"\xef\xbb\xbf"
_DECLARATIONS: Final = 200
"""Version 2.0 takes time that grows with the square of the namespace declarations."""
_WORK: Final = 5_000_000
"""Tags, over all trees that are made: fifty trees of an invoice of a thousand lines."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """A text that may have been hashed: the cause it would prove, the facts of that cause, the bytes.

    `checks` fail for the same reason.
    """

    code: str
    data: bytes
    facts: dict[str, str] = field(default_factory=dict)
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tried:
    """All texts of a document by their SHA-256: the place of each in `spellings`, which makes its bytes again."""

    places: dict[bytes, int]

    def find(self, case: Case, digests: Collection[bytes]) -> tuple[bytes, Spelling] | None:
        """Return the digest and the text that gives one of them, None if none does."""
        for digest in digests:
            place = self.places.get(digest)
            if place is not None:
                return digest, next(islice(spellings(case), place, None))
        return None


def tried(case: Case) -> Tried:
    """Hash every text once for a document."""
    known = case.memory.get("spellings")
    if not isinstance(known, Tried):
        known = Tried({})
        for place, each in enumerate(spellings(case)):
            known.places.setdefault(hashlib.sha256(each.data).digest(), place)
        case.memory["spellings"] = known
    return known


def spellings(case: Case) -> Iterator[Spelling]:
    """Yield the texts in the order of their likelihood, without the canonical form itself.

    Of a document of very many elements only the first ones are made.
    """
    most = _WORK // max(case.xml.count(b"<"), 1)
    for make in (_decorated, *_MAKERS):
        try:
            for each in make(case):
                most -= make is not _decorated  # those cost no tree
                if most < 0:
                    return
                if each.data != case.canonical:
                    yield each
        except (etree.LxmlError, NotCanonical, UnicodeError, ValueError):  # a form that this document has not
            continue


def _bare(case: Case) -> etree._ElementTree:
    tree = case.tree()
    remove_stamp(tree)
    return tree


def _c14n(tree: etree._ElementTree, *, exclusive: bool = False, with_comments: bool = False) -> bytes:
    made: bytes = etree.tostring(tree, method="c14n", exclusive=exclusive, with_comments=with_comments)
    return made


def _comments(case: Case) -> Iterator[Spelling]:
    yield Spelling("DOCTOR-HASH-COMMENTS", _c14n(_bare(case), with_comments=True))


def _decorated(case: Case) -> Iterator[Spelling]:
    """The canonical form with something put before, behind or between."""
    canonical = case.canonical
    for ending in (b"\n", b"\r\n"):
        yield Spelling("DOCTOR-HASH-FINAL-NEWLINE", canonical + ending)
    for line in _LINES:
        yield Spelling("DOCTOR-HASH-DECLARATION", line + canonical, {"declaration": line.decode().strip()})
    yield Spelling("DOCTOR-HASH-LINE-ENDS", canonical.replace(b"\n", b"\r\n"))
    yield Spelling("DOCTOR-HASH-LINE-ENDS", canonical.replace(b"\n", b"&#xD;\n"))
    yield Spelling("DOCTOR-HASH-BOM", _BOM + canonical)
    text = canonical.decode("utf-8")
    for encoding in ("utf-16-le", "utf-16-be", "utf-16", "cp1256", "iso-8859-6", "latin-1"):
        made = text.encode(encoding, "xmlcharrefreplace")
        yield Spelling("DOCTOR-HASH-ENCODING", made, {"encoding": encoding})
    references = text.encode("ascii", "xmlcharrefreplace")
    yield Spelling("DOCTOR-HASH-ENCODING", references, {"encoding": "ASCII &#…;"})
    for form in ("NFC", "NFD", "NFKC"):
        made = unicodedata.normalize(form, text).encode()
        yield Spelling("DOCTOR-HASH-UNICODE", made, {"unicode": form})


def _around(case: Case) -> Iterator[Spelling]:
    """The document without the white space before or behind the stamp's elements."""
    parts = ("UBLExtensions", "QR", "Signature")
    choices = [parts, *((part,) for part in parts), ("QR", "Signature")]
    for chosen, where, line in product(choices, ("behind", "before", "both"), (False, True)):
        tree = case.tree()
        for element in _stamp_elements(tree.getroot()):
            if _name(element) in chosen:
                _drop_blanks(element, before=where != "behind", behind=where != "before", line=line)
        remove_stamp(tree)
        facts = {"elements": ", ".join(chosen), "place": Word(f"place-{where}")}
        yield Spelling("DOCTOR-HASH-STAMP-BLANKS", canonicalise(tree), facts)


def _left_in(case: Case) -> Iterator[Spelling]:
    """The document with a part of the stamp still in it; values that the hash precedes are emptied."""
    extensions = (None, "values", "late", "content")
    codes = (None, "text", "element")
    for extension, code, pointer in product(extensions, codes, (False, True)):
        if extension is None and code is None and not pointer:
            continue
        tree = case.tree()
        left = []
        for element in list(_stamp_elements(tree.getroot())):
            name = _name(element)
            kept = {"UBLExtensions": extension, "QR": code, "Signature": "whole" if pointer else None}[name]
            if kept is None:
                _unlinked(element)
                continue
            left.append(name)
            _empty(element, kept)
        if left:
            yield Spelling(
                "DOCTOR-HASH-STAMP-LEFT-IN", canonicalise(tree), {"elements": ", ".join(dict.fromkeys(left))}
            )


def _other_methods(case: Case) -> Iterator[Spelling]:
    bare = _bare(case)
    for comments in (False, True):
        data = _c14n(bare, exclusive=True, with_comments=comments)
        yield Spelling("DOCTOR-HASH-METHOD", data, {"method": Word("method-exclusive")})
    if case.xml.count(b"xmlns") <= _DECLARATIONS:
        text = etree.canonicalize(_c14n(bare).decode())
        yield Spelling("DOCTOR-HASH-METHOD", text.encode(), {"method": Word("method-c14n2")})
    data = etree.tostring(bare.getroot(), method="c14n", with_comments=False)
    yield Spelling("DOCTOR-HASH-METHOD", data, {"method": Word("method-element")})


def _raw(case: Case) -> Iterator[Spelling]:
    """The text of the file, or what a library prints, without any canonical form."""
    source = _CUT.sub(b"", case.xml.removeprefix(_BOM))
    bare = _bare(case)
    printed = etree.tostring(bare, encoding="UTF-8")
    texts = [source, printed, etree.tostring(bare, encoding="UTF-8", xml_declaration=False)]
    for text in texts:
        undeclared = _DECLARATION.sub(b"", text)
        for form in (text, undeclared, undeclared.lstrip(b"\r\n"), undeclared.strip(), text.strip()):
            lf = form.replace(b"\r\n", b"\n")
            for made in (form, lf, lf.replace(b"\n", b"\r\n"), b"".join(form.splitlines())):
                yield Spelling("DOCTOR-HASH-NOT-CANONICAL", made)
    for line in _LINES:
        yield Spelling("DOCTOR-HASH-NOT-CANONICAL", line + _DECLARATION.sub(b"", printed).lstrip())


def _reindented(case: Case) -> Iterator[Spelling]:
    """The document in other layouts, laid out before or after the stamp's elements came out."""
    bare = _bare(case)
    for values in (False, True):
        minified = _minified(bare, values=values)
        yield Spelling("DOCTOR-HASH-REINDENTED", canonicalise(minified), {"layout": Word("layout-minified")})
        for name, space in _INDENTS:
            etree.indent(minified, space)
            yield Spelling("DOCTOR-HASH-REINDENTED", canonicalise(minified), {"layout": Word(name)})
        for name, space in _INDENTS:
            whole = _minified(case.tree(), values=values)
            etree.indent(whole, space)
            remove_stamp(whole)
            yield Spelling("DOCTOR-HASH-REINDENTED", canonicalise(whole), {"layout": Word(name)})


def _namespaces(case: Case) -> Iterator[Spelling]:
    """The canonical form before a namespace was declared on its root, or with one declared that is gone."""
    canonical = case.canonical
    start = canonical.index(b">", re.search(rb"<[^?!]", canonical).start()) + 1  # type: ignore[union-attr]
    head, body = canonical[:start], canonical[start:]
    for declared in _UNDECLARABLE.finditer(head):
        made = head.replace(declared[0], b"", 1) + body
        yield Spelling("DOCTOR-HASH-NAMESPACE", made, {"prefix": declared[1].decode()})
    for prefix, uri in _EXTRA:
        attribute = f' xmlns:{prefix}="{uri}"'.encode()
        if attribute not in head:
            later = (each.start() for each in _UNDECLARABLE.finditer(head) if each[1].decode() > prefix)
            place = next(later, None)
            if place is None:  # behind the last declaration, or the name
                place = max((each.end() for each in _ANY_DECLARATION.finditer(head)), default=start - 1)
            made = head[:place] + attribute + head[place:] + body.replace(attribute, b"")
            yield Spelling("DOCTOR-HASH-NAMESPACE", made, {"prefix": prefix})


_EXTRA: Final = (
    ("ext", "urn:oasis:names:specification:ubl:schema:xsd:CommonExtensionComponents-2"),
    ("xsi", "http://www.w3.org/2001/XMLSchema-instance"),
    ("xsd", "http://www.w3.org/2001/XMLSchema"),
    ("sig", "urn:oasis:names:specification:ubl:schema:xsd:CommonSignatureComponents-2"),
    ("ds", "http://www.w3.org/2000/09/xmldsig#"),
)


def _edited(case: Case) -> Iterator[Spelling]:
    """The document with a value as the QR code has it, or with the previous hash of a first document."""
    if case.qr is not None:
        told = {tag: value for tag in range(1, 6) if (value := case.qr.text(tag)) is not None}
        choices = [(tag,) for tag in told] + [tuple(told)]
        for chosen in choices:
            tree, was = _bare(case), []
            for tag in chosen:
                was += _set(tree.getroot(), tag, told[tag])
            if was:
                facts = {"field": ", ".join(name for name, _ in was), "value": ", ".join(value for _, value in was)}
                checks = tuple(f"qr_{tag}" for tag in chosen if case.failed(f"qr_{tag}"))
                yield Spelling("DOCTOR-EDITED-FIELD", canonicalise(tree), facts, checks)
    for text in (INITIAL_PIH, ""):
        tree = _bare(case)
        element = sources(tree.getroot()).get(f"{{{CBC}}}EmbeddedDocumentBinaryObject")
        if element is not None and element.text != text:
            element.text = text
            facts = {"field": "PIH", "value": text or '""'}
            yield Spelling("DOCTOR-EDITED-FIELD", canonicalise(tree), facts)


_QR_FIELDS: Final = {1: "RegistrationName", 2: "CompanyID", 4: "PayableAmount", 5: "TaxAmount"}


def _set(root: etree._Element, tag: int, value: str) -> list[tuple[str, str]]:
    """Write a QR value into the field that it repeats; return the fields that changed, with the value."""
    first = sources(root)
    wanted = (
        {_QR_FIELDS[tag]: value}
        if tag in _QR_FIELDS
        else dict(zip(("IssueDate", "IssueTime"), value.split("T"), strict=False))
    )
    changed = []
    for name, text in wanted.items():
        element = first.get(f"{{{CBC}}}{name}")
        if element is not None and (element.text or "") != text:
            element.text = text
            changed.append((f"cbc:{name}", text))
    return changed


_MAKERS: Final[tuple[Callable[[Case], Iterator[Spelling]], ...]] = (
    _comments, _other_methods, _namespaces, _edited, _around, _raw, _reindented, _left_in,
)  # fmt: skip


def _stamp_elements(root: etree._Element) -> Iterator[etree._Element]:
    """Yield the direct children of the root that the hash leaves out."""
    for element in root:
        if isinstance(cast("object", element.tag), str) and _name(element):
            yield element


def _name(element: etree._Element) -> str:
    local = etree.QName(element).localname
    if local in ("UBLExtensions", "Signature"):
        return local
    return "QR" if local == "AdditionalDocumentReference" and is_qr_reference(element) else ""


def _drop_blanks(element: etree._Element, *, before: bool, behind: bool, line: bool) -> None:
    """Drop the white space around an element: all of it, or with `line` only what puts it on a line of its own."""
    if behind:
        element.tail = _without_first(element.tail or "", line=line)
    if before:
        previous, parent = element.getprevious(), element.getparent()
        if previous is not None:
            previous.tail = _without_last(previous.tail or "", line=line)
        elif parent is not None:
            parent.text = _without_last(parent.text or "", line=line)


def _without_first(text: str, *, line: bool) -> str | None:
    blanks = text[: len(text) - len(text.lstrip())]
    kept = blanks[blanks.rfind("\n") :] if line and blanks.count("\n") > 1 else ""
    return kept + text.lstrip() or None


def _without_last(text: str, *, line: bool) -> str | None:
    blanks = text[len(text.rstrip()) :]
    return text.rstrip() + (blanks[: max(blanks.rfind("\n"), 0)] if line else "") or None


def _unlinked(element: etree._Element) -> None:
    """Take one element out, the text after it staying."""
    parent = element.getparent()
    assert parent is not None
    tail, previous = element.tail or "", element.getprevious()
    if previous is not None:
        previous.tail = (previous.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    parent.remove(element)


def _empty(element: etree._Element, kept: str) -> None:
    """Take out of a part of the stamp what was not known yet when the hash was made."""
    for each in element.iter():
        name = etree.QName(each).localname if isinstance(cast("object", each.tag), str) else ""
        if kept in ("values", "late") and name in (_BLANKED if kept == "values" else _SET_LATER):
            each.text = None
        if kept == "text" and name == "EmbeddedDocumentBinaryObject":
            each.text = None
    if kept in ("content", "element"):
        tail = element.tail
        element.clear()
        element.tail = tail


def _minified(tree: etree._ElementTree, *, values: bool) -> etree._ElementTree:
    """Drop the white space between elements; with `values` also line breaks within values, as formatters add them."""
    for element in tree.getroot().iter():
        if not isinstance(cast("object", element.tag), str):
            continue
        if len(element) and not (element.text or "").strip():
            element.text = None
        elif values and element.text and not len(element):
            element.text = " ".join(element.text.split())
        if not (element.tail or "").strip():
            element.tail = None
    return tree
