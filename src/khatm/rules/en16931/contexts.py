"""Where the rules apply: the templates' contexts, with their priorities already worked in.

A node of the main pattern is handled by one template only, so some contexts leave out what another one takes (EN
rule specification, section 1). An error while a context is matched means that it does not match.
"""

from collections.abc import Callable
from typing import Final

from khatm.rules.abort import Abort
from khatm.rules.numbers import boolean_of
from khatm.rules.reading import NONE, Node, Nodes, Reading, descend, filled, opt
from khatm.rules.site import Over

DOCUMENTS: Final = ("inv:Invoice", "cn:CreditNote")

Fires = Callable[[Node], bool]
Context = Callable[[Reading], Nodes]


def indicates(charge: Node, want: bool) -> bool:
    """Tell whether some ChargeIndicator says `want`; raises Abort (CAST) at an unreadable one met before."""
    return any(boolean_of(indicator) == want for indicator in charge.all("cbc:ChargeIndicator"))


def matches(charge: Node, want: bool) -> bool:
    """As `indicates`, in a match condition: an unreadable indicator does not match."""
    try:
        return indicates(charge, want)
    except Abort:
        return False


def document(reading: Reading) -> Nodes:
    """Return the document element if it is an invoice or a credit note."""
    return [reading.root] if reading.root.name in DOCUMENTS else NONE


def invoice(reading: Reading) -> Nodes:
    """Return the document element if it is an invoice."""
    return [reading.root] if reading.root.name == "inv:Invoice" else NONE


def totals(reading: Reading) -> Nodes:
    """Return every LegalMonetaryTotal."""
    return reading.named("cac:LegalMonetaryTotal")


def lines(reading: Reading) -> Nodes:
    """Return every invoice line and credit note line."""
    return reading.any_of("cac:InvoiceLine", "cac:CreditNoteLine")


def looped_lines(reading: Reading) -> Nodes:
    """Return the invoice lines that the document template loops over: it needs its document element."""
    return reading.named("cac:InvoiceLine") if reading.root.name in DOCUMENTS else NONE


def document_charges(reading: Reading) -> Nodes:
    """Return the charges of the document, those included whose indicators say both."""
    return [charge for root in document(reading) for charge in root.all("cac:AllowanceCharge") if matches(charge, True)]


def document_allowances(reading: Reading) -> Nodes:
    """Return the allowances of the document that are not charges too."""
    return [
        charge
        for root in document(reading)
        for charge in root.all("cac:AllowanceCharge")
        if matches(charge, False) and not matches(charge, True)
    ]


def line_charges(reading: Reading) -> Nodes:
    """Return the charges of invoice lines at any depth."""
    charges = descend(reading.named("cac:InvoiceLine"), "cac:AllowanceCharge")
    return [charge for charge in charges if matches(charge, True)]


def line_allowances(reading: Reading) -> Nodes:
    """Return the line allowances that no template of higher priority takes away.

    An empty template takes the allowances of the document's own invoice lines, so this finds only those of credit
    note lines and of invoice lines elsewhere.
    """
    return [charge for charge in descend(lines(reading), "cac:AllowanceCharge") if _unshadowed(charge)]


def _unshadowed(charge: Node) -> bool:
    if not matches(charge, False):
        return False
    line = charge.parent
    if line is None or line.name != "cac:InvoiceLine":
        return True
    above = line.parent
    own = above is not None and above.parent is None and above.name in DOCUMENTS
    return not own and not matches(charge, True)


def document_tax_totals(reading: Reading) -> Nodes:
    """Return the TaxTotals of the document."""
    return descend(document(reading), "cac:TaxTotal")


def subtotals(reading: Reading) -> Nodes:
    """Return the VAT breakdown of an invoice."""
    return descend(invoice(reading), "cac:TaxTotal", "cac:TaxSubtotal")


def each(context: Context, fires: Fires) -> Over[Node]:
    """Return the test that fails at the context's nodes for which `fires` is true."""
    return Over(context, lambda _, nodes: [node for node in nodes if fires(node)])


def where(name: str, test: Over[Node]) -> Over[Node]:
    """Return the test for a rule that can only fire where an element of that name stands in the document."""
    return Over(lambda reading: test.context(reading) if reading.named(name) else NONE, test.within)


def missing(*names: str) -> Fires:
    """Fire where no node stands at the path."""
    if len(names) == 1:
        only = names[0]
        return lambda node: only not in node.kids
    return lambda node: not node.path(*names)


def unfilled(*names: str) -> Fires:
    """Fire where every node at the path has an empty string value; a blank is not empty."""
    if len(names) == 1:
        only = names[0]
        return lambda node: not filled(node.all(only))
    return lambda node: not filled(node.path(*names))


def too_precise(name: str) -> Fires:
    """Fire where the child's text has more than two characters after its first dot, blanks and zeros included."""

    def fires(node: Node) -> bool:
        if name not in node.kids:
            return False
        text = opt(node.kids[name])
        dot = text.find(".")
        return dot >= 0 and len(text) - dot > 3

    return fires


def longer(limit: int, *names: str) -> Fires:
    """Fire where the only node at the path has more code points than the limit, untrimmed."""
    return lambda node: len(opt(node.path(*names))) > limit


def outside(least: int, most: int, *names: str) -> Fires:
    """Fire where there is a node at the path and its length in code points lies outside the limits."""

    def fires(node: Node) -> bool:
        nodes = node.path(*names)
        return bool(nodes) and not least <= len(opt(nodes)) <= most

    return fires
