"""Recompute every sum of a written invoice from its XML alone, in exact decimals, and say which do not hold.

Stands apart from the product on purpose: its own parsing, its own rounding. The formulas are those of the document
standard, sections 5.1, 5.3, 7.1, 7.4, 8 and 9.
"""

import math
import re
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from lxml import etree

NS = {
    "i": "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2",
    "a": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "b": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}
TWO_DECIMALS = re.compile(r"-?[0-9]+\.[0-9]{2}\Z")
PRICES = ("PriceAmount",)


def broken_sum_rules(xml: bytes, authored: dict[str, Any]) -> list[str]:
    """Return a sentence for every rule that the written invoice of an authored document breaks."""
    with localcontext() as context:
        context.prec = 80
        root = etree.fromstring(xml)
        broken: list[str] = []
        _form(root, authored, broken)
        _lines(root, authored, broken)
        _adjustments(root, broken)
        _breakdown(root, broken)
        _totals(root, authored, broken)
        return broken


def half_up(number: Decimal) -> Decimal:
    return number.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def number(node: Any, path: str, default: str | None = None) -> Decimal:
    found = node.xpath(path, namespaces=NS)
    if not found and default is not None:
        return Decimal(default)
    assert len(found) == 1, f"{path}: {len(found)}"
    return Decimal(found[0].text)


def summed(node: Any, path: str) -> Decimal:
    return sum((Decimal(each.text) for each in node.xpath(path, namespaces=NS)), Decimal("0.00"))


def group_of(category: Any) -> tuple[str, Decimal]:
    return category.findtext("b:ID", namespaces=NS), Decimal(category.findtext("b:Percent", namespaces=NS))


def _check(broken: list[str], rule: str, found: object, wanted: object) -> None:
    if found != wanted:
        broken.append(f"{rule}: {found} is not {wanted}")


def _form(root: Any, authored: dict[str, Any], broken: list[str]) -> None:
    """Two decimals everywhere but in prices, one currency everywhere but in BT-111."""
    currency = authored.get("currency", "SAR")
    bare = root.xpath("a:TaxTotal[not(a:TaxSubtotal)]/b:TaxAmount", namespaces=NS)
    _check(broken, "one bare tax total, and first", [root.xpath("a:TaxTotal", namespaces=NS)[0][0]], bare)
    for amount in root.xpath("//*[@currencyID]"):
        price = "Price" in etree.QName(amount.getparent()).localname or amount.xpath("ancestor::a:Price", namespaces=NS)
        if not price and not TWO_DECIMALS.match(amount.text):
            broken.append(f"two decimals: {amount.tag} {amount.text}")
        _check(broken, "currency", amount.get("currencyID"), "SAR" if amount is bare[0] else currency)
    for percent in root.xpath("//b:Percent", namespaces=NS):
        _check(broken, "rate", bool(TWO_DECIMALS.match(percent.text)), True)
    if re.search(r"[0-9][eE][+-]?[0-9]", " ".join(each.text for each in root.xpath("//*[@currencyID]"))):
        broken.append("an exponent")


