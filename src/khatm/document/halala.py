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

from khatm.document.errors import NotAnInvoice, UnreadableAmount
from khatm.document.halala_texts import NAMES
from khatm.document.line_arithmetic import EXACT, percent_in_doubles
from khatm.document.xml import CAC, CBC, INV, Paths, text_of
from khatm.errors import Language
from khatm.money import HALALA, ZERO, decimal, multiply, percent_of, round2, text2, total

_LINE: Final = "InvoiceLine"
_PERCENTAGES: Final = {
    "BT-92": "BT-93 × BT-94",
    "BT-99": "BT-100 × BT-101",
    "BT-136": "BT-137 × BT-138",
    "BT-141": "BT-142 × BT-143",
}
_OPTIONAL: Final = frozenset({"BT-107", "BT-108", "BT-113"})
"""Sums that count as 0 where they are absent, as the rules have it."""
Group = tuple[str, Decimal]


@dataclass(frozen=True, slots=True)
class OddAmount:
    """One amount that is not what the others make it: its term, place, both values, and the formula."""

    term: str
    """BT or KSA id."""
    line: str | None
    """The line's id (BT-126), None for amounts of the document."""
    group: str | None
    """VAT category and rate, for a row of the breakdown."""
    location: str
    found: Decimal
    right: Decimal
    formula: str

    def sentence(self, language: Language = "en") -> str:
        """Return what is wrong there, in the given language."""
        name = NAMES[self.term][language]
        told = f"{self.term} ({name}{f' {self.group}' if self.group else ''})"
        if language == "ar":
            where = f"البند {self.line}: " if self.line else ""
            return f"{where}قيمة {told} هي {text2(self.found)} والصحيح {text2(self.right)} = {self.formula}"
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{told} is {text2(self.found)}, right is {text2(self.right)} = {self.formula}"


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
        ledger = _Ledger()
        _Walk(root, ledger).run()
    return Repair(tuple(ledger.odd), tuple(ledger.beyond))


class _Ledger:
    """Reads amounts, and writes those that are off."""

    def __init__(self) -> None:
        self.odd: list[OddAmount] = []
        self.beyond: list[OddAmount] = []
        self._paths = Paths()

    def value(self, element: etree._Element | None) -> Decimal | None:
        if element is None:
            return None
        text = text_of(element).strip()
        try:
            return decimal(text)
        except ValueError:
            raise UnreadableAmount(location=self._paths.of(element), found=text) from None

    def settle(  # one amount against its formula
        self, term: str, element: etree._Element | None, right: Decimal, formula: str, limit: Decimal,
        *, line: str | None = None, group: str | None = None,
    ) -> Decimal:  # fmt: skip
        """Write the right amount where another stands, note it, and return it; an absent element stays absent."""
        found = self.value(element)
        if element is None or found is None or found == right:
            return right
        odd = OddAmount(term, line, group, self._paths.of(element), found, right, formula)
        (self.odd if abs(found - right) <= limit else self.beyond).append(odd)
        for child in list(element):
            element.remove(child)
        element.text = text2(right)
        return right


