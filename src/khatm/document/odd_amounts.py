"""Amounts of an invoice's tree, read and put right one by one against their formulas; what was odd is kept.

Source: the document standard, section 11 for the paths of the terms.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from lxml import etree

from khatm.document.errors import UnreadableAmount
from khatm.document.halala_texts import NAMES
from khatm.document.line_arithmetic import percent_in_doubles
from khatm.document.xml import CAC, CBC, Paths, text_of
from khatm.errors import Language
from khatm.money import HALALA, ZERO, decimal, text2

_PERCENTAGES: Final = {
    "BT-92": "BT-93 × BT-94",
    "BT-99": "BT-100 × BT-101",
    "BT-136": "BT-137 × BT-138",
    "BT-141": "BT-142 × BT-143",
}
Group = tuple[str, Decimal]
"""VAT category and rate."""


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


class Ledger:
    """Reads amounts, and writes those that are off."""

    def __init__(self) -> None:
        self.odd: list[OddAmount] = []
        self.beyond: list[OddAmount] = []
        self._paths = Paths()

    def value(self, element: etree._Element | None) -> Decimal | None:
        """Return an amount, None for an absent element. Raises UnreadableAmount."""
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

    def refuse(self, term: str, element: etree._Element | None, right: Decimal, formula: str, line: str) -> None:
        """Note an amount of a line that is off by more than rounding, and leave it."""
        found = self.value(element)
        if element is not None and found is not None:
            self.beyond.append(OddAmount(term, line, None, self._paths.of(element), found, right, formula))


def settle_percentage(ledger: Ledger, entry: etree._Element, term: str, line: str | None) -> Decimal:
    """Settle an allowance or charge that names base and percentage, as BR-KSA-EN16931-03 computes it; return it."""
    element = field(entry, "Amount")
    base, percent = ledger.value(field(entry, "BaseAmount")), ledger.value(field(entry, "MultiplierFactorNumeric"))
    if base is None or percent is None:
        return ledger.value(element) or ZERO
    right = percent_in_doubles(base, percent)
    return ledger.settle(term, element, right, _PERCENTAGES[term], HALALA, line=line)


def group_of(category: etree._Element | None, ledger: Ledger) -> Group | None:
    """Return category and rate of a VAT category, None if one of them is absent."""
    if category is None:
        return None
    rate = ledger.value(field(category, "Percent"))
    return None if rate is None else (text_of(field(category, "ID")).strip(), rate.normalize())


def is_charge(entry: etree._Element) -> bool:
    """Whether an allowance or charge is a charge."""
    return text_of(field(entry, "ChargeIndicator")).strip() in ("true", "1")


def first(node: etree._Element, name: str) -> etree._Element | None:
    """Return the first child of this name among the aggregates, None for none."""
    return node.find(f"{{{CAC}}}{name}")


def every(node: etree._Element, name: str) -> list[etree._Element]:
    """Return the children of this name among the aggregates."""
    return node.findall(f"{{{CAC}}}{name}")


def field(node: etree._Element, name: str) -> etree._Element | None:
    """Return the first child of this name among the basic components, None for none."""
    return node.find(f"{{{CBC}}}{name}")
