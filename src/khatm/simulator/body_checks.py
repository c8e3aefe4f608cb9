"""What the three members of a submission's body must be: a hash, a UUID and a document in base64.

Source: gateway contract, sections 3, 5.1 and 8.2 steps 2, 3, 6 (a) and 6 (b).
"""

import base64
import binascii

from khatm.simulator import messages
from khatm.simulator.messages import WireMessage

_DIGEST_BYTES = 32


def body_hash_refusal(body_hash: object) -> WireMessage | None:
    """Return what is wrong with the form of `invoiceHash`: it must be base64 of 32 bytes."""
    if body_hash is None or body_hash == "":
        return messages.HASH_ABSENT
    if not isinstance(body_hash, str):
        return messages.HASH_MALFORMED
    digest = decode_base64(body_hash)
    return None if digest is not None and len(digest) == _DIGEST_BYTES else messages.HASH_MALFORMED


def received_document(body_invoice: object) -> bytes | None:
    """Return the bytes of `invoice`, None if it is absent, no text or no base64 on one line."""
    return decode_base64(body_invoice) if isinstance(body_invoice, str) and body_invoice else None


def same_uuid(body_uuid: object, document_uuid: str) -> bool:
    """Tell whether the body names the document's `cbc:UUID`; upper and lower case are the same (3)."""
    return isinstance(body_uuid, str) and body_uuid != "" and body_uuid.lower() == document_uuid.strip().lower()


def decode_base64(text: str) -> bytes | None:
    """Decode standard, padded base64 without line breaks; None for anything else."""
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
