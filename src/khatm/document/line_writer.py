"""Write invoice lines and prepayment lines as canonical UBL.

Source: the document standard, sections 5, 9 and 11.
"""

from decimal import Decimal

from khatm.document.codes import PREPAYMENT_TYPE_CODE
from khatm.document.computed import ComputedLine, PrepaymentLine
from khatm.document.markup import allowance_charge, amount, attribute_text, tax_category, text
from khatm.money import plain

_ONE = Decimal(1)
_PREPAYMENT_NAME = "دفعة مقدمة | Prepayment"


def line_xml(line: ComputedLine, currency: str) -> str:
    """Write a line (BG-25)."""
    source = line.source
    unit = attribute_text(source.unit)
    note = f"<cbc:Note>{text(source.note)}</cbc:Note>" if source.note is not None else ""
    adjustments = identifications = ""
    for discount in line.discounts:
        adjustments += allowance_charge("false", discount, currency)
    for charge in line.charges:
        adjustments += allowance_charge("true", charge, currency)
    if source.buyer_sku is not None:
        identifications += _identification("Buyers", source.buyer_sku)
    if source.seller_sku is not None:
        identifications += _identification("Sellers", source.seller_sku)
    if source.standard_id is not None:
        identifications += _identification("Standard", source.standard_id)
    price = f'<cbc:PriceAmount currencyID="{currency}">{line.price}</cbc:PriceAmount>'
    if source.per != _ONE:
        price += f'<cbc:BaseQuantity unitCode="{unit}">{plain(source.per)}</cbc:BaseQuantity>'
    if line.gross_price is not None:
        price += (
            "<cac:AllowanceCharge><cbc:ChargeIndicator>false</cbc:ChargeIndicator>"
            f'<cbc:Amount currencyID="{currency}">{line.price_discount}</cbc:Amount>'
            f'<cbc:BaseAmount currencyID="{currency}">{line.gross_price}</cbc:BaseAmount></cac:AllowanceCharge>'
        )
    category = tax_category("ClassifiedTaxCategory", line.group)
    return (
        f"<cac:InvoiceLine><cbc:ID>{line.id}</cbc:ID>{note}"
        f'<cbc:InvoicedQuantity unitCode="{unit}">{plain(source.quantity)}</cbc:InvoicedQuantity>'
        f'<cbc:LineExtensionAmount currencyID="{currency}">{amount(line.net)}</cbc:LineExtensionAmount>{adjustments}'
        f'<cac:TaxTotal><cbc:TaxAmount currencyID="{currency}">{amount(line.vat)}</cbc:TaxAmount>'
        f'<cbc:RoundingAmount currencyID="{currency}">{amount(line.gross)}</cbc:RoundingAmount></cac:TaxTotal>'
        f"<cac:Item><cbc:Name>{text(source.name)}</cbc:Name>{identifications}{category}</cac:Item>"
        f"<cac:Price>{price}</cac:Price></cac:InvoiceLine>"
    )


def _identification(kind: str, value: str) -> str:
    return f"<cac:{kind}ItemIdentification><cbc:ID>{text(value)}</cbc:ID></cac:{kind}ItemIdentification>"


def prepayment_xml(line: PrepaymentLine, currency: str) -> str:
    """Write the line of a deducted prepayment: its own amounts are zero, the prepayment's stand in the subtotal."""
    uuid = f"<cbc:UUID>{line.uuid}</cbc:UUID>" if line.uuid is not None else ""
    category = tax_category("ClassifiedTaxCategory", line.group)
    return (
        f"<cac:InvoiceLine><cbc:ID>{line.id}</cbc:ID>"
        '<cbc:InvoicedQuantity unitCode="PCE">0.00</cbc:InvoicedQuantity>'
        f'<cbc:LineExtensionAmount currencyID="{currency}">0.00</cbc:LineExtensionAmount>'
        f"<cac:DocumentReference><cbc:ID>{text(line.number)}</cbc:ID>{uuid}"
        f"<cbc:IssueDate>{line.issue_date}</cbc:IssueDate><cbc:IssueTime>{line.issue_time}</cbc:IssueTime>"
        f"<cbc:DocumentTypeCode>{PREPAYMENT_TYPE_CODE}</cbc:DocumentTypeCode></cac:DocumentReference>"
        f'<cac:TaxTotal><cbc:TaxAmount currencyID="{currency}">0.00</cbc:TaxAmount>'
        f'<cbc:RoundingAmount currencyID="{currency}">0.00</cbc:RoundingAmount>'
        f'<cac:TaxSubtotal><cbc:TaxableAmount currencyID="{currency}">{amount(line.taxable)}</cbc:TaxableAmount>'
        f'<cbc:TaxAmount currencyID="{currency}">{amount(line.tax)}</cbc:TaxAmount>'
        f"{tax_category('TaxCategory', line.group, line.reason_code, line.reason)}</cac:TaxSubtotal></cac:TaxTotal>"
        f"<cac:Item><cbc:Name>{_PREPAYMENT_NAME}</cbc:Name>{category}</cac:Item>"
        f'<cac:Price><cbc:PriceAmount currencyID="{currency}">0.00</cbc:PriceAmount></cac:Price></cac:InvoiceLine>'
    )
