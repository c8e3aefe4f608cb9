"""Rules on the document's own data: profile, UUID, type and transaction code, tax currency.

Source: Saudi rule specification, sites 004, 014, 034-036, 089, 090, 092 and 133.
"""

import re
from collections.abc import Callable
from functools import partial

from khatm.rules.edition import ONLY_333, ONLY_348
from khatm.rules.ksa.facts import header, invoice, simplified_codes, type_name
from khatm.rules.patterns import is_word, norm
from khatm.rules.reading import Nodes, Reading, filled, opt
from khatm.rules.site import Site

_TYPE_CODES = frozenset({"388", "383", "381", "386", ""})
"""The empty code passes: the official list ends in two blanks."""
_flags = re.compile("0[12][01]{5,7}").fullmatch
_flags_333 = re.compile("0[12][01]{5}").fullmatch
_simplified_flags = re.compile("[01]{4}0").fullmatch
_simplified_flags_333 = re.compile("[01]{2}0[01]0").fullmatch


def _uuid(reading: Reading) -> Nodes:
    """Only the first character is effectively tested: a word character, dot or dash."""
    failing = []
    for node in header(reading):
        uuid = opt(node.all("cbc:UUID"))
        if not (uuid and (uuid[0] in ".-" or is_word(uuid[0]))):
            failing.append(node)
    return failing


def _tax_currency_missing(reading: Reading) -> Nodes:
    return [node for node in header(reading) if not filled(node.all("cbc:TaxCurrencyCode"))]


def _type_code(reading: Reading) -> Nodes:
    return [node for node in reading.named("cbc:InvoiceTypeCode") if norm(node.text) not in _TYPE_CODES]


def _transaction_code(flags: Callable[[str], object], reading: Reading) -> Nodes:
    return [node for node in reading.named("cbc:InvoiceTypeCode") if not flags(type_name(node))]


def _transaction_code_length(reading: Reading) -> Nodes:
    return [node for node in reading.named("cbc:InvoiceTypeCode") if not 7 <= len(type_name(node)) <= 9]


def _simplified_transaction(flags: Callable[[str], object], reading: Reading) -> Nodes:
    return [node for node in simplified_codes(reading) if not flags(type_name(node)[2:7])]


def _signature_missing(reading: Reading) -> Nodes:
    """Any text below the signature will do, white space between its elements included."""
    return [] if filled(reading.named("cac:Signature")) else simplified_codes(reading)


def _export_self_billed(reading: Reading) -> Nodes:
    return [
        node
        for node in reading.named("cbc:InvoiceTypeCode")
        if (name := type_name(node))[4:5] == "1" and name[6:7] == "1"
    ]


def _profile(reading: Reading) -> Nodes:
    return [node for node in invoice(reading) if norm(opt(node.all("cbc:ProfileID"))) != "reporting:1.0"]


SITES = (
    Site("004", "BR-KSA-03", "error", _uuid, shows=("cbc:UUID",)),
    Site("014", "BR-KSA-68", "error", _tax_currency_missing),
    Site("034", "BR-KSA-05", "error", _type_code),
    Site("035", "BR-KSA-06", "error", partial(_transaction_code, _flags), ONLY_348),
    Site("035", "BR-KSA-06", "error", partial(_transaction_code, _flags_333), ONLY_333),
    Site("036", "BR-KSA-F-06-C40", "warning", _transaction_code_length, ONLY_348),
    Site("089", "BR-KSA-31", "error", partial(_simplified_transaction, _simplified_flags), ONLY_348),
    Site("089", "BR-KSA-31", "error", partial(_simplified_transaction, _simplified_flags_333), ONLY_333),
    Site("090", "BR-KSA-60", "warning", _signature_missing),
    Site("092", "BR-KSA-07", "error", _export_self_billed),
    Site("133", "BR-KSA-EN16931-01", "error", _profile, shows=("cbc:ProfileID",)),
)
