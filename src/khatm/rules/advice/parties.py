"""Advice on seller and buyer: identifications, address parts, names, and how to pay.

Source: the document standard, sections 3 and 4; written rules BR-KSA-46, 64 and 65; Saudi rule specification,
section 9 (BR-KSA-08, 14, F-06-C9).
"""

import re
from collections.abc import Iterator
from typing import Final

from khatm.document.codes import BUYER_SCHEMES, COUNTRIES, SELLER_SCHEMES
from khatm.rules.advice.facts import ADDRESS, CUSTOMER, SUPPLIER, advise, country, flagged, party, simplified
from khatm.rules.edition import ONLY_348
from khatm.rules.ksa.identities import BUYER_LIST, SELLER_LIST
from khatm.rules.patterns import norm
from khatm.rules.reading import NONE, Node, Nodes, Reading, descend

_IDENTIFICATION: Final = ("cac:PartyIdentification", "cbc:ID")
_NAME: Final = ("cac:PartyLegalEntity", "cbc:RegistrationName")
_SHAPED: Final = frozenset(("TIN", "CRN", "700", "NAT", "IQA"))
_LONGEST_NAME: Final = 255
"""Bytes: what one length octet of a QR record can say."""
_LONGEST: Final = 127
_value = re.compile("[A-Za-z0-9]+").fullmatch
_four = re.compile("[0-9]{4}").fullmatch
_mail = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+").fullmatch
_iban = re.compile("[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}").fullmatch


def _identifications(reading: Reading) -> Iterator[Node]:
    """Numbers of some schemes have an official rule of their own."""
    for role in (SUPPLIER, CUSTOMER):
        for node in descend(party(reading, role), *_IDENTIFICATION):
            scheme = norm(node.attribute("schemeID") or "")
            if scheme not in _SHAPED and node.text.strip() and not _value(node.text.strip()):
                yield node


def _schemes(reading: Reading) -> Iterator[Node]:
    """The official rules search the scheme in a list written as one text, so that parts of it pass."""
    for role, schemes, searched in ((SUPPLIER, SELLER_SCHEMES, SELLER_LIST), (CUSTOMER, BUYER_SCHEMES, BUYER_LIST)):
        for node in descend(party(reading, role), *_IDENTIFICATION):
            scheme = norm(node.attribute("schemeID") or "")
            if scheme not in schemes and len(scheme) > 2 and scheme in searched:
                yield node


def _plots(reading: Reading) -> Iterator[Node]:
    for role in (SUPPLIER, CUSTOMER):
        for node in descend(party(reading, role), ADDRESS, "cbc:PlotIdentification"):
            if node.text.strip() and not _four(node.text.strip()) and country(reading, role) == "SA":
                yield node


def _building(reading: Reading) -> Iterator[Node]:
    """The official rule counts the digits of the seller's only."""
    if country(reading, CUSTOMER) == "SA":
        for node in descend(party(reading, CUSTOMER), ADDRESS, "cbc:BuildingNumber"):
            if node.text.strip() and not _four(node.text.strip()):
                yield node


def _seller_abroad(reading: Reading) -> Nodes:
    nodes = descend(party(reading, SUPPLIER), ADDRESS, "cac:Country", "cbc:IdentificationCode")
    return [node for node in nodes if node.text.strip() != "SA" and node.text.strip() in COUNTRIES]


def _long_name(reading: Reading) -> Nodes:
    if not simplified(reading):
        return NONE
    nodes = descend(party(reading, SUPPLIER), *_NAME)
    return [node for node in nodes if len(node.text) * 4 > _LONGEST_NAME and len(node.text.encode()) > _LONGEST_NAME]


def _long_district(reading: Reading) -> Nodes:
    """The official rule measures the seller's district only beside a buyer in the Kingdom."""
    if country(reading, CUSTOMER) == "SA":
        return NONE
    nodes = descend(party(reading, SUPPLIER), ADDRESS, "cbc:CitySubdivisionName")
    return [node for node in nodes if len(node.text) > _LONGEST]


def _mail_address(reading: Reading) -> Nodes:
    nodes = descend(party(reading, CUSTOMER), "cac:Contact", "cbc:ElectronicMail")
    return [node for node in nodes if node.text.strip() and not _mail(node.text.strip())]


def _exported_to_vat_number(reading: Reading) -> Nodes:
    if not flagged(reading, 5):
        return NONE
    nodes = descend(party(reading, CUSTOMER), "cac:PartyTaxScheme", "cbc:CompanyID")
    return [node for node in nodes if node.text.strip()]


def _account(reading: Reading) -> Iterator[Node]:
    """Other account numbers are allowed; what looks like an IBAN should be one (ISO 13616: remainder 1 by 97)."""
    for node in reading.root.path("cac:PaymentMeans", "cac:PayeeFinancialAccount", "cbc:ID"):
        account = "".join(node.text.split())
        if _iban(account) and int("".join(str(int(each, 36)) for each in account[4:] + account[:4])) % 97 != 1:
            yield node


SITES = (
    advise("PARTY-ID", _identifications, editions=ONLY_348),
    advise("PARTY-SCHEME", _schemes, "@schemeID"),
    advise("PLOT", _plots),
    advise("BUILDING", _building),
    advise("SELLER-COUNTRY", _seller_abroad),
    advise("SELLER-NAME", _long_name),
    advise("DISTRICT-LENGTH", _long_district),
    advise("EMAIL", _mail_address, editions=ONLY_348),
    advise("EXPORT-VAT-NUMBER", _exported_to_vat_number),
    advise("IBAN", _account),
)
