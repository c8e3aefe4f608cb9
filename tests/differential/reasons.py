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
_INTEGER = re.compile(r"pattern constraint violation: value '(\s*[+-]?[0-9]+\s*)' does not match pattern '\[0-9\]\+'")
_URI = re.compile(
    r"cvc-datatype-valid\.1\.2\.1: '[^A-Za-z/?#:][^/?#]*:.*' is not a valid value for 'anyURI'\.(?:, )?", re.DOTALL
)
_QR_OBJECT = (
    "cac:AdditionalDocumentReference[normalize-space(cbc:ID)='QR']/cac:Attachment/cbc:EmbeddedDocumentBinaryObject"
)


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
            amounts = (
                "cbc:LineExtensionAmount",
                "cac:TaxTotal/cbc:TaxAmount",
                "cac:TaxTotal/cbc:RoundingAmount",
                "cac:Price/cbc:PriceAmount",
            )
            paths = [f"{line}/{each}" for each in amounts]
        case "022":
            paths = [f"{at.rpartition('/')[0]}/cac:AllowanceCharge/cbc:Amount"]
        case "053" | "054" if difference.stage == "en16931":
            paths = ["/inv:Invoice/cac:AllowanceCharge/cac:TaxCategory/cbc:Percent"]
        case "103" | "104" | "105":
            paths = [f"{at}/cbc:Percent", at]
        case _:
            return False
    return any(_ZERO.fullmatch(text) for path in paths for text in facts.texts(path))


