"""Rules on allowances and charges: reasons, percentages, base amounts, price reductions.

Source: Saudi rule specification, sites 015, 095-106, 131, 138-141 and 145.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial

from khatm.rules.category_shapes import judged_by_shape
from khatm.rules.comparisons import compare_whole
from khatm.rules.edition import ONLY_333, ONLY_348
from khatm.rules.ksa.facts import (
    CHARGE,
    INDICATOR,
    PERCENT,
    between,
    category_is,
    charges,
    indicates,
    invoice,
    nonblank,
)
from khatm.rules.line_parts import every_line_parts, line_parts, lines
from khatm.rules.numbers import boolean_of, decimal_of, double_of, equal, f2, frac, sub
from khatm.rules.reading import NONE, Node, Nodes, Reading, descend, opt
from khatm.rules.site import Over, Site

CODE = "cbc:AllowanceChargeReasonCode"
REASON = "cbc:AllowanceChargeReason"
FACTOR = "cbc:MultiplierFactorNumeric"
AMOUNT = "cbc:Amount"
BASE = "cbc:BaseAmount"

# UNTDID 7161 as one string, searched for substrings; CAP and CAQ run together, as in the official list.
REASON_CODES = (
    " AA AAA AAC AAD AAE AAF AAH AAI AAS AAT AAV AAY AAZ ABA ABB ABC ABD ABF ABK ABL ABN ABR ABS ABT ABU ACF ACG ACH"
    " ACI ACJ ACK ACL ACM ACS ADC ADE ADJ ADK ADL ADM ADN ADO ADP ADQ ADR ADT ADW ADY ADZ AEA AEB AEC AED AEF AEH AEI"
    " AEJ AEK AEL AEM AEN AEO AEP AES AET AEU AEV AEW AEX AEY AEZ AJ AU CA CAB CAD CAE CAF CAI CAJ CAK CAL CAM CAN CAO"
    " CAPCAQ CAR CAS CAT CAU CAV CAW CD CG CS CT DAB DAD DL EG EP ER FAA FAB FAC FC FH FI GAA HAA HD HH IAA AB ID IF"
    " IR IS KO L1 LA LAA LAB LF MAE MI ML NAA OA PA PAA PC PL RAB RAC RAD RAF RE RF RH RV SA SAA SAD SAE SAI SG SH SM"
    " SU TAB AC TT TV V1 V2 WH XAA YY ZZZ "
)

Choose = Callable[[Reading], Nodes]


def _outside_prices(reading: Reading) -> Nodes:
    return [node for node in reading.named(CHARGE) if node.parent is None or node.parent.name != "cac:Price"]


def _of_document(want: bool, reading: Reading) -> Nodes:
    return charges(invoice(reading), want)


def _of_lines(want: bool, reading: Reading) -> Nodes:
    return charges(lines(reading), want)


document_charges = partial(_of_document, True)
document_allowances = partial(_of_document, False)
line_charges = partial(_of_lines, True)
line_allowances = partial(_of_lines, False)


def _reason_code_unknown(reading: Reading) -> Nodes:
    return [
        node
        for node in reading.named(CHARGE)
        if indicates_outside_price(node) and opt(node.all(CODE)) not in REASON_CODES
    ]


def indicates_outside_price(node: Node) -> bool:
    """Tell whether this is a charge that stands elsewhere than at a price; the indicator is read first."""
    return indicates(node, True) and (node.parent is None or node.parent.name != "cac:Price")


def _allowance_percentage(reading: Reading) -> Nodes:
    """Allowances only; decimals are counted on the text, trailing zeros and blanks included."""
    failing = []
    for node in _outside_prices(reading):
        if indicates(node, False) and (text := opt(node.all(FACTOR))) != "":
            value = decimal_of(node.all(FACTOR)) if frac(text) <= 2 else None  # in the engine's order
            if value is None or not 0 <= value <= 100:
                failing.append(node)
    return failing


def _lacks_reason_code(choose: Choose, reading: Reading) -> Nodes:
    return [node for node in reading.fact(choose) if not nonblank(node.all(CODE))]


def _lacks_reason(choose: Choose, reading: Reading) -> Nodes:
    return [node for node in reading.fact(choose) if not nonblank(node.all(REASON))]


def _reason_length(choose: Choose, reading: Reading) -> Nodes:
    return [node for node in reading.fact(choose) if node.has(REASON) and not between(1, opt(node.all(REASON)), 1000)]


def _is_taxed(category: Node) -> bool:
    """Tell whether this is an O category with a rate that is not 0: by the engine's order, -0.00 is below 0."""
    return category_is(category, "O") and any(compare_whole(rate, 0) != 0 for rate in category.all(PERCENT))


def _items(reading: Reading) -> Nodes:
    return line_parts(reading).items


def _taxed_charge(choose: Choose, reading: Reading) -> Nodes:
    return judged_by_shape(_is_taxed, reading, descend(reading.fact(choose), "cac:TaxCategory"))


