"""Rules on currencies: codes, the currency of every amount, tax currency totals, exchange rates.

Source: Saudi rule specification, sites 111, 112, 134-137 and 149-152. The codes of amounts and exchange rates are
used as patterns searched for in the document's currency, so "S" and "USD|SAR" pass for SAR.
"""

from collections.abc import Iterator

from khatm.document.codes import CURRENCIES
from khatm.rules.abort import Abort
from khatm.rules.comparisons import some_above_zero
from khatm.rules.edition import ONLY_333, ONLY_348
from khatm.rules.ksa.facts import (
    invoice,
)
from khatm.rules.line_parts import every_line_parts
from khatm.rules.numbers import double_of, round_up
from khatm.rules.patterns import norm
from khatm.rules.reading import NONE, Node, Nodes, Reading, descend, filled, opt
from khatm.rules.site import Site
from khatm.rules.xpath_regex import PatternSearch

DOCUMENT = "cbc:DocumentCurrencyCode"
TAX = "cbc:TaxCurrencyCode"
TOTAL = "cac:TaxTotal"
SUBTOTAL = "cac:TaxSubtotal"
RATE = "cac:TaxExchangeRate"
_AMOUNTS = (
    "cbc:Amount", "cbc:BaseAmount", "cbc:LineExtensionAmount", "cbc:PriceAmount", "cbc:TaxExclusiveAmount",
    "cbc:TaxInclusiveAmount", "cbc:AllowanceTotalAmount", "cbc:ChargeTotalAmount", "cbc:PrepaidAmount",
    "cbc:PayableRoundingAmount", "cbc:PayableAmount",
)  # fmt: skip
_TAX_AMOUNTS = ("cbc:TaxAmount", "cbc:RoundingAmount", "cbc:TaxableAmount")


class CurrencyAttribute(Node):
    """The currency of an amount as a place of its own: `…/cbc:TaxAmount[1]/@currencyID`."""

    __slots__ = ("_amount",)

    def __init__(self, amount: Node, code: str) -> None:
        super().__init__("@currencyID", None, amount.order)
        self._amount = amount
        self.text = code

    def location(self) -> str:
        """Return the XPath of the attribute."""
        return f"{self._amount.location()}/@currencyID"


def _currency_code(reading: Reading) -> Iterator[Node]:
    for node in reading.named(DOCUMENT):
        if norm(node.text) not in CURRENCIES:
            yield node
    subtotals = every_line_parts(reading).subtotals
    amounts = [
        *descend(subtotals, "cbc:TaxAmount"),
        *descend(subtotals, "cbc:TaxableAmount"),
        *descend(reading.named("cac:LegalMonetaryTotal"), "cbc:PayableRoundingAmount"),
    ]
    for amount in amounts:
        code = amount.attribute("currencyID")
        if code is not None and norm(code) not in CURRENCIES:
            yield CurrencyAttribute(amount, code)


def _amount_currency(reading: Reading) -> Nodes:
    """Document level tax totals are not among the amounts."""
    if _one_currency(reading):
        return NONE
    nodes = [node for nodes in _amounts(reading) for node in nodes]
    codes = [node.attribute("currencyID") for node in nodes]
    failing: set[str | None] = set()
    for code in dict.fromkeys(codes):
        if not code or not _is_in(reading, code, reading.named(DOCUMENT), nodes[codes.index(code)]):
            failing.add(code)
    return [node for node, code in zip(nodes, codes, strict=True) if code in failing] if failing else NONE


def _one_currency(reading: Reading) -> bool:
    """Tell whether all amounts, those included that the rule leaves out, are in the document's currency."""
    documents = reading.named(DOCUMENT)
    if len(documents) != 1 or documents[0].text not in CURRENCIES:
        return False
    own = {documents[0].text}
    return all(reading.currencies(name) <= own for name in (*_AMOUNTS, *_TAX_AMOUNTS))


def _amounts(reading: Reading) -> Iterator[Nodes]:
    yield from map(reading.named, _AMOUNTS)
    parts = every_line_parts(reading)
    yield descend(parts.totals, "cbc:TaxAmount")
    yield descend(parts.totals, "cbc:RoundingAmount")
    document = invoice(reading)
    for subtotals in (descend(document, TOTAL, SUBTOTAL), parts.subtotals):
        yield descend(subtotals, "cbc:TaxableAmount")
        yield descend(subtotals, "cbc:TaxAmount")


def _is_in(reading: Reading, pattern: str, currencies: Nodes, place: Node) -> bool:
    try:
        return reading.fact(PatternSearch).found(pattern, norm(opt(currencies)))
    except Abort as abort:
        raise abort.at(place) from None


def _subtotalled(nodes: Nodes) -> Nodes:
    return [node for node in nodes if node.has(SUBTOTAL)]


