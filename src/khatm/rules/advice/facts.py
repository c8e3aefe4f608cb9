"""What several checks ask of a document: plain amounts, its kind, its lines, its VAT categories; nothing breaks off.

Texts that are no numbers are the official rules' business: here they count as absent.
"""

import re
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from khatm.money import percent_of
from khatm.rules.edition import BOTH, Edition
from khatm.rules.ksa.facts import ADDRESS, CATEGORY, CHARGE, CUSTOMER, INDICATOR, PERCENT, SUPPLIER
from khatm.rules.line_parts import line_parts
from khatm.rules.numbers import EXACT
from khatm.rules.reading import Node, Nodes, Reading, descend
from khatm.rules.site import Made, Site, Test

__all__ = ["ADDRESS", "CATEGORY", "CHARGE", "CUSTOMER", "PERCENT", "SUPPLIER"]

LINE = "cac:InvoiceLine"
TOTAL = "cac:TaxTotal"
SUBTOTAL = "cac:TaxSubtotal"
TAX = "cbc:TaxAmount"
TYPE = "cbc:InvoiceTypeCode"
REFERENCE = "cac:DocumentReference"
_LONGEST = 30
"""Characters of a number; a longer one is left to the official rules."""
_plain = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)").fullmatch


def advise(subject: str, test: Test, *shows: str, editions: frozenset[Edition] = BOTH) -> Site:
    """Register a check of ours as `KHATM-ADVICE-` and its subject."""
    return Site(subject, f"KHATM-ADVICE-{subject}", "advice", test, editions, shows)


def amount(nodes: Nodes) -> Decimal | None:
    """Return the number of the only node; None for none, for two, and for a text that is no plain decimal."""
    return number(nodes[0].text) if len(nodes) == 1 else None


def number(text: str) -> Decimal | None:
    """Return the number that a text is; None for one that is no plain decimal."""
    text = text.strip()
    return _decimal(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=4096)
def _decimal(text: str) -> Decimal | None:
    """Read a number once: most rates and quantities of a document are the same few."""
    return Decimal(text) if _plain(text) else None


def text(nodes: Nodes) -> str:
    """Return the trimmed text of the first node, "" for none."""
    return nodes[0].text.strip() if nodes else ""


def transaction_code(reading: Reading) -> str:
    """Return KSA-2, "" where there is none."""
    codes = reading.root.all(TYPE)
    return codes[0].attribute("name") or "" if codes else ""


def simplified(reading: Reading) -> bool:
    """Tell whether KSA-2 begins with 02."""
    return transaction_code(reading).startswith("02")


def flagged(reading: Reading, position: int) -> bool:
    """Tell whether KSA-2 has a 1 at a position, counted from 1."""
    return transaction_code(reading)[position - 1 : position] == "1"


def is_note(reading: Reading) -> bool:
    """Tell whether the document is a credit or debit note."""
    return text(reading.root.all(TYPE)) in ("381", "383")


def is_charge(node: Node) -> bool:
    """Tell whether an allowance or charge is a charge."""
    return text(node.all(INDICATOR)) in ("true", "1")


class LineFacts(NamedTuple):
    """The numbers of an invoice line; None where there is none, or none that can be read."""

    node: Node
    net: Decimal | None
    """BT-131."""
    vat: Decimal | None
    """KSA-11."""
    quantity: Decimal | None
    """BT-129."""
    category: str
    """BT-151, "" where there is none or more than one."""
    rate: Decimal | None
    """BT-152."""
    prepayment: bool
    """Whether the line deducts a prepayment (it refers to its document)."""


def lines(reading: Reading) -> list[LineFacts]:
    """Return the document's own lines."""
    return reading.fact(LINES)


def line_nodes(reading: Reading) -> Nodes:
    """Return the elements of the document's own lines."""
    return reading.root.all(LINE)


def _line(node: Node) -> LineFacts:
    categories = node.path("cac:Item", "cac:ClassifiedTaxCategory")
    only = categories[0] if len(categories) == 1 else None
    return LineFacts(
        node,
        amount(node.all("cbc:LineExtensionAmount")),
        amount(node.path(TOTAL, TAX)),
        amount(node.all("cbc:InvoicedQuantity")),
        text(only.all("cbc:ID")) if only else "",
        amount(only.all(PERCENT)) if only else None,
        node.has(REFERENCE),
    )


LINES = Made(line_nodes, _line)
"""The fact that `lines` returns."""


def rows(reading: Reading) -> Nodes:
    """Return the VAT breakdown (BG-23)."""
    return reading.root.path(TOTAL, SUBTOTAL)


def vat_off(row: Node) -> Decimal | None:
    """Return a subtotal's VAT minus the rate of its base, rounded half up; None if one cannot be read.

    None for a rate of 0 too: there official rules take nothing but 0.
    """
    base, vat = amount(row.all("cbc:TaxableAmount")), amount(row.all(TAX))
    rate = amount(row.path(CATEGORY, PERCENT))
    return None if base is None or vat is None or not rate else EXACT.subtract(vat, percent_of(base, rate))


def line_subtotals(reading: Reading) -> Nodes:
    """Return the subtotals of lines: deducted prepayments (KSA-31 to KSA-34)."""
    return line_parts(reading).subtotals


def document_categories(reading: Reading) -> Nodes:
    """Return the VAT categories of the breakdown, of lines, of prepayments, and of document allowances and charges."""
    return reading.fact(_document_categories)


def _document_categories(reading: Reading) -> Nodes:
    found = [*descend(rows(reading), CATEGORY), *reading.root.path(CHARGE, CATEGORY)]
    parts = line_parts(reading)
    return [*found, *parts.items, *parts.categories]


def group(category: Node) -> tuple[str, Decimal | None]:
    """Return code and rate of a VAT category; 15 and 15.00 are equal."""
    return text(category.all("cbc:ID")), amount(category.all(PERCENT))


def party(reading: Reading, role: str) -> Nodes:
    """Return the party in a role (SUPPLIER, CUSTOMER)."""
    return reading.root.path(role, "cac:Party")


def country(reading: Reading, role: str) -> str:
    """Return the country code of a party (BT-40, BT-55), "" for none."""
    return text(reading.root.path(role, "cac:Party", ADDRESS, "cac:Country", "cbc:IdentificationCode"))
