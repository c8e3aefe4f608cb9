"""The totals of an invoice that a statement adds up, read quickly from its bytes.

Source: the document standard, sections 7 and 8 (BT-5, BT-109 to BT-111).
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, cast

from lxml import etree

from khatm.document.xml import CAC, CBC, NAMESPACES, parse, text_of
from khatm.money import decimal

_TOTALS: Final = etree.XPath(
    "cbc:DocumentCurrencyCode[1]|cac:LegalMonetaryTotal/cbc:TaxExclusiveAmount|cac:TaxTotal/cbc:TaxAmount",
    namespaces=NAMESPACES,
)
_LONGEST: Final = 20
"""Characters of an amount: a million of them add up exactly in 28 digits."""
_CURRENCY: Final = f"{{{CBC}}}DocumentCurrencyCode"
_SUBTOTAL: Final = f"{{{CAC}}}TaxSubtotal"
_TAXABLE: Final = f"{{{CBC}}}TaxExclusiveAmount"


@dataclass(frozen=True, slots=True)
class Amounts:
    """What a document charges: positive on every kind of document, also on credit notes."""

    currency: str
    """BT-5."""
    taxable: Decimal
    """BT-109, the total without VAT, in the document's currency."""
    vat: Decimal
    """BT-110, in the document's currency."""
    vat_sar: Decimal
    """BT-111; BT-110 where a document in riyal has no total of its own for it."""


def read_amounts(xml: bytes) -> Amounts | None:
    """Return a document's totals; None where one of them is missing or no amount. Raises UnreadableXml."""
    currency = taxable = ""
    vat: str | None = None
    vat_sar: str | None = None
    for element in cast("list[etree._Element]", _TOTALS(parse(xml).getroot())):
        text = text_of(element).strip()
        if element.tag == _CURRENCY:
            currency = currency or text
        elif element.tag == _TAXABLE:
            taxable = taxable or text
        elif next(element.itersiblings(_SUBTOTAL), None) is not None:
            vat = vat or text
        else:
            vat_sar = vat_sar or text
    if vat is None or vat_sar is None:
        if currency != "SAR":
            return None
        vat = vat_sar = vat or vat_sar or ""
    if max(map(len, (taxable, vat, vat_sar))) > _LONGEST:
        return None
    try:
        return Amounts(currency, decimal(taxable), decimal(vat), decimal(vat_sar))
    except ValueError:
        return None
