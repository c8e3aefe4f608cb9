"""The name under which a document's XML is kept and exchanged.

Source: the document standard, section 13.
"""

import re
from typing import cast

from lxml import etree

from khatm.document.canonical import StampFacts
from khatm.document.xml import NAMESPACES, parse, text_of

_NOT_ALPHANUMERIC = re.compile("[^A-Za-z0-9]")
_TERMS = etree.XPath(
    "cac:AccountingSupplierParty/cac:Party/cac:PartyTaxScheme/cbc:CompanyID|cbc:IssueDate|cbc:IssueTime|cbc:ID",
    namespaces=NAMESPACES,
)


def archive_name(xml: bytes) -> str:
    """Return `<VAT number>_<date>T<time>_<number>.xml` for a document's XML; raises UnreadableXml.

    Everything outside A-Z, a-z and 0-9 in the number becomes a dash; what the document lacks is left empty.
    """
    root = parse(xml).getroot()
    first: dict[str, str] = {}
    for element in cast("list[etree._Element]", _TERMS(root)):
        first.setdefault(etree.QName(element).localname, text_of(element).strip())
    terms = [first.get(name, "") for name in ("CompanyID", "IssueDate", "IssueTime", "ID")]
    return name_of_terms(*terms)


def name_of_terms(vat_number: str, issue_date: str, issue_time: str, number: str) -> str:
    """Return the archive name for BT-31, BT-2, KSA-25 and BT-1; a trailing Z of the time is kept."""
    moment = f"{issue_date.replace('-', '')}T{issue_time.replace(':', '')}"
    parts = (vat_number, moment, number)
    return "_".join(_NOT_ALPHANUMERIC.sub("-", part) for part in parts) + ".xml"


def name_of_facts(facts: StampFacts, number: str) -> str:
    """Return the archive name for a document just written, whose number (BT-1) the stamp's facts do not carry."""
    return name_of_terms(facts.vat_number, facts.issue_date, facts.issue_time, number)