class _Walk:
    """One invoice, from its lines upwards."""

    def __init__(self, root: etree._Element, ledger: _Ledger) -> None:
        self._root = root
        self._ledger = ledger
        self._lines = [_Line(each, ledger) for each in _all(root, _LINE)]
        self._totals = _one(root, "LegalMonetaryTotal")
        taxes = _all(root, "TaxTotal")
        self._breakdown = next((each for each in taxes if _one(each, "TaxSubtotal") is not None), None)
        self._bare = next((each for each in taxes if _one(each, "TaxSubtotal") is None), None)
        self._rows = [] if self._breakdown is None else _all(self._breakdown, "TaxSubtotal")
        self._limit = HALALA * (len(self._lines) + len(self._rows) + 1)

    def run(self) -> None:
        for line in self._lines:
            line.settle_allowances()
        allowances, charges = self._adjustments()
        self._settle_nets()
        for line in self._lines:
            line.settle_vat()
        self._settle_totals(allowances, charges)

    def _adjustments(self) -> tuple[Decimal, Decimal]:
        """Settle document allowances and charges that are percentages; return the sum of each."""
        sums = [ZERO, ZERO]
        for entry in _all(self._root, "AllowanceCharge"):
            charge = _is_charge(entry)
            sums[charge] += _percentage(self._ledger, entry, "BT-99" if charge else "BT-92", None)
        return sums[0], sums[1]

    def _settle_nets(self) -> None:
        """Find the lines whose net the sum of lines knows better; the sum itself is settled later."""
        element = None if self._totals is None else _field(self._totals, "LineExtensionAmount")
        said = self._ledger.value(element)
        missing = ZERO if said is None else said - total(line.net for line in self._lines)
        if not missing:
            return
        own = [(line, line.by_equation()) for line in self._lines]
        product = [(line, line.by_product()) for line in self._lines]
        for found, confirmed in ((own, True), (product, self._rows_confirm(product))):
            off = [(line, right) for line, right in found if right is not None and right[0] != line.net]
            if confirmed and off and total(right[0] - line.net for line, right in off) == missing:
                for line, right in off:
                    line.settle_net(*right)
                return

    def _rows_confirm(self, nets: "Sequence[tuple[_Line, tuple[Decimal, str] | None]]") -> bool:
        """Whether the breakdown holds the sums that these nets would give, and not those of the nets that stand."""
        wanted = self._bases({line: right[0] for line, right in nets if right is not None})
        standing = self._bases({})
        told = {key: self._ledger.value(_field(row, "TaxableAmount")) for row, key in self._grouped_rows()}
        changed = [key for key in wanted if wanted[key] != standing.get(key)]
        return bool(changed) and all(told.get(key) == wanted[key] for key in changed)

    def _bases(self, nets: "dict[_Line, Decimal]") -> dict[Group, Decimal]:
        """BT-116 by VAT group, with other net amounts for some lines."""
        sums: dict[Group, Decimal] = {}
        for line in self._lines:
            if line.group is not None and not line.prepayment:
                sums[line.group] = sums.get(line.group, ZERO) + nets.get(line, line.net)
        for entry in _all(self._root, "AllowanceCharge"):
            key = _group(_one(entry, "TaxCategory"), self._ledger)
            amount = self._ledger.value(_field(entry, "Amount"))
            if key is not None and amount is not None:
                sums[key] = sums.get(key, ZERO) + (amount if _is_charge(entry) else -amount)
        return sums

    def _grouped_rows(self) -> Iterator[tuple[etree._Element, Group]]:
        """Rows of the breakdown whose VAT group no other row has."""
        keys = [_group(_one(row, "TaxCategory"), self._ledger) for row in self._rows]
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
            base, tax = _field(row, "TaxableAmount"), _field(row, "TaxAmount")
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
        rounding = None if self._totals is None else self._ledger.value(_field(self._totals, "PayableRoundingAmount"))
        formula = "BT-112 − BT-113 + BT-114"
        said("BT-115", "PayableAmount", inclusive - prepaid + (rounding or ZERO), formula)

    def _said(self, term: str, name: str, right: Decimal, formula: str) -> Decimal:
        element = None if self._totals is None else _field(self._totals, name)
        if element is None and term in _OPTIONAL:
            return ZERO
        return self._ledger.settle(term, element, right, formula, self._limit)

    def _settle_tax_totals(self) -> Decimal:
        """Settle BT-110 and BT-111 and return BT-110; without a breakdown the bare total is taken as it stands."""
        bare = None if self._bare is None else _field(self._bare, "TaxAmount")
        if self._breakdown is None:
            return self._ledger.value(bare) or ZERO
        vat = self._ledger.settle(
            "BT-110", _field(self._breakdown, "TaxAmount"), self._settle_rows(), "Σ BT-117", self._limit
        )
        if text_of(_field(self._root, "DocumentCurrencyCode")).strip() == "SAR":
            self._ledger.settle("BT-111", bare, vat, "BT-110", self._limit)
            return vat
        exchange = _one(self._root, "TaxExchangeRate")
        rate = None if exchange is None else self._ledger.value(_field(exchange, "CalculationRate"))
        if rate is not None:
            right = round2(multiply(vat, rate))
            limit = self._limit * max(rate, Decimal(1))
            self._ledger.settle("BT-111", bare, right, "BT-110 × KSA-36", limit)
        return vat


