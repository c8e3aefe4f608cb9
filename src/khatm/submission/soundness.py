"""Are the stored bytes still what was issued? Asked before every call: what is damaged is never sent."""

import hashlib

from khatm.errors import KhatmError
from khatm.ledger.documents import Document, StoredXml
from khatm.submission.errors import DamagedDocument


def what_is_damaged(document: Document, stored: StoredXml | None) -> DamagedDocument | None:
    """Compare bytes, digest and row with each other, and return the first thing that does not fit.

    The digest covers every byte; the invoice hash, UUID and counter are read from the bytes as well, because the
    authority would refuse for good what does not agree with the row. Source: the gateway contract 3 and 8.4.
    """
    from khatm.stamp.canonical import hash_text, read_canonical

    if stored is None:
        return DamagedDocument(document.uuid, "bytes", "—", "the stamped bytes")
    digest = hashlib.sha256(stored.content).hexdigest()
    if stored.sha256 not in (None, digest):
        return DamagedDocument(document.uuid, "SHA-256", digest, str(stored.sha256))
    try:
        invoice = read_canonical(stored.content)
    except KhatmError as error:
        return DamagedDocument(document.uuid, "XML", type(error).__name__, "a readable invoice")
    for field, found, allowed in (
        ("invoice hash", hash_text(invoice.head + invoice.body + invoice.tail), document.invoice_hash),
        ("UUID", str(invoice.facts.uuid), document.uuid),
        ("ICV", str(invoice.facts.icv), str(document.icv)),
    ):
        if found != allowed:
            return DamagedDocument(document.uuid, field, found, allowed)
    return None
