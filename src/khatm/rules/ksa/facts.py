"""What several Saudi rules ask of a document, computed once: its kind, its parties, its lines, its charges.

Source: Saudi rule specification, sections 2 and 3. `BUYER` and `SELLER` paths of the stylesheet look at the whole
document, so a second party block counts in; paths from the root look at the document element alone.
"""

import re
from collections.abc import Callable, Iterable
from itertools import chain, repeat

from khatm.rules.abort import Abort
from khatm.rules.numbers import boolean_of
from khatm.rules.patterns import norm
from khatm.rules.reading import NONE, Node, Nodes, Reading, descend, opt

CUSTOMER = "cac:AccountingCustomerParty"
SUPPLIER = "cac:AccountingSupplierParty"
ADDRESS = "cac:PostalAddress"
CHARGE = "cac:AllowanceCharge"
INDICATOR = "cbc:ChargeIndicator"
REFERENCE = "cac:AdditionalDocumentReference"
OBJECT = "cbc:EmbeddedDocumentBinaryObject"
PERCENT = "cbc:Percent"
CATEGORY = "cac:TaxCategory"

# Unanchored, and \d takes the digits of every script, as Python's does on text.
_tax = re.compile(r"01\d{5}").search
_simplified = re.compile(r"02\d{5}").search
_summary = re.compile(r"02\d{3}1\d").search


def header(reading: Reading) -> Nodes:
    """Return the document element if it is an Invoice or a CreditNote (template T05)."""
    return [reading.root] if reading.root.name in ("inv:Invoice", "cn:CreditNote") else NONE


def invoice(reading: Reading) -> Nodes:
    """Return the document element if it is an Invoice."""
    return [reading.root] if reading.root.name == "inv:Invoice" else NONE


def is_tax_document(reading: Reading) -> bool:
    """DOC01: some `name` attribute, on whatever element, contains 01 and five digits."""
    return reading.fact(_kinds)[0]


def is_simplified(reading: Reading) -> bool:
    """DOC02: some `name` attribute contains 02 and five digits; the two kinds do not exclude each other."""
    return reading.fact(_kinds)[1]


def is_simplified_summary(reading: Reading) -> bool:
    """SUM02: some `name` attribute contains 02, three digits, the summary flag and a digit."""
    return reading.fact(_kinds)[2]


def names(reading: Reading) -> list[str]:
    """Return every `name` attribute of the document."""
    return reading.fact(_names)


def _names(reading: Reading) -> list[str]:
    return reading.attribute_values("name")


def _kinds(reading: Reading) -> tuple[bool, bool, bool]:
    found = names(reading)
    return any(map(_tax, found)), any(map(_simplified, found)), any(map(_summary, found))


def has_simplified_type(reading: Reading) -> bool:
    """Tell whether the `name` of some InvoiceTypeCode itself contains 02 and five digits."""
    return reading.fact(_simplified_type)


def _simplified_type(reading: Reading) -> bool:
    return any(_simplified(type_name(code)) for code in reading.named("cbc:InvoiceTypeCode"))


def type_name(code: Node) -> str:
    """Return the transaction code of an InvoiceTypeCode, "" when it has none."""
    return code.attribute("name") or ""


def typed(reading: Reading) -> Nodes:
    """Return the type codes of a tax or simplified document (template T25)."""
    return reading.fact(_typed)


def _typed(reading: Reading) -> Nodes:
    return [code for code in reading.named("cbc:InvoiceTypeCode") if type_name(code)[:2] in ("01", "02")]


def simplified_codes(reading: Reading) -> Nodes:
    """Return the type codes of a simplified document (template T29)."""
    return [code for code in typed(reading) if type_name(code)[:2] == "02"]


def is_note(reading: Reading) -> bool:
    """Tell whether the invoice is a credit or debit note; the code is compared exactly, blanks included."""
    return any(code.text in ("381", "383") for node in invoice(reading) for code in node.all("cbc:InvoiceTypeCode"))


def buyers(reading: Reading) -> Nodes:
    """Return every `cac:AccountingCustomerParty/cac:Party` of the document."""
    return reading.fact(_buyers)


def _buyers(reading: Reading) -> Nodes:
    return descend(reading.named(CUSTOMER), "cac:Party")


def sellers(reading: Reading) -> Nodes:
    """Return every `cac:AccountingSupplierParty/cac:Party` of the document."""
    return reading.fact(_sellers)


def _sellers(reading: Reading) -> Nodes:
    return descend(reading.named(SUPPLIER), "cac:Party")


def buyer_addresses(reading: Reading) -> Nodes:
    """Return the postal addresses of the buyers."""
    return reading.fact(_buyer_addresses)


def _buyer_addresses(reading: Reading) -> Nodes:
    return descend(buyers(reading), ADDRESS)


def buyer_names(reading: Reading) -> Nodes:
    """Return the registration names of the buyers."""
    return reading.fact(_buyer_names)


def _buyer_names(reading: Reading) -> Nodes:
    return descend(buyers(reading), "cac:PartyLegalEntity", "cbc:RegistrationName")


def charges(parents: Nodes, want: bool) -> Nodes:
    """Return the charges (or allowances) directly below the parents; raises Abort for an unreadable indicator."""
    return [charge for parent in parents for charge in parent.all(CHARGE) if indicates(charge, want)]


def indicates(charge: Node, want: bool) -> bool:
    """Tell whether some indicator of the allowance or charge has that value; raises Abort (CAST) for no boolean."""
    for node in charge.kids.get(INDICATOR, NONE):  # noqa: SIM110 - a generator costs more than the usual one node
        if boolean_of(node) is want:
            return True
    return False


def selected(test: Callable[[Node], bool], node: Node) -> bool:
    """Return a test's verdict as a match pattern takes it: an error there means not selected."""
    try:
        return test(node)
    except Abort:
        return False


def category_is(category: Node, code: str) -> bool:
    """Tell whether the VAT category has that code, trimmed; raises Abort for two ids."""
    return norm(opt(category.all("cbc:ID"))) == code


def is_vat(category: Node) -> bool:
    """Tell whether some tax scheme of the category is VAT, in any case, trimmed; raises Abort for two ids in one."""
    for scheme in category.kids.get("cac:TaxScheme", NONE):  # noqa: SIM110 - as above
        if norm(opt(scheme.all("cbc:ID")).upper()) == "VAT":
            return True
    return False


def digits(text: str) -> bool:
    """Tell whether the text is not empty and consists of ASCII digits."""
    return text.isascii() and text.isdigit()


def between(low: int, text: str, high: int) -> bool:
    """Tell whether the text has from `low` to `high` characters."""
    return low <= len(text) <= high


def nonblank(nodes: Nodes) -> bool:
    """Tell whether there is one node and it holds more than white space; raises Abort for two nodes."""
    return norm(opt(nodes)) != ""


def repeated(nodes: Nodes, times: int) -> Iterable[Node]:
    """Yield the nodes over and over: a template that loops reports them once per node it stands on."""
    return chain.from_iterable(repeat(nodes, times)) if nodes else NONE