def _lines(root: Any, authored: dict[str, Any], broken: list[str]) -> None:
    lines = root.xpath("a:InvoiceLine", namespaces=NS)
    _check(broken, "line ids", [line[0].text for line in lines], [str(at) for at in range(1, len(lines) + 1)])
    real = [line for line in lines if not line.xpath("a:DocumentReference", namespaces=NS)]
    _check(broken, "number of lines", len(real), len(authored["lines"]))
    for line, source in zip(real, authored["lines"], strict=True):
        name = f"line {line[0].text}"
        quantity, net = number(line, "b:InvoicedQuantity"), number(line, "b:LineExtensionAmount")
        price, per = number(line, "a:Price/b:PriceAmount"), number(line, "a:Price/b:BaseQuantity", "1")
        allowances = summed(line, "a:AllowanceCharge[b:ChargeIndicator='false']/b:Amount")
        charges = summed(line, "a:AllowanceCharge[b:ChargeIndicator='true']/b:Amount")
        vat, gross = number(line, "a:TaxTotal/b:TaxAmount"), number(line, "a:TaxTotal/b:RoundingAmount")
        rate = number(line, "a:Item/a:ClassifiedTaxCategory/b:Percent")
        computed = half_up(quantity * price / per) - allowances + charges
        _check(broken, f"{name} KSA-12", gross, net + vat)
        if source.get("price_basis") == "gross":
            if abs(net - computed) > Decimal("0.01"):
                broken.append(f"{name} BT-131: {net} is farther than 0.01 from {computed}")
            _check(broken, f"{name} shelf total", gross, _shelf_total(source))
            if abs(net - gross * 100 / (100 + rate)) > Decimal("0.01"):
                broken.append(f"{name} net of {gross}: {net}")
            if len(line.findtext("a:Price/b:PriceAmount", namespaces=NS)) > 14:
                broken.append(f"{name} price: more than 14 characters")
        else:
            _check(broken, f"{name} BT-131", net, computed)
            _check(broken, f"{name} KSA-11", vat, half_up(net * rate / 100))
        for discount in line.xpath("a:Price/a:AllowanceCharge", namespaces=NS):
            _check(broken, f"{name} BT-146", price, number(discount, "b:BaseAmount") - number(discount, "b:Amount"))
        if line.xpath("a:TaxTotal/a:TaxSubtotal", namespaces=NS):
            broken.append(f"{name}: a subtotal on an ordinary line")
    for line in lines[len(real) :]:
        zeros = line.xpath(
            "b:InvoicedQuantity|b:LineExtensionAmount|a:TaxTotal/b:*|a:Price/b:PriceAmount", namespaces=NS
        )
        _check(broken, "prepayment line", [each.text for each in zeros], ["0.00"] * 5)
        for subtotal in line.xpath("a:TaxTotal/a:TaxSubtotal", namespaces=NS):
            rate = number(subtotal, "a:TaxCategory/b:Percent")
            due = half_up(number(subtotal, "b:TaxableAmount") * rate / 100)
            _check(broken, "KSA-32", abs(number(subtotal, "b:TaxAmount") - due) <= Decimal("0.01"), True)


def _shelf_total(source: dict[str, Any]) -> Decimal:
    shelf = Decimal(source["price"]) - Decimal(source.get("price_discount", 0))
    before = half_up(Decimal(source["quantity"]) * shelf / Decimal(source.get("per", 1)))

    def amount(entry: dict[str, Any]) -> Decimal:
        if "amount" in entry:
            return half_up(Decimal(entry["amount"]))
        return half_up(half_up(Decimal(entry.get("base", before))) * Decimal(entry["percent"]) / 100)

    discounts = sum((amount(entry) for entry in source.get("discounts", [])), Decimal(0))
    return before - discounts + sum((amount(entry) for entry in source.get("charges", [])), Decimal(0))


def _adjustments(root: Any, broken: list[str]) -> None:
    """Base and percentage stand together, and the amount is what the authority's own doubles give."""
    for entry in root.xpath("//a:AllowanceCharge[not(parent::a:Price)]", namespaces=NS):
        base, percent = entry.find("b:BaseAmount", NS), entry.find("b:MultiplierFactorNumeric", NS)
        _check(broken, "base with percentage", base is None, percent is None)
        amount = entry.findtext("b:Amount", namespaces=NS)
        if base is not None and percent is not None:
            product = float(base.text) * float(percent.text) / 100 * 100
            _check(broken, "BR-KSA-EN16931-03", Decimal(amount), Decimal(repr(math.floor(product + 0.5) / 100)))
            exact = half_up(Decimal(base.text) * Decimal(percent.text) / 100)
            _check(broken, "percentage", Decimal(amount), exact)
        if Decimal(amount) < 0:
            broken.append(f"a negative allowance or charge: {amount}")


def _breakdown(root: Any, broken: list[str]) -> None:
    taxable: dict[tuple[str, Decimal], Decimal] = {}

    def add(category: Any, amount: Decimal) -> None:
        group = group_of(category)
        taxable[group] = taxable.get(group, Decimal("0.00")) + amount

    for line in root.xpath("a:InvoiceLine[not(a:DocumentReference)]", namespaces=NS):
        category = line.xpath("a:Item/a:ClassifiedTaxCategory", namespaces=NS)[0]
        add(category, number(line, "b:LineExtensionAmount"))
    for entry in root.xpath("a:AllowanceCharge", namespaces=NS):
        sign = 1 if entry.findtext("b:ChargeIndicator", namespaces=NS) == "true" else -1
        add(entry.xpath("a:TaxCategory", namespaces=NS)[0], sign * number(entry, "b:Amount"))
    rows = root.xpath("a:TaxTotal/a:TaxSubtotal", namespaces=NS)
    groups = [group_of(row.xpath("a:TaxCategory", namespaces=NS)[0]) for row in rows]
    _check(broken, "one row per group", len(set(groups)), len(groups))
    categories = Counter(category for category, _ in groups)
    if any(categories[category] > 1 for category in "ZEO"):
        broken.append(f"one row for each of Z, E and O: {categories}")
    for row, group in zip(rows, groups, strict=True):
        _check(broken, f"BT-116 of {group}", number(row, "b:TaxableAmount"), taxable.pop(group, Decimal("0.00")))
        tax = half_up(number(row, "b:TaxableAmount") * group[1] / 100)
        _check(broken, f"BT-117 of {group}", number(row, "b:TaxAmount"), tax)
        reasons = row.xpath("a:TaxCategory/b:TaxExemptionReasonCode|a:TaxCategory/b:TaxExemptionReason", namespaces=NS)
        _check(broken, f"reason of {group}", len(reasons), 0 if group[0] == "S" else 2)
    _check(broken, "groups without a row", taxable, {})
    prepaid = {
        each.text for each in root.xpath("a:InvoiceLine/a:TaxTotal/a:TaxSubtotal/a:TaxCategory/b:ID", namespaces=NS)
    }
    _check(broken, "prepaid categories without a row", prepaid - set(categories), set())