class _Line:
    """An invoice line; `net` follows what is settled."""

    def __init__(self, node: etree._Element, ledger: _Ledger) -> None:
        self._node = node
        self._ledger = ledger
        self.id = text_of(_field(node, "ID")).strip() or "?"
        self._net = _field(node, "LineExtensionAmount")
        net = ledger.value(self._net)
        if net is None:
            raise UnreadableAmount(location=Paths().of(node), found="")
        self.net = net
        item, tax = _one(node, "Item"), _one(node, "TaxTotal")
        self.group = None if item is None else _group(_one(item, "ClassifiedTaxCategory"), ledger)
        self.prepayment = _one(node, "DocumentReference") is not None
        self._vat = None if tax is None else _field(tax, "TaxAmount")
        self._gross = None if tax is None else _field(tax, "RoundingAmount")
        self._subtotals = [] if tax is None else _all(tax, "TaxSubtotal")
        self._adjusted = ZERO

    def settle_allowances(self) -> None:
        """Settle the allowances and charges that are percentages."""
        for entry in _all(self._node, "AllowanceCharge"):
            charge = _is_charge(entry)
            amount = _percentage(self._ledger, entry, "BT-141" if charge else "BT-136", self.id)
            self._adjusted += amount if charge else -amount

    def by_equation(self) -> tuple[Decimal, str] | None:
        """The net that KSA-12 and KSA-11 leave, if it is within a halala of the one that stands."""
        vat, gross = self._ledger.value(self._vat), self._ledger.value(self._gross)
        if vat is None or gross is None:
            return None
        return self._near(gross - vat, "KSA-12 − KSA-11")

    def by_product(self) -> tuple[Decimal, str] | None:
        """The net that quantity and price give, if it is within a halala of the one that stands."""
        price = _one(self._node, "Price")
        quantity = self._ledger.value(_field(self._node, "InvoicedQuantity"))
        each = None if price is None else self._ledger.value(_field(price, "PriceAmount"))
        if quantity is None or price is None or each is None or self.prepayment:
            return None
        per = self._ledger.value(_field(price, "BaseQuantity"))
        if per is not None and per <= 0:
            return None
        product = quantity * each if per is None else quantity * each / per
        return self._near(round2(product) + self._adjusted, "BT-129 × BT-146 ÷ BT-149 − Σ BT-136 + Σ BT-141")

    def _near(self, right: Decimal, formula: str) -> tuple[Decimal, str] | None:
        return (right, formula) if abs(right - self.net) <= HALALA else None

    def settle_net(self, right: Decimal, formula: str) -> None:
        """Put BT-131 right."""
        self.net = self._ledger.settle("BT-131", self._net, right, formula, HALALA, line=self.id)

    def settle_vat(self) -> None:
        """Make KSA-12 = BT-131 + KSA-11 hold, by changing the one that the rate does not speak for."""
        vat, gross = self._ledger.value(self._vat), self._ledger.value(self._gross)
        if vat is None or gross is None or gross == self.net + vat:
            return
        left = gross - self.net
        due = None if self.group is None else percent_of(self.net, self.group[1])
        if due is not None and vat != due and abs(left - due) <= HALALA:
            self._ledger.settle("KSA-11", self._vat, left, "KSA-12 − BT-131", HALALA, line=self.id)
        else:
            self._ledger.settle("KSA-12", self._gross, self.net + vat, "BT-131 + KSA-11", HALALA, line=self.id)

    def prepaid(self) -> Decimal:
        """KSA-31 + KSA-32 of a prepayment line."""
        amounts = [_field(each, name) for each in self._subtotals for name in ("TaxableAmount", "TaxAmount")]
        return total(self._ledger.value(each) or ZERO for each in amounts)


def _percentage(ledger: _Ledger, entry: etree._Element, term: str, line: str | None) -> Decimal:
    """Settle an allowance or charge that names base and percentage, as BR-KSA-EN16931-03 computes it; return it."""
    element = _field(entry, "Amount")
    base, percent = ledger.value(_field(entry, "BaseAmount")), ledger.value(_field(entry, "MultiplierFactorNumeric"))
    if base is None or percent is None:
        return ledger.value(element) or ZERO
    right = percent_in_doubles(base, percent)
    return ledger.settle(term, element, right, _PERCENTAGES[term], HALALA, line=line)


def _group(category: etree._Element | None, ledger: _Ledger) -> Group | None:
    if category is None:
        return None
    rate = ledger.value(_field(category, "Percent"))
    return None if rate is None else (text_of(_field(category, "ID")).strip(), rate.normalize())


def _is_charge(entry: etree._Element) -> bool:
    return text_of(_field(entry, "ChargeIndicator")).strip() in ("true", "1")


def _one(node: etree._Element, name: str) -> etree._Element | None:
    return node.find(f"{{{CAC}}}{name}")


def _all(node: etree._Element, name: str) -> list[etree._Element]:
    return node.findall(f"{{{CAC}}}{name}")


def _field(node: etree._Element, name: str) -> etree._Element | None:
    return node.find(f"{{{CBC}}}{name}")
