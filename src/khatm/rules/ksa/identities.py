"""Rules on who is who: VAT numbers and other identifications of seller and buyer, and their formats.

Source: Saudi rule specification, sites 010-012, 037-044, 058, 093, 094 and 107.
"""

import re
from functools import partial

from khatm.rules.edition import ONLY_333, ONLY_348
from khatm.rules.ksa.facts import (
    CUSTOMER,
    SUPPLIER,
    buyers,
    digits,
    header,
    invoice,
    is_tax_document,
    sellers,
)
from khatm.rules.patterns import all_digits, norm
from khatm.rules.reading import NONE, Node, Nodes, Reading, descend, filled, opt
from khatm.rules.site import Site

COMPANY_ID = ("cac:PartyTaxScheme", "cbc:CompanyID")
IDENTIFICATION = ("cac:PartyIdentification", "cbc:ID")

_SELLER_SCHEMES = frozenset({"CRN", "MOM", "MLS", "700", "SAG", "OTH"})
_BUYER_SCHEMES = _SELLER_SCHEMES | {"TIN", "NAT", "GCC", "IQA", "PAS"}
# The stylesheet tests for a substring of these lists: "N MO" is as good as "CRN".
SELLER_LIST = "CRN MOM MLS SAG OTH 700"
_SELLER_LIST_333 = " CRN MOM MLS SAG OTH 700 "
BUYER_LIST = "TIN NAT IQA PAS CRN MOM MLS 700 SAG GCC OTH"
_suspicious = re.compile(r"01234567|12345678|23456789|76543210|87654321|98765432|([0-9])\1{7}").search


def _scheme(node: Node) -> str:
    return node.attribute("schemeID") or ""


def _is_vat_number(text: str) -> bool:
    return len(text) == 15 and digits(text) and text[0] == "3" and text[-1] == "3"


def _same_vat_number(reading: Reading) -> Nodes:
    return [node for node in header(reading) if _share(_numbers(node, SUPPLIER), _numbers(node, CUSTOMER))]


def _share(ours: set[str], theirs: set[str]) -> bool:
    """Both sides must hold a number that is not empty; what they share may then be an empty one."""
    return bool(ours - {""} and theirs - {""} and ours & theirs)


def _numbers(node: Node, party: str) -> set[str]:
    return {number.text for number in node.path(party, "cac:Party", *COMPANY_ID)}


def _seller_vat_missing(reading: Reading) -> Nodes:
    """The number and the VAT scheme may come from different PartyTaxScheme blocks."""
    failing = []
    for node in header(reading):
        schemes = node.path(SUPPLIER, "cac:Party", "cac:PartyTaxScheme")
        vat = any(norm(opt(scheme.all("cbc:ID"))) == "VAT" for scheme in descend(schemes, "cac:TaxScheme"))
        if not (filled(descend(schemes, "cbc:CompanyID")) and vat):
            failing.append(node)
    return failing


def _seller_identification(reading: Reading) -> Nodes:
    failing = []
    for node in header(reading):
        ids = node.path(SUPPLIER, "cac:Party", *IDENTIFICATION)
        opt(ids)  # two seller ids: the stylesheet breaks off
        if not (ids and len(scheme := norm(_scheme(ids[0]))) > 2 and scheme in SELLER_LIST):
            failing.append(node)
    return failing


def _seller_identification_333(reading: Reading) -> Nodes:
    failing = []
    for node in reading.named(SUPPLIER):
        ids = node.path("cac:Party", *IDENTIFICATION)
        value = opt(ids)
        scheme = _scheme(ids[0]) if ids else ""
        if not (ids and len(norm(scheme)) > 2 and scheme in _SELLER_LIST_333 and value.isascii() and value.isalnum()):
            failing.append(node)
    return failing


def _party_ids(reading: Reading) -> list[tuple[Node, Nodes]]:
    """Return the accounting parties (template T12), each with its identifications."""
    return [(party, party.path("cac:Party", *IDENTIFICATION)) for party in reading.any_of(SUPPLIER, CUSTOMER)]


def _registered_id(kind: str, lead: str, reading: Reading) -> Nodes:
    """CRN and 700 numbers have ten digits; blanks around them do not count for the length, yet are no digits."""
    failing = []
    for party, ids in reading.fact(_party_ids):
        if norm(_only_scheme(ids)) == kind and not _ten_digits(opt(ids), lead):
            failing.append(party)
    return failing


def _only_scheme(ids: Nodes) -> str:
    named = [node for node in ids if node.attribute("schemeID") is not None]
    opt(named)  # two scheme ids: the stylesheet breaks off
    return _scheme(named[0]) if named else ""


def _ten_digits(text: str, lead: str) -> bool:
    trimmed = norm(text)
    return len(trimmed) == 10 and trimmed.startswith(lead) and digits(text)


def _schemes_of(party: Node) -> frozenset[str]:
    return _SELLER_SCHEMES if party.name == SUPPLIER else _BUYER_SCHEMES


def _padded_scheme(reading: Reading) -> Nodes:
    failing = []
    for party, ids in reading.fact(_party_ids):
        scheme = _only_scheme(ids)
        trimmed = norm(scheme)
        if scheme != trimmed and trimmed.upper() in _schemes_of(party):
            failing.append(party)
    return failing


