"""Advice on currencies: the VAT total in riyal, exchange rates, and the currency of line totals.

Source: the document standard, sections 2 (KSA-14), 7.1, 7.3 and 8; Saudi rule specification, section 9 (CL-02).
"""

from collections.abc import Iterator
from typing import Final

from khatm.money import multiply, round2
from khatm.rules.abort import Abort
from khatm.rules.advice.facts import SUBTOTAL, TAX, TOTAL, advise, amount, text
from khatm.rules.reading import NONE, Node, Nodes, Reading
from khatm.rules.xpath_regex import PatternSearch

_EXCHANGE: Final = "cac:TaxExchangeRate"


def _currency(reading: Reading) -> str:
    return text(reading.root.all("cbc:DocumentCurrencyCode"))


def _totals(reading: Reading) -> tuple[Nodes, Nodes]:
    """Return the VAT totals without and with subtotals: BT-111 and BT-110."""
    found = reading.root.all(TOTAL)
    return [each for each in found if not each.has(SUBTOTAL)], [each for each in found if each.has(SUBTOTAL)]


def _vat_in_riyal(reading: Reading) -> Nodes:
    """Without an exchange rate a foreign document gives nothing to compare with."""
    bare, full = _totals(reading)
    if len(bare) != 1 or len(full) != 1:
        return NONE
    riyal, vat = amount(bare[0].all(TAX)), amount(full[0].all(TAX))
    if _currency(reading) != "SAR":
        rate = amount(reading.root.path(_EXCHANGE, "cbc:CalculationRate"))
        vat = None if vat is None or rate is None else round2(multiply(vat, rate))
        if riyal == amount(full[0].all(TAX)):
            return NONE  # BR-KSA-97
    return bare if riyal is not None and vat is not None and riyal != vat else NONE


def _order(reading: Reading) -> Nodes:
    """The QR code takes the first VAT total, which matters where the two differ."""
    bare, full = _totals(reading)
    if len(bare) != 1 or len(full) != 1 or bare[0].order < full[0].order:
        return NONE
    return full if text(bare[0].all(TAX)) != text(full[0].all(TAX)) else NONE


def _rate_without_use(reading: Reading) -> Nodes:
    return reading.root.all(_EXCHANGE) if _currency(reading) == "SAR" else NONE


def _rate_value(reading: Reading) -> Nodes:
    nodes = reading.root.path(_EXCHANGE, "cbc:CalculationRate")
    return [node for node in nodes if amount([node]) == 0]


def _rate_currencies(reading: Reading) -> Iterator[Node]:
    for name, currency in (("cbc:SourceCurrencyCode", _currency(reading)), ("cbc:TargetCurrencyCode", "SAR")):
        for node in reading.root.path(_EXCHANGE, name):
            if _passes_for(reading, node.text.strip(), currency):
                yield node


def _passes_for(reading: Reading, code: str, currency: str) -> bool:
    """Tell whether the official rules, which search a code as a pattern, take another text for the currency."""
    if not code or code == currency:
        return False
    try:
        return reading.fact(PatternSearch).found(code, currency)
    except Abort:
        return False


def _line_totals(reading: Reading) -> Nodes:
    """Other amounts must carry a code of the list of currencies, which no part of another is."""
    currency = _currency(reading)
    if reading.currencies("cbc:RoundingAmount") <= {currency}:
        return NONE
    nodes = reading.root.path("cac:InvoiceLine", TOTAL, "cbc:RoundingAmount")
    codes = {node.attribute("currencyID") or "" for node in nodes}
    passing = {code for code in codes if _passes_for(reading, code, currency)} if currency else set()
    return [node for node in nodes if node.attribute("currencyID") in passing] if passing else NONE


SITES = (
    advise("VAT-SAR", _vat_in_riyal, TAX),
    advise("TAX-TOTAL-ORDER", _order, TAX),
    advise("EXCHANGE-UNUSED", _rate_without_use, "cbc:CalculationRate"),
    advise("EXCHANGE-RATE", _rate_value),
    advise("EXCHANGE-CURRENCY", _rate_currencies),
    advise("CURRENCY", _line_totals, "@currencyID"),
)
