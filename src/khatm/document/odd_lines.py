"""One line of any invoice: what its net amount, VAT and total should be, and which of them is wrong.

Source: the document standard, sections 5.1 and 7.4.
"""

from decimal import Decimal
from typing import Final

from lxml import etree

from khatm.document.errors import UnreadableAmount
from khatm.document.odd_amounts import Ledger, every, field, first, group_of, is_charge, settle_percentage
from khatm.document.xml import Paths, text_of
from khatm.money import HALALA, ZERO, percent_of, round2, total

_PRODUCT: Final = "BT-129 × BT-146 ÷ BT-149 − Σ BT-136 + Σ BT-141"


class OddLine:
    """An invoice line; `net` follows what is settled."""

    def __init__(self, node: etree._Element, ledger: Ledger) -> None:
        self._node = node
        self._ledger = ledger
        self.id = text_of(field(node, "ID")).strip() or "?"
        self._net = field(node, "LineExtensionAmount")
        net = ledger.value(self._net)
        if net is None:
            raise UnreadableAmount(location=Paths().of(node), found="")
        self.net = net
        item, tax = first(node, "Item"), first(node, "TaxTotal")
        self.group = None if item is None else group_of(first(item, "ClassifiedTaxCategory"), ledger)
        self.prepayment = first(node, "DocumentReference") is not None
        self._vat = None if tax is None else field(tax, "TaxAmount")
        self._gross = None if tax is None else field(tax, "RoundingAmount")
        self._subtotals = [] if tax is None else every(tax, "TaxSubtotal")
        self._adjusted = ZERO

    def settle_allowances(self) -> None:
        """Settle the allowances and charges that are percentages."""
        for entry in every(self._node, "AllowanceCharge"):
            charge = is_charge(entry)
            amount = settle_percentage(self._ledger, entry, "BT-141" if charge else "BT-136", self.id)
            self._adjusted += amount if charge else -amount

    def by_equation(self) -> tuple[Decimal, str] | None:
        """The net that KSA-12 and KSA-11 leave, if it is another one within a halala."""
        vat, gross = self._ledger.value(self._vat), self._ledger.value(self._gross)
        if vat is None or gross is None:
            return None
        return self._near(gross - vat, "KSA-12 − KSA-11")

    def by_product(self) -> tuple[Decimal, str] | None:
        """The net that quantity and price give, if it is another one within a halala."""
        product = self.product()
        return None if product is None else self._near(product, _PRODUCT)

    def speaks_for(self, net: Decimal) -> bool:
        """Whether quantity and price are nearer to this net than to the one that stands."""
        product = self.product()
        return product is not None and abs(product - net) < abs(product - self.net)

    def product(self) -> Decimal | None:
        """BT-131 as quantity, price and the line's allowances and charges give it; None if they are not there."""
        price = first(self._node, "Price")
        quantity = self._ledger.value(field(self._node, "InvoicedQuantity"))
        each = None if price is None else self._ledger.value(field(price, "PriceAmount"))
        if quantity is None or price is None or each is None or self.prepayment:
            return None
        per = self._ledger.value(field(price, "BaseQuantity"))
        if per is not None and per <= 0:
            return None
        return round2(quantity * each if per is None else quantity * each / per) + self._adjusted

    def _near(self, right: Decimal, formula: str) -> tuple[Decimal, str] | None:
        return (right, formula) if 0 < abs(right - self.net) <= HALALA else None

    def check_product(self) -> None:
        """Note a net that is farther from its product than prices with VAT in them can bring it."""
        product = self.product()
        if product is not None and abs(product - self.net) > HALALA:
            self._ledger.refuse("BT-131", self._net, product, _PRODUCT, self.id)

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
        amounts = [field(each, name) for each in self._subtotals for name in ("TaxableAmount", "TaxAmount")]
        return total(self._ledger.value(each) or ZERO for each in amounts)