def _plain(nodes: Nodes) -> Nodes:
    return [node for node in nodes if not node.has(SUBTOTAL)]


def _one_breakdown(reading: Reading) -> Nodes:
    return [node for node in invoice(reading) if len(_subtotalled(node.all(TOTAL))) != 1]


def _some_breakdown_333(reading: Reading) -> Nodes:
    return [node for node in invoice(reading) if not node.path(TOTAL, SUBTOTAL)]


def _same_total_twice(reading: Reading) -> Nodes:
    """In a foreign currency document the two tax totals must differ; " SAR" counts as foreign."""
    return [node for node in invoice(reading) if _is_foreign(node) and _repeats_total(node)]


def _is_foreign(node: Node) -> bool:
    currencies = node.all(DOCUMENT)
    return filled(currencies) and any(currency.text != "SAR" for currency in currencies)


def _repeats_total(node: Node) -> bool:
    totals = node.all(TOTAL)
    document, accounting = (descend(some, "cbc:TaxAmount") for some in (_subtotalled(totals), _plain(totals)))
    if not (some_above_zero(document) and some_above_zero(accounting)):
        return False
    return _cents(document) == _cents(accounting)


def _cents(nodes: Nodes) -> float | None:
    value = double_of(nodes)
    return None if value is None else round_up(value * 100) / 100


def _tax_currency(reading: Reading) -> Nodes:
    return [node for node in reading.named(TAX) if norm(node.text.upper()) != "SAR"]


def _one_plain_total(reading: Reading) -> Nodes:
    counts = {node.parent: 0 for node in reading.named(TAX)}
    for parent in counts:
        counts[parent] = len(_plain(parent.all(TOTAL))) if parent else 0
    return [node for node in reading.named(TAX) if counts[node.parent] != 1]


def _two_totals_333(reading: Reading) -> Nodes:
    verdicts = {node.parent: False for node in reading.named(TAX)}
    for parent in verdicts:
        verdicts[parent] = parent is not None and len(parent.all(TOTAL)) == 2 and bool(parent.path(TOTAL, SUBTOTAL))
    return [node for node in reading.named(TAX) if not verdicts[node.parent]]


def _judged(reading: Reading) -> Nodes:
    """Template T55 stands on the exchange rate and on both currency codes: each finding comes up to three times."""
    return [*_rates(reading), *reading.any_of(DOCUMENT, TAX)]


def _rates(reading: Reading) -> Nodes:
    return descend(invoice(reading), RATE)


def _exchange_rate_parts(reading: Reading) -> Nodes:
    rates = _rates(reading)
    names = ("cbc:SourceCurrencyCode", "cbc:TargetCurrencyCode", "cbc:CalculationRate")
    return _judged(reading) if rates and not all(filled(descend(rates, name)) for name in names) else NONE


def _source_currency(reading: Reading) -> Nodes:
    return _foreign_code(reading, "cbc:SourceCurrencyCode", DOCUMENT)


def _target_currency(reading: Reading) -> Nodes:
    return _foreign_code(reading, "cbc:TargetCurrencyCode", TAX)


def _foreign_code(reading: Reading, name: str, currency: str) -> Nodes:
    codes = descend(_rates(reading), name)
    if not filled(codes):
        return NONE
    return NONE if _is_in(reading, opt(codes), reading.named(currency), codes[0]) else _judged(reading)


def _exchange_rate_length(reading: Reading) -> Nodes:
    """Characters count, sign and dot included."""
    rates = descend(_rates(reading), "cbc:CalculationRate")
    return _judged(reading) if filled(rates) and len(norm(opt(rates))) >= 15 else NONE


SITES = (
    Site("111", "BR-KSA-CL-01", "error", _currency_code),
    Site("112", "BR-KSA-CL-02", "error", _amount_currency),
    Site("134", "BR-KSA-EN16931-08", "warning", _one_breakdown, ONLY_348),
    Site("134", "BR-KSA-EN16931-08", "error", _some_breakdown_333, ONLY_333),
    Site("135", "BR-KSA-97", "warning", _same_total_twice, ONLY_348),
    Site("136", "BR-KSA-EN16931-02", "error", _tax_currency),
    Site("137", "BR-KSA-EN16931-09", "warning", _one_plain_total, ONLY_348),
    Site("137", "BR-KSA-EN16931-09", "warning", _two_totals_333, ONLY_333),
    Site("149", "BR-KSA-87", "warning", _exchange_rate_parts),
    Site("150", "BR-KSA-88", "error", _source_currency),
    Site("151", "BR-KSA-89", "error", _target_currency),
    Site("152", "BR-KSA-90", "error", _exchange_rate_length),
)
