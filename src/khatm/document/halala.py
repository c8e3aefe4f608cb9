"""The odd halala: where the amounts of any UBL invoice do not add up, which one is wrong, and what it should be.

Quantities, prices, rates and plain allowances are taken as they are; everything that follows from them is computed by
the formulas of the document standard, sections 5.1, 5.3, 7.1 and 9, line by line and then upwards. A net amount within
a halala of its product is left alone where the line and the sums agree with it, as tax-inclusive prices need (7.4).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Final

from lxml import etree

from khatm.document.errors import NotAnInvoice
from khatm.document.line_arithmetic import EXACT
from khatm.document.odd_amounts import (
    Group,
    Ledger,
    OddAmount,
    every,
    field,
    first,
    group_of,
    is_charge,
    settle_percentage,
)
from khatm.document.odd_lines import OddLine
from khatm.document.xml import INV, text_of
from khatm.money import HALALA, ZERO, multiply, percent_of, round2, text2, total

__all__ = ["OddAmount", "Repair", "repair"]

_OPTIONAL: Final = frozenset({"BT-107", "BT-108", "BT-113"})
"""Sums that count as 0 where they are absent, as the rules have it."""


@dataclass(frozen=True, slots=True)
class Repair:
    """What was put right in a tree, and what is too far off for a matter of rounding (the tree holds both)."""

    odd: tuple[OddAmount, ...]
    beyond: tuple[OddAmount, ...]


def repair(tree: etree._ElementTree) -> Repair:
    """Put the odd amounts of an invoice right in its tree and return each of them.

    Within tolerance are one halala on a line, and on a sum one for each line and each row of the breakdown. An amount
    that is absent stays so. Raises NotAnInvoice, and UnreadableAmount for an amount that is no plain decimal.
    """
    root = tree.getroot()
    if root.tag != f"{{{INV}}}Invoice":
        raise NotAnInvoice(found=str(root.tag))
    with localcontext(EXACT):
        ledger = Ledger()
        _Walk(root, ledger).run()
    return Repair(tuple(ledger.odd), tuple(ledger.beyond))


class _Walk:
    """One invoice, from its lines upwards."""

    def __init__(self, root: etree._Element, ledger: Ledger) -> None:
        self._root = root
        self._ledger = ledger
        self._lines = [OddLine(each, ledger) for each in every(root, "InvoiceLine")]
        self._totals = first(root, "LegalMonetaryTotal")
        taxes = every(root, "TaxTotal")
        self._breakdown = next((each for each in taxes if first(each, "TaxSubtotal") is not None), None)
        self._bare = next((each for each in taxes if first(each, "TaxSubtotal") is None), None)
        self._rows = [] if self._breakdown is None else every(self._breakdown, "TaxSubtotal")
        self._limit = HALALA * (len(self._lines) + len(self._rows) + 1)

    def run(self) -> None:
        for line in self._lines:
            line.settle_allowances()
        allowances, charges = self._adjustments()
        self._settle_nets()
        for line in self._lines:
            line.check_product()
            line.settle_vat()
        self._settle_totals(allowances, charges)

    def _adjustments(self) -> tuple[Decimal, Decimal]:
        """Settle document allowances and charges that are percentages; return the sum of each."""
        sums = [ZERO, ZERO]
        for entry in every(self._root, "AllowanceCharge"):
            charge = is_charge(entry)
            sums[charge] += settle_percentage(self._ledger, entry, "BT-99" if charge else "BT-92", None)
        return sums[0], sums[1]

    def _settle_nets(self) -> None:
        """Find the lines whose net the sum of lines knows better; the sum itself is settled later."""
        element = None if self._totals is None else field(self._totals, "LineExtensionAmount")
        said = self._ledger.value(element)
        missing = ZERO if said is None else said - total(line.net for line in self._lines)
        own = [(line, right) for line in self._lines if (right := line.by_equation()) is not None]
        product = [(line, right) for line in self._lines if (right := line.by_product()) is not None]
        if not missing:  # the sum accuses no line; several may still be off against one another
            own, product = [(line, right) for line, right in own if line.speaks_for(right[0])], []
        elif not self._rows_confirm(product):
            product = []
        for found in (own, product):
            if found and total(right[0] - line.net for line, right in found) == missing:
                for line, right in found:
                    line.settle_net(*right)
                return

    def _rows_confirm(self, nets: "Sequence[tuple[OddLine, tuple[Decimal, str]]]") -> bool:
        """Whether the breakdown holds the sums that these nets would give, and not those of the nets that stand."""
        wanted = self._bases({line: right[0] for line, right in nets})
        standing = self._bases({})
        told = {key: self._ledger.value(field(row, "TaxableAmount")) for row, key in self._grouped_rows()}
        changed = [key for key in wanted if wanted[key] != standing.get(key)]
        return bool(changed) and all(told.get(key) == wanted[key] for key in changed)

    def _bases(self, nets: "dict[OddLine, Decimal]") -> dict[Group, Decimal]:
        """BT-116 by VAT group, with other net amounts for some lines."""
        sums: dict[Group, Decimal] = {}
        for line in self._lines:
            if line.group is not None and not line.prepayment:
                sums[line.group] = sums.get(line.group, ZERO) + nets.get(line, line.net)
        for entry in every(self._root, "AllowanceCharge"):
            key = group_of(first(entry, "TaxCategory"), self._ledger)
            amount = self._ledger.value(field(entry, "Amount"))
            if key is not None and amount is not None:
                sums[key] = sums.get(key, ZERO) + (amount if is_charge(entry) else -amount)
        return sums

    def _grouped_rows(self) -> Iterator[tuple[etree._Element, Group]]:
        """Rows of the breakdown whose VAT group no other row has."""
        keys = [group_of(first(row, "TaxCategory"), self._ledger) for row in self._rows]
        counts = Counter(keys)
        for row, key in zip(self._rows, keys, strict=True):
            if key is not None and counts[key] == 1:
                yield row, key

    def _settle_rows(self) -> Decimal:
        """Settle the breakdown and return the sum of its VAT."""
        bases = self._bases({})
        alone = dict(self._grouped_rows())
        vat = ZERO
        for row in self._rows:
            base, tax = field(row, "TaxableAmount"), field(row, "TaxAmount")
            key = alone.get(row)
            if key is None or tax is None:
                vat += self._ledger.value(tax) or ZERO
                continue
            name = f"{key[0]} {text2(key[1])} %"
            due = self._ledger.settle(
                "BT-116", base, bases.get(key, ZERO), "Σ BT-131 − Σ BT-92 + Σ BT-99", self._limit, group=name
            )
            right = percent_of(due, key[1])
            vat += self._ledger.settle("BT-117", tax, right, "BT-116 × BT-119", self._limit, group=name)
        return vat

    def _settle_totals(self, allowances: Decimal, charges: Decimal) -> None:
        said = self._said
        nets = said("BT-106", "LineExtensionAmount", total(line.net for line in self._lines), "Σ BT-131")
        less = said("BT-107", "AllowanceTotalAmount", allowances, "Σ BT-92")
        more = said("BT-108", "ChargeTotalAmount", charges, "Σ BT-99")
        exclusive = said("BT-109", "TaxExclusiveAmount", nets - less + more, "BT-106 − BT-107 + BT-108")
        vat = self._settle_tax_totals()
        inclusive = said("BT-112", "TaxInclusiveAmount", exclusive + vat, "BT-109 + BT-110")
        prepaid = said("BT-113", "PrepaidAmount", total(line.prepaid() for line in self._lines), "Σ KSA-31 + Σ KSA-32")
        rounding = None if self._totals is None else self._ledger.value(field(self._totals, "PayableRoundingAmount"))
        formula = "BT-112 − BT-113 + BT-114"
        said("BT-115", "PayableAmount", inclusive - prepaid + (rounding or ZERO), formula)

    def _said(self, term: str, name: str, right: Decimal, formula: str) -> Decimal:
        element = None if self._totals is None else field(self._totals, name)
        if element is None and term in _OPTIONAL:
            return ZERO
        return self._ledger.settle(term, element, right, formula, self._limit)

    def _settle_tax_totals(self) -> Decimal:
        """Settle BT-110 and BT-111 and return BT-110; without a breakdown the bare total is taken as it stands."""
        bare = None if self._bare is None else field(self._bare, "TaxAmount")
        if self._breakdown is None:
            return self._ledger.value(bare) or ZERO
        vat = self._ledger.settle(
            "BT-110", field(self._breakdown, "TaxAmount"), self._settle_rows(), "Σ BT-117", self._limit
        )
        if text_of(field(self._root, "DocumentCurrencyCode")).strip() == "SAR":
            self._ledger.settle("BT-111", bare, vat, "BT-110", self._limit)
            return vat
        exchange = first(self._root, "TaxExchangeRate")
        rate = None if exchange is None else self._ledger.value(field(exchange, "CalculationRate"))
        if rate is not None:
            right = round2(multiply(vat, rate))
            limit = self._limit * max(rate, Decimal(1))
            self._ledger.settle("BT-111", bare, right, "BT-110 × KSA-36", limit)
        return vat