def _suppressed(difference: Disagreement, facts: Facts) -> bool:
    codes = facts.texts(f"{difference.place}/cbc:TaxExemptionReasonCode")
    return (difference.kind, difference.side, difference.site) == ("finding", "peer", "062") and bool(
        {"VATEX-SA-EDU", "VATEX-SA-HEA"} & set(codes)
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
    return (
        difference.side == "peer"
        and difference.rule.startswith(told)
        and (code is None or code[:2] not in ("01", "02"))
    )


def _pointer(difference: Disagreement, facts: Facts) -> bool:
    del facts
    return (difference.kind, difference.side, difference.rule) == ("status", "ours", "cac_signature_present")


def _spaced_pih(difference: Disagreement, facts: Facts) -> bool:
    ids = facts.texts("/inv:Invoice/cac:AdditionalDocumentReference/cbc:ID")
    told = difference.rule in ("pih", "KHATM-PIH-REPEATED") or difference.rule.startswith("INTEGRITY_STRUCTURE")
    return told and any(each.strip() == "PIH" != each for each in ids)


def _second_pih(difference: Disagreement, facts: Facts) -> bool:
    return (difference.kind, difference.side, difference.rule) == ("status", "ours", "KHATM-PIH-REPEATED")


def _spaced_hash(difference: Disagreement, facts: Facts) -> bool:
    texts = facts.texts(
        "/inv:Invoice/cac:AdditionalDocumentReference[normalize-space(cbc:ID)='PIH']//cbc:EmbeddedDocumentBinaryObject"
    )
    return (
        difference.side == "peer"
        and difference.rule.startswith("PIH_FORMAT")
        and any(each != each.strip() for each in texts)
    )


def _long_record(difference: Disagreement, facts: Facts) -> bool:
    return difference.rule.startswith("QR_TLV") and any(len(value) > 127 for _, value in facts.records)


def _unknown_tag(difference: Disagreement, facts: Facts) -> bool:
    return (
        difference.side == "peer"
        and difference.rule.startswith("QR_TLV")
        and any(not 1 <= tag <= 9 for tag, _ in facts.records)
    )


def _same_instant(difference: Disagreement, facts: Facts) -> bool:
    issued = "T".join(facts.texts("/inv:Invoice/cbc:IssueDate | /inv:Invoice/cbc:IssueTime"))
    written = [value.decode("utf-8", "replace") for tag, value in facts.records if tag == 3]
    if len(written) != 1 or not (difference.rule == "qr_3" or difference.rule.startswith("QR_TIMESTAMP")):
        return False
    if difference.side == "peer" and written[0] == qr.utc_as_saudi(issued):
        return True
    odd = any(" " in each or "t" in each or "T24:" in each for each in (issued, written[0]))
    return odd and _unspaced(written[0]) == _unspaced(issued)


def _unspaced(time: str) -> str:
    return "T".join(time.upper().split()).rstrip("Z")


def _spaced_name(difference: Disagreement, facts: Facts) -> bool:
    names = facts.texts("//cac:AccountingSupplierParty/cac:Party/cac:PartyLegalEntity/cbc:RegistrationName")
    return difference.rule.startswith("QR_VALUE QR tag 1 ") and any(each != each.strip() for each in names)


def _spaced_qr_id(difference: Disagreement, facts: Facts) -> bool:
    ids = facts.texts("//cac:AdditionalDocumentReference/cbc:ID")
    told = difference.rule.startswith(("SIGNATURE_DIGEST", "INTEGRITY_STRUCTURE"))
    return told and any(each.strip() == "QR" != each for each in ids)


def _spaced_vat(difference: Disagreement, facts: Facts) -> bool:
    written = [value for tag, value in facts.records if tag == 5]
    return (difference.side, difference.rule) == ("ours", "qr_5") and any(each != each.strip() for each in written)


def _spaced_transform(difference: Disagreement, facts: Facts) -> bool:
    expressions = facts.texts("//ds:Transform/ds:XPath")
    spaced = any(each != each.strip() for each in expressions)
    return difference.kind == "status" and difference.rule.startswith("SIGNATURE_ALGORITHM") and spaced


def _other_type(difference: Disagreement, facts: Facts) -> bool:
    types = facts.texts("//ds:SignedInfo/ds:Reference[2]/@Type")
    return (
        difference.kind == "status"
        and difference.rule.startswith("SIGNATURE_REFERENCES")
        and types != ["http://www.w3.org/2000/09/xmldsig#SignatureProperties"]
    )


def _no_uri(difference: Disagreement, facts: Facts) -> bool:
    del facts
    found = [each for each in difference.rule.split("cvc-datatype-valid.1.2.1 ") if each]
    return difference.side == "ours" and bool(found) and all(_URI.fullmatch(each) for each in found)


REASONS: tuple[Reason, ...] = (
    Reason(
        "negative-zero",
        ("en16931", "ksa"),
        "takes an amount or a rate of -0.00 for zero",
        "-0.00 is below zero, as the engine of ZATCA's validator orders doubles: BR-KSA-F-04, BR-KSA-82, BR-KSA-11 to "
        "13, BR-Z-07 and BR-E-07 fire",
        "Saudi rule specification, section 4 (engine order); rule cases A-neg-zero, A-mz-allowzero and A-mz-linezero; "
        "for BR-Z-07 and BR-E-07 ZATCA's 3.4.8 stylesheet of the EN rules, run with SaxonC-HE 13.1",
        _negative_zero,
    ),
    Reason(
        "exemption-suppressed",
        ("ksa",),
        "reports BR-KSA-F-06-C16 for categories with the exemption codes VATEX-SA-EDU and VATEX-SA-HEA too",
        "silent: the template of BR-KSA-49 (site 032) takes these nodes before that of BR-KSA-F-06-C16 (site "
        "062) sees them",
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
        "refuses a sign or white space before or behind the digits of an integer (X509SerialNumber)",
        "valid: an integer may have a sign, and its white space is collapsed before it is read",
        "XML Schema part 2, 3.3.13 and 4.3.6",
        _spaced_integer,
    ),
    Reason(
        "unknown-profile",
        ("signature",),
        "fails the signature stage of a document whose type code is missing, or whose transaction code begins "
        "neither with 01 nor with 02",
        "such a document is no simplified one, so a stamp is looked at only if it is there",
        "stamp standard, 6.2: ZATCA's tool verifies simplified documents only; the document is rejected by "
        "BR-KSA-06 or BR-04 either way",
        _unknown_profile,
    ),
    Reason(
        "signature-pointer",
        ("signature",),
        "does not miss cac:Signature in the signature stage",
        "fails: a simplified document carries three parts of a stamp, and this is one",
        "stamp standard, 6.1 (cac_signature_present) and 12 (no-cac-signature); BR-KSA-30 rejects the document "
        "in the KSA stage of both",
        _pointer,
    ),
    Reason(
        "pih-id-spaces",
        ("pih",),
        "takes a reference for the PIH only if its id is written without white space around it",
        "trims the id, as the stylesheet does",
        "Saudi rule specification, sites 013 and 051: ns(cbc:ID) = PIH",
        _spaced_pih,
    ),
    Reason(
        "pih-repeated",
        ("pih",),
        "passes where only one of several PIH references has a value",
        "fails: a document has one previous hash, and a reader may take any of them",
        "stricter than the authority; document standard, KSA-13 (exactly one)",
        _second_pih,
    ),
    Reason(
        "pih-spaces",
        ("pih",),
        "refuses white space around the previous hash",
        "trims it and warns (KHATM-PIH-SHAPE)",
        "BR-KSA-26 looks at the MIME type alone (Saudi rule specification, section 9); what the gateway does "
        "with it is not known",
        _spaced_hash,
    ),
    Reason(
        "qr-long-record",
        ("qr",),
        "reads lengths above 127 as one octet, and refuses the long form",
        "reads the long form that ZATCA's tools write, and refuses the short one",
        "stamp standard, 5.2; vectors long-name and long-name-plain-length",
        _long_record,
    ),
    Reason(
        "qr-unknown-tag",
        ("qr",),
        "refuses records with tags beyond 9",
        "warns (KHATM-QR-TAG)",
        "stamp standard, 5.1 and 6.1 (qr_tlv: tags are exactly 1 to n in order)",
        _unknown_tag,
    ),
    Reason(
        "qr-time-spelling",
        ("qr",),
        "compares times: takes a blank or a small t for the T of tag 3, and refuses what it cannot read (24:00:00, "
        "white space around it) or a UTC issue time written as Saudi time",
        "compares texts: equal, or a Z more or less, or UTC plus three hours; warns where only white space differs",
        "stamp standard, 5.1 (date, T, time, verbatim; Z-time plus three hours) and 6.3: the gateway only warns",
        _same_instant,
    ),
    Reason(
        "qr-vat-spaces",
        ("qr",),
        "compares the VAT total (tag 5) as a number and passes over white space around it",
        "fails: the record repeats the text of the document",
        "stamp standard, 5.1 (verbatim text); stricter than the peer",
        _spaced_vat,
    ),
    Reason(
        "transform-spaces",
        ("signature",),
        "refuses white space around the expression of an XPath transform",
        "trims it: it means the same to an XPath processor",
        "XPath 1.0, 3.7 (white space between tokens); the three expressions are compared after trimming",
        _spaced_transform,
    ),
    Reason(
        "reference-type",
        ("signature",),
        "refuses another Type than that of the profile on the reference to SignedProperties",
        "warns (KHATM-STAMP-REFERENCE)",
        "XML Signature, 4.4.3: Type is advisory; stamp standard, 10 (the profile's value differs from the "
        "published one)",
        _other_type,
    ),
    Reason(
        "uri-form",
        ("schema",),
        "takes any text for a URI",
        "refuses what is no URI reference, such as a time of day with its colons",
        "XML Schema part 2, 3.2.17; RFC 2396, 3.1 (a scheme begins with a letter)",
        _no_uri,
    ),
    Reason(
        "qr-name-spaces",
        ("qr",),
        "compares the seller's name (tag 1) with the white space around it in the document",
        "compares it trimmed, as ZATCA's tools write it",
        "stamp standard, 5.1 (outer white space trimmed)",
        _spaced_name,
    ),
    Reason(
        "qr-id-spaces",
        ("signature", "qr"),
        "takes a reference for the QR code only if its id is written without white space around it",
        "trims the id, for the invoice hash too",
        "stamp standard, 3.1, 3.2 and 12 (qr-id-with-spaces)",
        _spaced_qr_id,
    ),
)
