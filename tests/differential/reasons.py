"""Why the two sides differ where they do: each reason is a predicate as narrow as the evidence for it.

A difference that no reason explains fails the campaign. `docs/second-opinion.md` is written from this list.
"""

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from lxml import etree

from khatm.document.xml import NAMESPACES
from khatm.stamp import qr
from khatm.stamp.errors import UnreadableQr
from tests.differential.compare import Disagreement
from tests.differential.mutate import Case

_ZERO = re.compile(r"\s*-0*(?:0|\.0+|0\.0*)\s*")
_BASE64 = re.compile(r"Invalid base64Binary value '(.*?)': Invalid symbol (?:9|10|13|32)\b", re.DOTALL)
_INTEGER = re.compile(r"pattern constraint violation: value '(\s*[0-9]+\s*)' does not match pattern '\[0-9\]\+'")
_QR_OBJECT = "cac:AdditionalDocumentReference[normalize-space(cbc:ID)='QR']/cac:Attachment/cbc:EmbeddedDocumentBinaryObject"


class Facts:
    """What the predicates look at in a document."""

    def __init__(self, case: Case) -> None:
        self.case = case

    @cached_property
    def root(self) -> etree._Element:
        """The parsed document."""
        return etree.fromstring(self.case.xml, etree.XMLParser(resolve_entities=False, huge_tree=True))

    def texts(self, xpath: str) -> list[str]:
        """Return the string values of an XPath's nodes."""
        found = self.root.xpath(xpath, namespaces=NAMESPACES)
        return [each if isinstance(each, str) else "".join(each.itertext(with_tail=False)) for each in found]

    @cached_property
    def transaction_code(self) -> str | None:
        """The name of the type code."""
        found = self.texts("/inv:Invoice/cbc:InvoiceTypeCode/@name")
        return found[0] if len(found) == 1 else None

    @cached_property
    def records(self) -> tuple[tuple[int, bytes], ...]:
        """The records of the first QR code; none if it cannot be read."""
        found = self.texts(f"/inv:Invoice/{_QR_OBJECT}")
        try:
            return qr.decode(found[0]).items if found else ()
        except UnreadableQr:
            return ()


@dataclass(frozen=True)
class Reason:
    """One class of differences: what each side does, who is right and by what evidence."""

    key: str
    stages: tuple[str, ...]
    peer: str
    ours: str
    evidence: str
    explains: Callable[[Disagreement, Facts], bool]


def _negative_zero(difference: Disagreement, facts: Facts) -> bool:
    if difference.kind != "finding" or difference.side != "ours":
        return False
    at = difference.place
    match difference.site:
        case "132":
            paths = [at]
        case "021":
            line = at.rpartition("/")[0]
            amounts = ("cbc:LineExtensionAmount", "cac:TaxTotal/cbc:TaxAmount", "cac:TaxTotal/cbc:RoundingAmount", "cac:Price/cbc:PriceAmount")
            paths = [f"{line}/{each}" for each in amounts]
        case "022":
            paths = [f"{at.rpartition('/')[0]}/cac:AllowanceCharge/cbc:Amount"]
        case "103" | "104" | "105":
            paths = [f"{at}/cbc:Percent", at]
        case _:
            return False
    return any(_ZERO.fullmatch(text) for path in paths for text in facts.texts(path))


def _suppressed(difference: Disagreement, facts: Facts) -> bool:
    codes = facts.texts(f"{difference.place}/cbc:TaxExemptionReasonCode")
    return (
        (difference.kind, difference.side, difference.site) == ("finding", "peer", "062")
        and bool({"VATEX-SA-EDU", "VATEX-SA-HEA"} & set(codes))
    )


def _folded_base64(difference: Disagreement, facts: Facts) -> bool:
    del facts
    found = _BASE64.search(difference.rule)
    if difference.side != "peer" or found is None:
        return False
    try:
        base64.b64decode("".join(found[1].split()), validate=True)
    except binascii.Error:
        return False
    return True


def _spaced_integer(difference: Disagreement, facts: Facts) -> bool:
    del facts
    return difference.side == "peer" and _INTEGER.search(difference.rule) is not None


def _unknown_profile(difference: Disagreement, facts: Facts) -> bool:
    told = ("SIGNATURE_APPLICABILITY", "INTEGRITY_STRUCTURE")
    code = facts.transaction_code
    return difference.side == "peer" and difference.rule.startswith(told) and (code is None or code[:2] not in ("01", "02"))


def _pointer(difference: Disagreement, facts: Facts) -> bool:
    del facts
    return (difference.kind, difference.side, difference.rule) == ("status", "ours", "cac_signature_present")


def _spaced_pih(difference: Disagreement, facts: Facts) -> bool:
    ids = facts.texts("/inv:Invoice/cac:AdditionalDocumentReference/cbc:ID")
    return any(each.strip() == "PIH" != each for each in ids)


def _second_pih(difference: Disagreement, facts: Facts) -> bool:
    return (difference.kind, difference.side, difference.rule) == ("status", "ours", "KHATM-PIH-REPEATED")


def _spaced_hash(difference: Disagreement, facts: Facts) -> bool:
    texts = facts.texts("/inv:Invoice/cac:AdditionalDocumentReference[normalize-space(cbc:ID)='PIH']//cbc:EmbeddedDocumentBinaryObject")
    return difference.side == "peer" and difference.rule.startswith("PIH_FORMAT") and any(each != each.strip() for each in texts)


def _long_record(difference: Disagreement, facts: Facts) -> bool:
    return difference.rule.startswith("QR_TLV") and any(len(value) > 127 for _, value in facts.records)


def _unknown_tag(difference: Disagreement, facts: Facts) -> bool:
    return difference.side == "peer" and difference.rule.startswith("QR_TLV") and any(not 1 <= tag <= 9 for tag, _ in facts.records)


REASONS: tuple[Reason, ...] = (
    Reason(
        "negative-zero",
        ("ksa",),
        "takes an amount of -0.00 for zero",
        "-0.00 is below zero, as the engine of ZATCA's validator orders doubles: BR-KSA-F-04, BR-KSA-82 and BR-KSA-11 to 13 fire",
        "Saudi rule specification, section 4 (engine order); rule cases A-neg-zero, A-mz-allowzero and A-mz-linezero, decided by ZATCA's 3.4.8 stylesheet",
        _negative_zero,
    ),
    Reason(
        "exemption-suppressed",
        ("ksa",),
        "reports BR-KSA-F-06-C16 for categories with the exemption codes VATEX-SA-EDU and VATEX-SA-HEA too",
        "silent: the template of BR-KSA-49 (site 032) takes these nodes before that of BR-KSA-F-06-C16 (site 062) sees them",
        "Saudi rule specification, section 1.2 (T09 over T23); ZATCA's 3.4.8 stylesheet decides",
        _suppressed,
    ),
    Reason(
        "base64-lines",
        ("schema",),
        "refuses white space inside base64Binary",
        "valid: the lexical form of base64Binary allows white space between its characters",
        "XML Schema part 2, 3.2.16; EN rule specification, section 7",
        _folded_base64,
    ),
    Reason(
        "integer-spaces",
        ("schema",),
        "refuses white space around an integer (X509SerialNumber)",
        "valid: white space of integers is collapsed before the pattern is applied",
        "XML Schema part 2, 3.3.13 and 4.3.6",
        _spaced_integer,
    ),
)
