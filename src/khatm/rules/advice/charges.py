"""Advice on allowances and charges: reason codes that are fragments, and percentages that no rule looks at.

Source: the document standard, section 5.2 and 5.3; Saudi rule specification, section 9 (CL-06, DEC-01).
"""

import re
from collections.abc import Iterator

from khatm.document.codes import CHARGE_REASONS
from khatm.rules.advice.facts import CHARGE, LINE, advise, is_charge, text
from khatm.rules.ksa.charges import REASON_CODES
from khatm.rules.reading import Node, Reading

_percent = re.compile(r"(?:100(?:\.0{1,2})?|[0-9]{1,2}(?:\.[0-9]{1,2})?)").fullmatch


def _charges(reading: Reading) -> Iterator[Node]:
    for node in (*reading.root.all(CHARGE), *reading.root.path(LINE, CHARGE)):
        if is_charge(node):
            yield node


def _codes(reading: Reading) -> Iterator[Node]:
    """The official rule searches the code in the list as one text: neighbours and parts pass."""
    for charge in _charges(reading):
        code = text(charge.all("cbc:AllowanceChargeReasonCode"))
        if code and code not in CHARGE_REASONS and code in REASON_CODES:
            yield charge


def _percentages(reading: Reading) -> Iterator[Node]:
    """The official rule looks at the percentages of allowances only."""
    for charge in _charges(reading):
        for node in charge.all("cbc:MultiplierFactorNumeric"):
            if node.text.strip() and not _percent(node.text.strip()):
                yield node


SITES = (
    advise("CHARGE-CODE", _codes, "cbc:AllowanceChargeReasonCode"),
    advise("CHARGE-PERCENT", _percentages),
)
