"""Advice on amounts as such: how they are written, how long they are, and signs that no rule looks at.

Source: the document standard, sections 7.2, 7.3 and 9; field table (format notes).
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Final

from khatm.rules.advice.facts import CHARGE, LINE, LINES, LineFacts, advise, amount
from khatm.rules.reading import Node, Nodes, Reading
from khatm.rules.site import Over

_TWO_DECIMALS: Final = (
    "cbc:LineExtensionAmount", "cbc:TaxExclusiveAmount", "cbc:TaxInclusiveAmount", "cbc:AllowanceTotalAmount",
    "cbc:ChargeTotalAmount", "cbc:PrepaidAmount", "cbc:PayableRoundingAmount", "cbc:PayableAmount", "cbc:TaxAmount",
    "cbc:TaxableAmount", "cbc:RoundingAmount",
)  # fmt: skip
_LIMITED: Final = (
    (CHARGE, "cbc:Amount"),
    (CHARGE, "cbc:BaseAmount"),
    (LINE, "cbc:LineExtensionAmount"),
    (LINE, CHARGE, "cbc:Amount"),
    (LINE, CHARGE, "cbc:BaseAmount"),
    (LINE, "cac:Price", "cbc:PriceAmount"),
)
_LONGEST: Final = 14
_LARGEST_ROUNDING: Final = Decimal(1)
"""Riyals: cash is rounded to steps of at most 1; totals of tax-inclusive prices need 0.01 per VAT group."""
# A third decimal is what the rules BR-DEC warn of.
_written = re.compile(r"(?!-0\.0+\Z)-?(?:0|[1-9][0-9]*)\.[0-9]{2,}").fullmatch
_number = re.compile(r"[+-]?[0-9]*\.?[0-9]*").fullmatch


def _form(reading: Reading) -> Nodes:
    found = [
        node
        for name in _TWO_DECIMALS
        if not all(map(_written, reading.texts(name)))
        for node in reading.named(name)
        if not _written(node.text) and _number(node.text) and node.text
    ]
    return sorted(found, key=attrgetter("order"))


def _long(reading: Reading) -> Iterator[Node]:
    root = reading.root
    for steps in _LIMITED:
        if max(map(len, reading.texts(steps[-1])), default=0) <= _LONGEST:
            continue
        for node in root.path(*steps):
            if len(node.text) > _LONGEST and len(node.text.strip()) > _LONGEST:
                yield node


def _negative_line(_: Reading, some: Sequence[LineFacts]) -> Iterator[Node]:
    for line in some:
        if line.net is not None and line.net < 0:
            yield line.node


def _negative_payable(reading: Reading) -> Iterator[Node]:
    for node in reading.root.path("cac:LegalMonetaryTotal", "cbc:PayableAmount"):
        value = amount([node])
        if value is not None and value < 0:
            yield node


def _large_rounding(reading: Reading) -> Iterator[Node]:
    for node in reading.root.path("cac:LegalMonetaryTotal", "cbc:PayableRoundingAmount"):
        value = amount([node])
        if value is not None and abs(value) > _LARGEST_ROUNDING:
            yield node


SITES = (
    advise("AMOUNT-FORM", _form),
    advise("AMOUNT-LENGTH", _long),
    advise("LINE-NEGATIVE", Over(LINES, _negative_line), "cbc:LineExtensionAmount"),
    advise("PAYABLE-NEGATIVE", _negative_payable),
    advise("ROUNDING-AMOUNT", _large_rounding),
)