def _invented_id(reading: Reading) -> Nodes:
    """Runs of eight ascending, descending or equal digits; once per party."""
    return [
        party
        for party, ids in reading.fact(_party_ids)
        if any(
            norm(_scheme(node)).upper() in _schemes_of(party)
            and all_digits(value := norm(node.text))
            and _suspicious(value)
            for node in ids
        )
    ]


def _buyer_ids(reading: Reading) -> Nodes:
    return descend(buyers(reading), *IDENTIFICATION)


def _buyer_identification(reading: Reading) -> Nodes:
    return [
        node for node in _buyer_ids(reading) if not (len(scheme := norm(_scheme(node))) > 2 and scheme in BUYER_LIST)
    ]


def _buyer_identification_333(reading: Reading) -> Nodes:
    failing = []
    for node in _buyer_ids(reading):
        scheme, value = _scheme(node), node.text
        listed = len(norm(scheme)) > 2 and scheme in BUYER_LIST
        if not (listed and (value == "" or (value.isascii() and value.isalnum()))):
            failing.append(node)
    return failing


def _buyer_id_format(kind: str, lead: str, reading: Reading) -> Nodes:
    return [node for node in _buyer_ids(reading) if norm(_scheme(node)) == kind and not _ten_digits(node.text, lead)]


def _seller_vat_number(reading: Reading) -> Nodes:
    """Once per tax scheme called exactly VAT; the number is looked for in the whole document."""
    numbers = descend(sellers(reading), *COMPANY_ID)
    schemes = descend(sellers(reading), "cac:PartyTaxScheme", "cac:TaxScheme")
    failing = [node for node in schemes if any(kid.text == "VAT" for kid in node.all("cbc:ID"))]
    return failing if numbers and failing and not _is_vat_number(opt(numbers)) else NONE


def _buyer_vat_blank(reading: Reading) -> Nodes:
    numbers = descend(buyers(reading), *COMPANY_ID)
    return numbers if numbers and is_tax_document(reading) and norm(opt(numbers)) == "" else NONE


def _buyer_vat_number(reading: Reading) -> Nodes:
    numbers = descend(buyers(reading), *COMPANY_ID)
    text = opt(numbers)
    return NONE if text == "" or _is_vat_number(text) else numbers


def _buyer_unnamed(reading: Reading) -> Nodes:
    """A tax document names its buyer by VAT number or another id; an empty VAT number counts as one."""
    if not is_tax_document(reading):
        return NONE
    return [
        node
        for node in invoice(reading)
        if not node.path(CUSTOMER, "cac:Party", *COMPANY_ID)
        and norm(opt(node.path(CUSTOMER, "cac:Party", *IDENTIFICATION))) == ""
    ]


def _buyer_unnamed_333(reading: Reading) -> Nodes:
    if not is_tax_document(reading):
        return NONE
    return [
        party
        for party in buyers(reading)
        if not party.path(*COMPANY_ID) and norm(opt(party.path(*IDENTIFICATION))) == ""
    ]


_PARTY_ID = ("cac:Party", *IDENTIFICATION)

SITES = (
    Site("010", "BR-CUSTOM-VALIDATION-01", "error", _same_vat_number),
    Site("011", "BR-KSA-39", "error", _seller_vat_missing),
    Site("012", "BR-KSA-08", "warning", _seller_identification, ONLY_348, shows=(SUPPLIER, *_PARTY_ID)),
    Site("012", "BR-KSA-08", "warning", _seller_identification_333, ONLY_333, shows=_PARTY_ID),
    Site("037", "BR-KSA-F-08", "warning", partial(_registered_id, "CRN", ""), ONLY_348, shows=_PARTY_ID),
    Site("038", "BR-KSA-F-09", "warning", partial(_registered_id, "700", "7"), ONLY_348, shows=_PARTY_ID),
    Site("039", "BR-KSA-F-12", "warning", _padded_scheme, ONLY_348),
    Site("040", "BR-KSA-F-13", "warning", _invented_id, ONLY_348, shows=_PARTY_ID),
    Site("041", "BR-KSA-14", "error", _buyer_identification, ONLY_348),
    Site("041", "BR-KSA-14", "error", _buyer_identification_333, ONLY_333),
    Site("042", "BR-KSA-F-07", "warning", partial(_buyer_id_format, "TIN", "3"), ONLY_348),
    Site("043", "BR-KSA-F-10", "warning", partial(_buyer_id_format, "NAT", "1"), ONLY_348),
    Site("044", "BR-KSA-F-11", "warning", partial(_buyer_id_format, "IQA", "2"), ONLY_348),
    Site("058", "BR-KSA-40", "error", _seller_vat_number),
    Site("093", "BR-KSA-99", "warning", _buyer_vat_blank, ONLY_348),
    Site("094", "BR-KSA-44", "error", _buyer_vat_number),
    Site("107", "BR-KSA-81", "warning", _buyer_unnamed, ONLY_348),
    Site("107", "BR-KSA-81", "warning", _buyer_unnamed_333, ONLY_333),
)
