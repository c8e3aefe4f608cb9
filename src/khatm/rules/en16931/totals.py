"""The document's totals: present, precise to the halala, and adding up."""

from decimal import Decimal
from functools import partial

from khatm.rules.en16931.categories import line_nets
from khatm.rules.en16931.contexts import each, indicates, lines, missing, too_precise, totals
from khatm.rules.numbers import add, dbl, decimal_of, dsum, equal, exactly, r2, sub
from khatm.rules.patterns import norm
from khatm.rules.reading import Node, Nodes, Reading, opt
from khatm.rules.site import Site


def line_sum(reading: Reading) -> Decimal | None:
    """Return the exact sum of the net amounts of all lines at any depth, rounded to the halala."""
    found, nets = reading.fact(lines), reading.fact(line_nets)
    return r2(dsum([nets[line] if line in nets else decimal_of(line.all("cbc:LineExtensionAmount")) for line in found]))


def binary_line_sum(reading: Reading) -> Decimal:
    """Return the sum of an invoice's line amounts as the stylesheet adds them: in doubles, then cast exactly.

    So lines of 1.005 count as 1.00499999…; NaN and infinity abort.
    """
    total = 0.0
    if reading.root.name == "inv:Invoice":
        for line in reading.root.all("cac:InvoiceLine"):
            for amount in line.all("cbc:LineExtensionAmount"):
                total += dbl(amount.text) or 0.0
    return exactly(total)


def _siblings(want: bool, parent: Node) -> tuple[bool, Decimal | None]:
    charges = [charge for charge in parent.all("cac:AllowanceCharge") if indicates(charge, want)]
    return bool(charges), r2(dsum([decimal_of(charge.all("cbc:Amount")) for charge in charges]))


_allowances = partial(_siblings, False)
_charges = partial(_siblings, True)


def _wrong_line_total(reading: Reading) -> Nodes:
    return [
        total
        for total in totals(reading)
        if not equal(decimal_of(total.all("cbc:LineExtensionAmount")), reading.fact(line_sum))
    ]


def _wrong_allowance_total(reading: Reading) -> Nodes:
    return [total for total in totals(reading) if _unlike("cbc:AllowanceTotalAmount", _allowances, reading, total)]


def _wrong_charge_total(reading: Reading) -> Nodes:
    return [
        total
        for total in totals(reading)
        if not _blank_charge_total(total) and _unlike("cbc:ChargeTotalAmount", _charges, reading, total)
    ]


def _unlike(name: str, summed: "partial[tuple[bool, Decimal | None]]", reading: Reading, total: Node) -> bool:
    stated = decimal_of(total.all(name))
    parent = total.parent
    some, expected = reading.fact_at(summed, parent) if parent is not None else (False, Decimal(0))
    return not (equal(stated, expected) or (stated is None and not some))


def _blank_charge_total(total: Node) -> bool:
    return total.has("cbc:ChargeTotalAmount") and norm(opt(total.all("cbc:ChargeTotalAmount"))) == ""


def _wrong_net_total(reading: Reading) -> Nodes:
    return [
        total
        for total in totals(reading)
        if not _blank_charge_total(total)
        and not equal(decimal_of(total.all("cbc:TaxExclusiveAmount")), _net(reading, total))
    ]


def _net(reading: Reading, total: Node) -> Decimal | None:
    charges, allowances = total.all("cbc:ChargeTotalAmount"), total.all("cbc:AllowanceTotalAmount")
    if not charges and not allowances:
        return decimal_of(total.all("cbc:LineExtensionAmount"))
    net: Decimal | None = reading.fact(binary_line_sum)
    if charges:
        net = add(net, decimal_of(charges))
    if allowances:
        net = sub(net, decimal_of(allowances))
    return r2(net)


def _wrong_payable(total: Node) -> bool:
    """Amounts are read from left to right, and none behind one that is missing: the engine looks no further."""
    payable = decimal_of(total.all("cbc:PayableAmount"))
    if payable is None:
        return True
    rounding = decimal_of(total.all("cbc:PayableRoundingAmount"))
    inclusive = decimal_of(total.all("cbc:TaxInclusiveAmount"))
    if inclusive is None:
        return True
    prepaid = decimal_of(total.all("cbc:PrepaidAmount"))
    # Which side is rounded depends on what is there (EN rule specification, BR-CO-16).
    due = inclusive if prepaid is None else r2(sub(inclusive, prepaid))
    stated = payable if rounding is None else r2(sub(payable, rounding))
    return not equal(stated, due)


_NET, _ALLOWANCES, _CHARGES = ("cbc:LineExtensionAmount",), ("cbc:AllowanceTotalAmount",), ("cbc:ChargeTotalAmount",)
_EXCLUSIVE, _INCLUSIVE = ("cbc:TaxExclusiveAmount",), ("cbc:TaxInclusiveAmount",)
_PREPAID, _ROUNDING, _PAYABLE = ("cbc:PrepaidAmount",), ("cbc:PayableRoundingAmount",), ("cbc:PayableAmount",)

SITES = (
    Site("013", "BR-13", "warning", each(totals, missing(*_EXCLUSIVE))),
    Site("014", "BR-14", "error", each(totals, missing(*_INCLUSIVE))),
    Site("015", "BR-15", "error", each(totals, missing(*_PAYABLE))),
    Site("016", "BR-CO-10", "warning", _wrong_line_total, shows=_NET),
    Site("017", "BR-CO-11", "error", _wrong_allowance_total, shows=_ALLOWANCES),
    Site("018", "BR-CO-12", "error", each(totals, _blank_charge_total), shows=_CHARGES),
    Site("019", "BR-CO-12", "error", _wrong_charge_total, shows=_CHARGES),
    Site("020", "BR-CO-13", "warning", each(totals, _blank_charge_total), shows=_CHARGES),
    Site("021", "BR-CO-13", "warning", _wrong_net_total, shows=_EXCLUSIVE),
    Site("022", "BR-CO-16", "warning", each(totals, _wrong_payable), shows=_PAYABLE),
    Site("023", "BR-DEC-09", "warning", each(totals, too_precise(*_NET)), shows=_NET),
    Site("024", "BR-DEC-10", "warning", each(totals, too_precise(*_ALLOWANCES)), shows=_ALLOWANCES),
    Site("025", "BR-DEC-11", "warning", each(totals, too_precise(*_CHARGES)), shows=_CHARGES),
    Site("026", "BR-DEC-12", "warning", each(totals, too_precise(*_EXCLUSIVE)), shows=_EXCLUSIVE),
    Site("027", "BR-DEC-14", "warning", each(totals, too_precise(*_INCLUSIVE)), shows=_INCLUSIVE),
    Site("028", "BR-DEC-16", "warning", each(totals, too_precise(*_PREPAID)), shows=_PREPAID),
    Site("029", "BR-DEC-17", "warning", each(totals, too_precise(*_ROUNDING)), shows=_ROUNDING),
    Site("030", "BR-DEC-18", "warning", each(totals, too_precise(*_PAYABLE)), shows=_PAYABLE),
)
