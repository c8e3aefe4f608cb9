"""What the writer hands to the stamp: canonical bytes cut at the two places where the stamp goes in."""

from typing import NamedTuple


class StampFacts(NamedTuple):
    """What the QR code repeats and the stamp looks at, in the verbatim text of the document.

    `payable` is BT-115 and `vat_total` the first tax total in document order (the SAR one), as the document standard
    says in section 2; `simplified` tells whether the transaction code begins with 02.
    """

    seller_name: str
    vat_number: str
    issue_date: str
    issue_time: str
    payable: str
    vat_total: str
    simplified: bool
    uuid: str
    type_code: str
    transaction_code: str
    icv: str | None
    pih: str | None


class CanonicalInvoice(NamedTuple):
    """An invoice in Canonical XML 1.1 without UBLExtensions, QR reference and cac:Signature.

    The canonical form is `head + body + tail` (UTF-8). `head` ends with the root start tag, `body` runs up to just
    before `<cac:AccountingSupplierParty>`, `tail` is the rest. The extensions belong between head and body, the QR
    reference and the signature element between body and tail. Source: the stamp standard, sections 3.1 and 4.5.
    """

    head: bytes
    body: bytes
    tail: bytes
    facts: StampFacts