def _indicator(reading: Reading) -> Nodes:
    """Can only break off: an unreadable indicator aborts before it could be reported."""
    for node in descend(reading.named(CHARGE), INDICATOR):
        boolean_of(node)
    return NONE


def _with_base(reading: Reading) -> Iterator[Node]:
    for found in (descend(invoice(reading), CHARGE), descend(lines(reading), CHARGE)):
        if any(node.has(AMOUNT) for node in found):
            yield from (node for node in found if node.has(BASE))


def _amount_of_base(reading: Reading) -> Nodes:
    return [
        node
        for node in _with_base(reading)
        if opt(node.all(AMOUNT)) != "" and opt(node.all(BASE)) != "" and not _is_percentage(node)
    ]


def _is_percentage(charge: Node) -> bool:
    """No tolerance, in doubles throughout; without a percentage there is nothing to equal."""
    amount = f2(double_of(charge.all(AMOUNT)))
    base = double_of(charge.all(BASE))
    factor = double_of(charge.all(FACTOR))
    if base is None or factor is None:
        return amount == "NaN"
    cents = base * factor / 100 * 100 + 0.5
    return amount == f2((_floor(cents)) / 100)


def _floor(value: float) -> float:
    if not math.isfinite(value):
        return value
    below = float(math.floor(value))
    return math.copysign(below, value) if below == 0 else below


def _percentage_missing(reading: Reading) -> Nodes:
    parents = [*invoice(reading), *reading.named("cac:InvoiceLine")]
    return [
        base
        for parent in parents
        for charge in parent.all(CHARGE)
        if not charge.has(FACTOR)
        for base in charge.all(BASE)
    ]


def _base_missing(reading: Reading) -> Nodes:
    return [factor for charge in reading.named(CHARGE) if not charge.has(BASE) for factor in charge.all(FACTOR)]


def price_allowances(reading: Reading) -> Nodes:
    """Return the allowances and charges at the prices of lines."""
    return descend(every_line_parts(reading).prices, CHARGE)


def _price_charge(reading: Reading) -> Nodes:
    return [node for node in price_allowances(reading) if indicates(node, True)]


def _price_indicator_333(reading: Reading) -> Nodes:
    """The older edition took true and false alike, and demanded one of them."""
    return [node for node in price_allowances(reading) if not (indicates(node, False) or indicates(node, True))]


def _gross_price(reading: Reading) -> Nodes:
    """Net price = gross price - discount, exactly; an absent discount fires."""
    failing = []
    for price in every_line_parts(reading).prices:
        for charge in price.all(CHARGE):
            for base in charge.all(BASE):
                net = decimal_of(price.all("cbc:PriceAmount"))
                if net is None or not equal(net, sub(decimal_of([base]), decimal_of(charge.all(AMOUNT)))):
                    failing.append(base)
    return failing


SITES = (
    Site("015", "BR-KSA-CL-06", "warning", _reason_code_unknown, shows=(CODE,)),
    Site("095", "BR-KSA-DEC-01", "error", _allowance_percentage, shows=(FACTOR,)),
    Site("096", "BR-KSA-19", "warning", partial(_lacks_reason_code, document_charges)),
    Site("097", "BR-KSA-21", "warning", partial(_lacks_reason, document_charges)),
    Site("098", "BR-KSA-F-06-C33", "warning", partial(_reason_length, document_charges), shows=(REASON,)),
    Site("099", "BR-KSA-20", "warning", partial(_lacks_reason_code, line_charges)),
    Site("100", "BR-KSA-22", "warning", partial(_lacks_reason, line_charges)),
    Site("101", "BR-KSA-F-06-C34", "warning", partial(_reason_length, line_charges), shows=(REASON,)),
    Site("102", "BR-KSA-F-06-C35", "warning", partial(_reason_length, document_allowances), shows=(REASON,)),
    Site("103", "BR-KSA-11", "error", Over(_items, partial(judged_by_shape, _is_taxed)), shows=(PERCENT,)),
    Site("104", "BR-KSA-12", "warning", partial(_taxed_charge, document_allowances), shows=(PERCENT,)),
    Site("105", "BR-KSA-13", "warning", partial(_taxed_charge, document_charges), shows=(PERCENT,)),
    Site("106", "BR-KSA-F-06-C36", "warning", partial(_reason_length, line_allowances), shows=(REASON,)),
    Site("131", "BR-KSA-F-02", "error", _indicator),
    Site("138", "BR-KSA-EN16931-03", "warning", _amount_of_base, shows=(AMOUNT,)),
    Site("139", "BR-KSA-EN16931-05", "warning", _percentage_missing),
    Site("140", "BR-KSA-EN16931-04", "warning", _base_missing),
    Site("141", "BR-KSA-EN16931-06", "error", _price_charge, ONLY_348, shows=(INDICATOR,)),
    Site("141", "BR-KSA-EN16931-06", "error", _price_indicator_333, ONLY_333, shows=(INDICATOR,)),
    Site("145", "BR-KSA-EN16931-07", "error", _gross_price),
)