def _totals(root: Any, authored: dict[str, Any], broken: list[str]) -> None:
    total = root.xpath("a:LegalMonetaryTotal", namespaces=NS)[0]
    entries = "a:AllowanceCharge[b:ChargeIndicator='{}']"
    line_net, exclusive = number(total, "b:LineExtensionAmount"), number(total, "b:TaxExclusiveAmount")
    inclusive, payable = number(total, "b:TaxInclusiveAmount"), number(total, "b:PayableAmount")
    allowances, charges = number(total, "b:AllowanceTotalAmount", "0.00"), number(total, "b:ChargeTotalAmount", "0.00")
    prepaid, rounding = number(total, "b:PrepaidAmount", "0.00"), number(total, "b:PayableRoundingAmount", "0.00")
    vat = number(root, "a:TaxTotal[a:TaxSubtotal]/b:TaxAmount")
    vat_sar = number(root, "a:TaxTotal[not(a:TaxSubtotal)]/b:TaxAmount")
    _check(broken, "BT-106", line_net, summed(root, "a:InvoiceLine/b:LineExtensionAmount"))
    _check(broken, "BT-107", allowances, summed(root, entries.format("false") + "/b:Amount"))
    _check(broken, "BT-108", charges, summed(root, entries.format("true") + "/b:Amount"))
    for member, indicator in (("AllowanceTotalAmount", "false"), ("ChargeTotalAmount", "true")):
        present = bool(total.xpath(f"b:{member}", namespaces=NS))
        _check(broken, member, present, bool(root.xpath(entries.format(indicator), namespaces=NS)))
    _check(broken, "BT-109", exclusive, line_net - allowances + charges)
    _check(broken, "BT-110", vat, summed(root, "a:TaxTotal/a:TaxSubtotal/b:TaxAmount"))
    rate = Decimal(authored["sar_rate"]) if authored.get("currency", "SAR") != "SAR" else Decimal(1)
    _check(broken, "BT-111", vat_sar, half_up(vat * rate))
    _check(broken, "exchange rate", bool(root.xpath("a:TaxExchangeRate", namespaces=NS)), "sar_rate" in authored)
    _check(broken, "BT-112", inclusive, exclusive + vat)
    subtotals = "a:InvoiceLine/a:TaxTotal/a:TaxSubtotal"
    _check(broken, "BT-113", prepaid, summed(root, f"{subtotals}/b:TaxableAmount|{subtotals}/b:TaxAmount"))
    _check(broken, "BT-115", payable, inclusive - prepaid + rounding)
    if "round_to" in authored:
        _check(broken, "a multiple of round_to", payable % Decimal(authored["round_to"]), 0)
        if abs(rounding) > Decimal(authored["round_to"]) / 2 + Decimal("0.06"):
            broken.append(f"BT-114 moves too far: {rounding}")
    elif "rounding" in authored:
        _check(broken, "BT-114", rounding, Decimal(authored["rounding"]))
    else:
        rows = len(root.xpath("a:TaxTotal/a:TaxSubtotal", namespaces=NS))
        every = [*authored.get("discounts", []), *authored.get("charges", [])]
        gross = all(line.get("price_basis") == "gross" for line in authored["lines"]) and all(
            entry.get("basis") == "gross" for entry in every
        )
        if abs(rounding) > (Decimal("0.01") * rows if gross else 0):
            broken.append(f"BT-114: {rounding} with {rows} groups, all inclusive: {gross}")
