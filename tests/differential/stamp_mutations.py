"""Changes of the stamp and the QR code, and stamping anew with the key of the vectors."""

import base64
import binascii
from random import Random

from lxml import etree

from khatm.document.xml import Paths
from khatm.errors import KhatmError
from khatm.stamp import qr
from khatm.stamp.canonical import read_canonical
from khatm.stamp.errors import UnreadableQr
from khatm.stamp.xades import stamp
from tests.differential.document import Draft, Element
from tests.differential.originals import signer
from tests.rulecases import delete
from tests.stamp_vectors import SIGNED_AT

_QR = "//cac:AdditionalDocumentReference[normalize-space(cbc:ID)='QR']/cac:Attachment/cbc:EmbeddedDocumentBinaryObject"
_VALUES = (
    "", " ", "AAAA", "@@@", "0", "-1", "123456789", "2026-01-15T10:00:00", "2026-01-15T10:00:00Z", "CN=x", "#other",
    "invoiceSignedData",
    "NWZlY2ViNjZmZmM4NmYzOGQ5NTI3ODZjNmQ2OTZjNzljMmRiYzIzOWRkNGU5MWI0NjcyOWQ3M2EyN2ZiNTdlOQ==",
    "http://www.w3.org/2001/04/xmlenc#sha512",
)  # fmt: skip


def restamp(chance: Random, draft: Draft) -> str | None:
    """Stamp the document as it stands with the key of the vectors; not every broken document can be stamped."""
    del chance
    try:
        stamped = stamp(read_canonical(draft.xml()), signer(), SIGNED_AT, allow_utc_issue_time=True)
    except KhatmError:
        return None
    draft.root = etree.fromstring(stamped.xml)
    return "stamped anew"


def change_qr(chance: Random, draft: Draft) -> str | None:
    """Change a record of the QR code: its value, its tag, its place, or its length."""
    found = draft.find(_QR)
    if not found:
        return None
    try:
        items = list(qr.decode(found[0].text or "").items)
    except UnreadableQr:
        return None
    at = chance.randrange(len(items)) if items else 0
    form = chance.randrange(8)
    lengths: qr.LengthForm = "ber"
    if not items:
        items = [(1, b"x")]
    tag, value = items[at]
    if form < 3:
        items[at] = (tag, _value(chance, value))
    elif form == 3:
        del items[at]
    elif form == 4:
        items.insert(at, items[at])
    elif form == 5:
        items[at] = (chance.randrange(12), value)
    elif form == 6:
        chance.shuffle(items)
    else:
        items.append((10, b"more"))
        lengths = "plain"
    try:
        text = qr.encode(items, lengths=lengths)
    except KhatmError:
        return None
    found[0].text = text
    return f"QR record {tag}, change {form}"


def break_qr(chance: Random, draft: Draft) -> str | None:
    """Damage the text or the bytes of the QR code."""
    found = draft.find(_QR)
    if not found:
        return None
    text = found[0].text or ""
    form = chance.randrange(6)
    if form < 3:
        try:
            raw = bytearray(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError):
            return None
        if not raw:
            return None
        at = chance.randrange(len(raw))
        if form == 0:
            raw[at] = chance.randrange(256)
        elif form == 1:
            del raw[at:]
        else:
            raw += b"\x00"
        found[0].text = base64.b64encode(bytes(raw)).decode()
    elif form == 3:
        found[0].text = f" {text}\n"
    elif form == 4:
        found[0].text = text[:40] + chance.choice(("\n", " ", "=", "@")) + text[40:]
    else:
        found[0].text = text.rstrip("=")
    return f"QR text, change {form}"


def change_stamp(chance: Random, draft: Draft) -> str | None:
    """Change a text or an attribute of the signature, remove an element of it, or repeat one."""
    parts = draft.find("//ds:Signature/descendant-or-self::*")
    if not parts:
        return None
    part = chance.choice(parts)
    where = Paths().of(part)
    roll = chance.random()
    if roll < 0.15 and part.getparent() is not None:
        delete(part)
        return f"{where} removed"
    if roll < 0.35 and part.attrib:
        name = chance.choice(sorted(part.attrib, key=str))
        part.set(name, chance.choice(_VALUES))
        return f"{where}/@{name} = {part.get(name)!r}"
    leaves = [each for each in parts if len(each) == 0]
    leaf = chance.choice(leaves) if leaves else part
    leaf.text = _text(chance, leaf)
    return f"{Paths().of(leaf)} = {(leaf.text or '')[:40]!r}"


def change_place(chance: Random, draft: Draft) -> str | None:
    """Remove one of the three parts of the stamp, or repeat it."""
    parts = draft.find("/inv:Invoice/ext:UBLExtensions | /inv:Invoice/cac:Signature") + [
        each.getparent().getparent() for each in draft.find(_QR)
    ]
    if not parts:
        return None
    part = chance.choice(parts)
    where = Paths().of(part)
    if chance.random() < 0.6:
        delete(part)
        return f"{where} removed"
    twin = etree.fromstring(etree.tostring(part, with_tail=False))
    part.addnext(twin)
    return f"{where} repeated"


def _text(chance: Random, leaf: Element) -> str:
    present = leaf.text or ""
    form = chance.randrange(6)
    if form == 0:
        return chance.choice(_VALUES)
    if form == 1:
        return f" {present} "
    if form == 2 and present:
        at = chance.randrange(len(present))
        return present[:at] + chance.choice("0Aa") + present[at + 1 :]
    if form == 3:
        return present.replace(", ", ",")
    if form == 4 and present:
        at = chance.randrange(len(present))
        return f"{present[:at]}\n{present[at:]}"
    return present[:-1]


def _value(chance: Random, value: bytes) -> bytes:
    form = chance.randrange(7)
    changed = (
        b"", value + b" ", value[:-1], value + b"0", b"x" * 130, value.swapcase(), value.replace(b"T", b" ") + b"Z",
    )  # fmt: skip
    return changed[form]
