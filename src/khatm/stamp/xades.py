"""The stamp itself: signature, XAdES block and QR code put into a canonical invoice.

Source: the stamp standard, sections 4 and 5; assembly by canonical splice (4.5).
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from khatm.clock import saudi_time
from khatm.document.canonical import CanonicalInvoice, StampFacts
from khatm.stamp import curve, qr
from khatm.stamp.certificate import Certificate
from khatm.stamp.errors import ExpiredCertificate, StampSelfCheck, UtcIssueTime
from khatm.stamp.frame import (
    DECLARATION,
    QR_AFTER,
    QR_BEFORE,
    SIGNATURE,
    Frame,
    frame_of,
    properties_digest,
    undeclared,
)
from khatm.stamp.signers import Signer


class StampedInvoice(NamedTuple):
    """A stamped invoice: the exact bytes of the file, and what went into its stamp.

    `signing_time` is Saudi time as written in the document, `qr` the base64 text of the QR code, `warnings` the names
    of what may make trouble elsewhere (`qr-name-long`).
    """

    xml: bytes
    invoice_hash: str
    signature_value: str
    qr: str
    facts: StampFacts
    signing_time: str
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Values:
    """The four values that differ from document to document, and the QR text."""

    hash_text: bytes
    signature: bytes
    time: bytes
    qr_text: bytes


def stamp(
    invoice: CanonicalInvoice,
    signer: Signer,
    signing_time: datetime,
    *,
    allow_utc_issue_time: bool = False,
    plain_qr_lengths: bool = False,
) -> StampedInvoice:
    """Stamp a canonical invoice and check the stamp before handing it out.

    `signing_time` is aware and written in Saudi time. An issue time ending in Z is refused unless
    `allow_utc_issue_time`; the QR code then carries it as Saudi time (plus three hours, no Z).
    Raises UtcIssueTime, ExpiredCertificate, QrValueTooLong, and StampSelfCheck if the signature does not fit the
    signer's public key or the QR code does not read back.
    """
    facts, certificate = invoice.facts, signer.certificate
    time_text = _time_text(signing_time, certificate)
    qr_time = _qr_time(facts, allow_utc_issue_time)
    hasher = hashlib.sha256(invoice.head)
    hasher.update(invoice.body)
    hasher.update(invoice.tail)
    digest = hasher.digest()
    # The invoice digest is the message of an ordinary ECDSA-SHA256 signature, so it is hashed once more (4.1).
    curve_digest = hashlib.sha256(digest).digest()
    signature = signer.sign(curve_digest)
    values = _Values(base64.b64encode(digest), base64.b64encode(signature), time_text.encode(), b"")
    items = _qr_items(facts, qr_time, values, certificate)
    lengths: qr.LengthForm = "plain" if plain_qr_lengths else "ber"
    qr_text = qr.encode(items, lengths=lengths)
    _check_signature(signer, curve_digest, signature)
    _check_qr(items, qr_text, lengths)
    values.qr_text = qr_text.encode()
    xml = _assemble(invoice, frame_of(certificate), values)
    warnings = ("qr-name-long",) if len(items[0][1]) >= qr.NAME_BYTES_AT_RISK else ()
    return StampedInvoice(
        xml, values.hash_text.decode(), values.signature.decode(), qr_text, facts, time_text, warnings
    )


def _assemble(invoice: CanonicalInvoice, frame: Frame, values: _Values) -> bytes:
    digest = properties_digest(frame, values.time)
    head = invoice.head
    declared = undeclared(head)
    return b"".join(
        (
            DECLARATION, head,
            _declaring(declared, frame.before_hash), values.hash_text,
            frame.before_properties_digest, digest, frame.before_signature, values.signature,
            frame.before_time, values.time, frame.after_time,
            invoice.body,
            _declaring(declared, QR_BEFORE), values.qr_text, QR_AFTER, _declaring(declared, SIGNATURE),
            invoice.tail,
        )
    )  # fmt: skip


def _declaring(declared: bytes, element: bytes) -> bytes:
    """Put namespace declarations into a start tag: on the root they would change the hash (4.2)."""
    if not declared:
        return element
    name_end = element.index(b">")
    return element[:name_end] + declared + element[name_end:]


def _qr_items(facts: StampFacts, qr_time: str, values: _Values, certificate: Certificate) -> list[tuple[int, bytes]]:
    items = [
        (1, facts.seller_name.encode()),
        (2, facts.vat_number.encode()),
        (3, qr_time.encode()),
        (4, facts.payable.encode()),
        (5, facts.vat_total.encode()),
        (6, values.hash_text),
        (7, values.signature),
        (8, certificate.spki),
    ]
    if facts.simplified:
        items.append((9, certificate.signature))
    return items


def _check_signature(signer: Signer, digest: bytes, signature: bytes) -> None:
    if not curve.verify(signer.point, digest, signature):
        who = signer.certificate.common_name
        raise StampSelfCheck("signature_value", f"a signature by the key of {who}", "one that does not fit")


def _check_qr(items: list[tuple[int, bytes]], qr_text: str, lengths: qr.LengthForm) -> None:
    content = qr.decode(qr_text, accept_plain=lengths == "plain")
    if content.items != tuple(items):
        tag = next((tag for tag, value in items if content.value(tag) != value), 0)
        raise StampSelfCheck(f"qr_{tag}", repr(dict(items).get(tag)), repr(content.value(tag)))


def _time_text(signing_time: datetime, certificate: Certificate) -> str:
    local = saudi_time(signing_time)
    text = local.isoformat(timespec="seconds")[:19]
    if signing_time > certificate.not_after:
        raise ExpiredCertificate(certificate.common_name, saudi_time(certificate.not_after).isoformat(), text)
    return text


def _qr_time(facts: StampFacts, allow_utc: bool) -> str:
    text = f"{facts.issue_date}T{facts.issue_time}"
    if not facts.issue_time.endswith("Z"):
        return text
    if not allow_utc:
        raise UtcIssueTime(facts.issue_time)
    saudi = qr.utc_as_saudi(text)
    if saudi is None:
        raise UtcIssueTime(facts.issue_time)
    return saudi
