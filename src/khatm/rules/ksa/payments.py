"""Rules on payment means, and on what credit and debit notes must say.

Source: Saudi rule specification, sites 075, 078, 080 and 082-087.
"""

from collections.abc import Iterable

from khatm.rules.ksa.facts import between, invoice, is_note, repeated, typed
from khatm.rules.patterns import norm
from khatm.rules.reading import NONE, Node, Nodes, Reading, descend, filled, opt
from khatm.rules.site import Site

MEANS = "cac:PaymentMeans"
ACCOUNT = "cac:PayeeFinancialAccount"
_MEANS_CODES = frozenset(map(str, (*range(1, 69), 70, *range(74, 79), *range(91, 98)))) | {"ZZZ"}


def _payment_note(reading: Reading) -> Nodes:
    notes = descend(reading.named(MEANS), ACCOUNT, "cbc:PaymentNote")
    return typed(reading) if notes and typed(reading) and not between(1, opt(notes), 1000) else NONE


def _means_code(reading: Reading) -> Iterable[Node]:
    """Once per type code of the document, as the loop stands inside that template."""
    failing = [
        node for node in descend(reading.named(MEANS), "cbc:PaymentMeansCode") if norm(node.text) not in _MEANS_CODES
    ]
    return repeated(failing, len(typed(reading)))


def _account_long(reading: Reading) -> Nodes:
    codes = typed(reading)
    return codes if codes and len(opt(descend(reading.named(MEANS), ACCOUNT, "cbc:ID"))) > 127 else NONE


def _reason_missing(reading: Reading) -> Nodes:
    """Every payment means of a note gives the reason; an empty one is enough."""
    return [node for node in reading.named(MEANS) if not node.has("cbc:InstructionNote")] if is_note(reading) else NONE


def _means_missing(reading: Reading) -> Nodes:
    return invoice(reading) if is_note(reading) and not reading.named(MEANS) else NONE


def _reason_length(reading: Reading) -> Nodes:
    if not is_note(reading):
        return NONE
    notes = descend(reading.named(MEANS), "cbc:InstructionNote")
    return [node for node in notes if not between(1, node.text, 1000)]


def _billing_ids(node: Node) -> Nodes:
    return node.path("cac:InvoiceDocumentReference", "cbc:ID")


def _billing_id_missing(reading: Reading) -> Nodes:
    """Every billing reference, those of lines and those to other kinds of document too."""
    if not is_note(reading):
        return NONE
    return [node for node in reading.named("cac:BillingReference") if not filled(_billing_ids(node))]


def _billing_id_length(reading: Reading) -> Nodes:
    if not is_note(reading):
        return NONE
    return [
        node
        for node in reading.named("cac:BillingReference")
        if (ids := _billing_ids(node)) and not between(1, opt(ids), 5000)
    ]


def _billing_missing(reading: Reading) -> Nodes:
    return invoice(reading) if is_note(reading) and not reading.named("cac:BillingReference") else NONE


SITES = (
    Site("075", "BR-KSA-F-06-C14", "warning", _payment_note),
    Site("078", "BR-KSA-16", "warning", _means_code),
    Site("080", "BR-KSA-F-06-C15", "warning", _account_long),
    Site("082", "BR-KSA-17", "error", _reason_missing),
    Site("083", "BR-KSA-17", "error", _means_missing),
    Site("084", "BR-KSA-F-06-C13", "warning", _reason_length),
    Site("085", "BR-KSA-56", "warning", _billing_id_missing),
    Site("086", "BR-KSA-F-06-C22", "error", _billing_id_length, shows=("cac:InvoiceDocumentReference", "cbc:ID")),
    Site("087", "BR-KSA-56", "warning", _billing_missing),
)
