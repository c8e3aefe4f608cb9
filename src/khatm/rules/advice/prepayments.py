"""Advice on lines that deduct a prepayment: to the halala, with their reference, category and reason.

Source: the document standard, section 9; Saudi rule specification, section 9 (BR-KSA-73, 93 to 96, F-05).
"""

from collections.abc import Iterator

from khatm.document.codes import EXEMPTION_REASONS, NOT_IN_PREPAYMENTS
from khatm.money import HALALA
from khatm.rules.advice.facts import (
    CATEGORY,
    LINE,
    REFERENCE,
    SUBTOTAL,
    TAX,
    TOTAL,
    advise,
    document_categories,
    group,
    line_subtotals,
    lines,
    text,
    vat_off,
)
from khatm.rules.ksa.moments import is_clock_time, is_time
from khatm.rules.reading import NONE, Node, Nodes, Reading, descend


def _vat(reading: Reading) -> Iterator[Node]:
    for row in line_subtotals(reading):
        off = vat_off(row)
        if off and abs(off) <= HALALA:
            yield row


def _no_reference(reading: Reading) -> Iterator[Node]:
    """A subtotal makes the official rules take any line for a prepayment."""
    if line_subtotals(reading):
        for line in lines(reading):
            if not line.prepayment:
                yield from line.node.path(TOTAL, SUBTOTAL)


def _other_category(reading: Reading) -> Iterator[Node]:
    if line_subtotals(reading):
        for line in lines(reading):
            if line.prepayment:
                for category in line.node.path(TOTAL, SUBTOTAL, CATEGORY):
                    if group(category) != (line.category, line.rate):
                        yield line.node
                        break


def _time(reading: Reading) -> Nodes:
    nodes = reading.root.path(LINE, REFERENCE, "cbc:IssueTime")
    return [node for node in nodes if is_time(node.text) and not is_clock_time(node.text)]


def _reason(reading: Reading) -> Nodes:
    """The official rules ask for it only where the document has category S somewhere."""
    categories = descend(line_subtotals(reading), CATEGORY)
    if not categories or any(text(each.all("cbc:ID")) == "S" for each in document_categories(reading)):
        return NONE
    return [each for each in categories if not _explained(each)]


def _explained(category: Node) -> bool:
    known = {str(code): terms for code, terms in EXEMPTION_REASONS.items()}.get(text(category.all("cbc:ID")))
    if known is None:
        return True
    code = text(category.all("cbc:TaxExemptionReasonCode"))
    return code in known and code not in NOT_IN_PREPAYMENTS and bool(text(category.all("cbc:TaxExemptionReason")))


SITES = (
    advise("PREPAYMENT-VAT", _vat, TAX),
    advise("PREPAYMENT-REFERENCE", _no_reference, "cbc:TaxableAmount"),
    advise("PREPAYMENT-CATEGORY", _other_category, TOTAL, SUBTOTAL, CATEGORY, "cbc:ID"),
    advise("PREPAYMENT-TIME", _time),
    advise("PREPAYMENT-REASON", _reason, "cbc:TaxExemptionReasonCode"),
)
