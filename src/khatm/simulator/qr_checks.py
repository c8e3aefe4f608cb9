"""Whether a document's QR code repeats the document: required on simplified ones, checked where present on others.

Source: gateway contract, section 5.3; stamp standard, sections 5 and 6.1.
"""

from collections.abc import Iterator

from khatm.simulator import messages
from khatm.simulator.messages import WireMessage
from khatm.simulator.outline import Outline
from khatm.stamp import qr
from khatm.stamp.errors import UnreadableQr
from khatm.stamp.verify import Verification

_TIME_STAMP = 3


def qr_findings(verification: Verification, outline: Outline, *, accept_plain_lengths: bool) -> Iterator[WireMessage]:
    """Yield what is wrong with the QR code; one that cannot be read has no tags to compare.

    Tag 3 is compared verbatim: the gateway notices a `Z` in only one place, which our own verification lets pass. A
    UTC issue time may also stand there as Saudi time, as the authority's staff want it (stamp standard 5.1).
    """
    references = outline.named("QR")
    simplified = verification.facts.simplified
    if len(references) != 1:
        if references or simplified:
            yield messages.QR_MALFORMED
        return
    text = "".join(references[0].objects[:1])
    try:
        content = qr.decode(text, accept_plain=accept_plain_lengths)
    except UnreadableQr as unreadable:
        yield messages.QR_UNREADABLE if unreadable.stage == "base64" else messages.QR_MALFORMED
        return
    expected = _expected(verification)
    if not content.in_order or len(content.items) > len(messages.QR_TAG_DIFFERS):
        yield messages.QR_MALFORMED
        return
    for tag, value in expected.items():
        found = content.value(tag)
        if found is None and not simplified:
            continue  # a document that the platform stamps itself need not have every tag
        if found != value and not (tag == _TIME_STAMP and found == _saudi(value)):
            yield messages.QR_TAG_DIFFERS[tag]


def _saudi(time: bytes) -> bytes | None:
    text = qr.utc_as_saudi(time.decode())
    return None if text is None else text.encode()


def _expected(verification: Verification) -> dict[int, bytes]:
    """Return what each tag must hold; without a stamp or a readable certificate the last ones have no counterpart."""
    facts, certificate = verification.facts, verification.certificate
    expected = {
        1: facts.seller_name.encode(),
        2: facts.vat_number.encode(),
        3: f"{facts.issue_date}T{facts.issue_time}".encode(),
        4: facts.payable.encode(),
        5: facts.vat_total.encode(),
        6: verification.invoice_hash.encode(),
    }
    if verification.stamped:
        expected[7] = (verification.signature_value or "").encode()
        if certificate is not None:
            expected[8] = certificate.spki
            expected[9] = certificate.signature
    return expected
