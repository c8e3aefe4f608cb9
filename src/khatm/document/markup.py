"""Text, attributes and the small repeated elements of an invoice, escaped as Canonical XML 1.1 escapes them.

Source: the document standard, section 11; Canonical XML 1.1, section 2.3.
"""

from decimal import Decimal
from functools import lru_cache

from khatm.document.computed import Adjustment, VatGroup
from khatm.money import text2, trimmed


def text(value: str) -> str:
    """Escape character data."""
    if "&" in value:
        value = value.replace("&", "&amp;")
    if "<" in value:
        value = value.replace("<", "&lt;")
    if ">" in value:
        value = value.replace(">", "&gt;")
    return value.replace("\r", "&#xD;") if "\r" in value else value


@lru_cache(maxsize=256)
def attribute_text(value: str) -> str:
    """Escape an attribute value that stands in double quotes."""
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return value.replace("\t", "&#x9;").replace("\n", "&#xA;").replace("\r", "&#xD;")


def amount(value: Decimal) -> str:
    """Write a computed amount, which has two decimals already."""
    return str(value)


@lru_cache(maxsize=64)
def tax_category(element: str, group: VatGroup, reason_code: str | None = None, reason: str | None = None) -> str:
    """Write a tax category: the group, and for Z, E and O in a breakdown why."""
    why = ""
    if reason_code is not None:
        why = f"<cbc:TaxExemptionReasonCode>{text(reason_code)}</cbc:TaxExemptionReasonCode>"
    if reason is not None:
        why += f"<cbc:TaxExemptionReason>{text(reason)}</cbc:TaxExemptionReason>"
    return (
        f"<cac:{element}><cbc:ID>{group.category}</cbc:ID><cbc:Percent>{text2(group.rate)}</cbc:Percent>{why}"
        f"<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:{element}>"
    )


def allowance_charge(indicator: str, entry: Adjustment, currency: str, group: VatGroup | None = None) -> str:
    """Write an allowance (indicator `false`) or a charge (`true`); document level ones name their VAT group."""
    parts = [f"<cac:AllowanceCharge><cbc:ChargeIndicator>{indicator}</cbc:ChargeIndicator>"]
    if entry.code is not None:
        parts.append(f"<cbc:AllowanceChargeReasonCode>{text(entry.code)}</cbc:AllowanceChargeReasonCode>")
    if entry.reason is not None:
        parts.append(f"<cbc:AllowanceChargeReason>{text(entry.reason)}</cbc:AllowanceChargeReason>")
    if entry.percent is not None:
        parts.append(f"<cbc:MultiplierFactorNumeric>{trimmed(entry.percent)}</cbc:MultiplierFactorNumeric>")
    parts.append(f'<cbc:Amount currencyID="{currency}">{amount(entry.amount)}</cbc:Amount>')
    if entry.base is not None:
        parts.append(f'<cbc:BaseAmount currencyID="{currency}">{amount(entry.base)}</cbc:BaseAmount>')
    if group is not None:
        parts.append(tax_category("TaxCategory", group))
    parts.append("</cac:AllowanceCharge>")
    return "".join(parts)
