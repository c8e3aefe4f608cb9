"""Advice on texts whatever they mean: elements without content, blanks around identifiers and codes, hidden markup.

Source: the document standard, section 11; written rule BR-KSA-F-03; rule specification of EN 16931, section 3.
"""

from operator import attrgetter
from typing import Final

from khatm.rules.advice.facts import advise
from khatm.rules.reading import Nodes, Reading

_TRIMMED: Final = frozenset((
    "cbc:ID", "cbc:UUID", "cbc:CompanyID", "cbc:RegistrationName", "cbc:InvoiceTypeCode", "cbc:DocumentTypeCode",
    "cbc:DocumentCurrencyCode", "cbc:TaxCurrencyCode", "cbc:IdentificationCode", "cbc:PaymentMeansCode",
    "cbc:TaxExemptionReasonCode", "cbc:AllowanceChargeReasonCode", "cbc:PostalZone", "cbc:BuildingNumber",
    "cbc:PlotIdentification", "cbc:ProfileID", "cbc:SourceCurrencyCode", "cbc:TargetCurrencyCode",
))  # fmt: skip


def _edged(reading: Reading) -> Nodes:
    """Return the basic elements that are empty, or begin or end with white space, in document order."""
    named = [reading.named(name) for name in reading.names() if name.startswith("cbc:")]
    found = [node for nodes in named for node in nodes if not (text := node.text) or text[0] <= " " or text[-1] <= " "]
    return sorted(found, key=attrgetter("order"))


def _empty(reading: Reading) -> Nodes:
    return [node for node in reading.fact(_edged) if not node.text.strip()]


def _padded(reading: Reading) -> Nodes:
    return [node for node in reading.fact(_edged) if node.name in _TRIMMED and node.text.strip()]


def _marked_up(reading: Reading) -> Nodes:
    """A comment or instruction within a value splits it for some readers and is overlooked by others."""
    return [node for node in reading.marked() if node.name.startswith("cbc:")]


SITES = (
    advise("EMPTY", _empty),
    advise("BLANKS", _padded),
    advise("MARKUP", _marked_up),
)
