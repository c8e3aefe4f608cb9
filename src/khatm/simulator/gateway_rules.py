"""The business rules that the gateway's own checks name: the 24-hour rule, the stamp's structure, ICV and PIH.

They are in force before, and without, a full rule set. Each test is that of the rule in the KSA stylesheet,
quirks included. Source: gateway contract, sections 5.4, 8.4 and 8.6; stamp standard, section 6.2.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, cast

from lxml import etree

from khatm.clock import SAUDI
from khatm.document.xml import CBC, EXT, SAC, SBC, SIG, text_of
from khatm.simulator.business_rules import Edition, RuleFinding, RuleReport
from khatm.simulator.outline import Outline, read_outline

_REPORTING_TIME: Final = timedelta(hours=24)
_QR_LIMIT: Final[dict[Edition, int]] = {"3.4.8": 1000, "3.3.3": 700}
_INFORMATION_ID: Final = "urn:oasis:names:specification:ubl:signature:1"
_SIGNATURE_ID: Final = "urn:oasis:names:specification:ubl:signature:Invoice"
_SIGNATURE_METHOD: Final = "urn:oasis:names:specification:ubl:dsig:enveloped:xades"
_INFORMATION: Final = "/".join(
    f"{{{namespace}}}{name}"
    for namespace, name in (
        (EXT, "UBLExtension"),
        (EXT, "ExtensionContent"),
        (SIG, "UBLDocumentSignatures"),
        (SAC, "SignatureInformation"),
    )
)
_MOMENT: Final = re.compile(
    r"[ \t\r\n]*(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?[ \t\r\n]*", re.ASCII
)
_NAMES: Final = etree.XPath("//@name", smart_strings=False)
_SIMPLIFIED: Final = re.compile(r"02\d{5}")


class GatewayRules:
    """The rules about a simplified document's age and about the structure of stamp and QR; a `RulesPlug`."""

    def judge(self, tree: etree._ElementTree, *, edition: Edition, now: datetime) -> RuleReport:
        """Return their findings in the order of the KSA stylesheet; a moment without zone is read as Saudi time."""
        outline = read_outline(tree)
        if len([each for reference in outline.named("QR") for each in reference.objects]) > 1:
            return RuleReport(aborted="two QR references with content")
        if len([each for reference in outline.references for each in reference.uuids]) > 1:
            return RuleReport(aborted="UUID on two additional references")
        findings: list[RuleFinding] = []
        if edition == "3.4.8" and outline.transaction_code.startswith("02") and has_issue_moment(outline):
            issued = issue_moment(outline)
            if issued is None:
                return RuleReport(aborted="issue date and time do not make a moment")
            if now - issued > _REPORTING_TIME:
                findings.append(_TOO_LATE)
        simplified = _concerns_simplified(outline)
        findings.extend(_qr_rules(outline, _QR_LIMIT[edition], simplified=simplified))
        if simplified:
            findings.extend(_stamp_rules(outline))
        return RuleReport(tuple(dict.fromkeys(findings)))


def has_issue_moment(outline: Outline) -> bool:
    """Tell whether BT-2 and KSA-25 are both there; the 24-hour rule says nothing otherwise."""
    return bool(outline.issue_date and outline.issue_time)


def issue_moment(outline: Outline) -> datetime | None:
    """Return BT-2 joined with KSA-25 as an aware moment, None if the two do not make an `xs:dateTime`."""
    match = _MOMENT.fullmatch(f"{outline.issue_date}T{outline.issue_time}")
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    if hour == 24 and (minute, second) != (0, 0):
        return None
    try:
        moment = datetime(year, month, day, hour % 24, minute, second, tzinfo=_zone(match[8]))
        moment += timedelta(seconds=float(f"0.{match[7] or 0}"))
        return moment + timedelta(days=1) if hour == 24 else moment
    except (ValueError, OverflowError):
        return None


def counter_and_previous_hash(outline: Outline) -> list[RuleFinding]:
    """Return what is wrong with the form of the ICV and the PIH; neither is compared with anything (8.4)."""
    findings = []
    uuids = [text for reference in outline.references for text in reference.uuids]
    if not outline.named("ICV") or not any(uuids):
        findings.append(_NO_COUNTER)
    if not all(text.isascii() and text.isdigit() for text in uuids if text):
        findings.append(_COUNTER_NOT_DIGITS)
    hashes = outline.named("PIH")
    objects = [each for reference in hashes for each in reference.objects]
    if not _any_text_plain(objects):
        findings.append(_NO_PREVIOUS_HASH)
    if not all(_any_text_plain(attachment.objects) for each in hashes for attachment in each.attachments):
        findings.append(_PREVIOUS_HASH_FORM)
    return findings


def _qr_rules(outline: Outline, limit: int, *, simplified: bool) -> Iterator[RuleFinding]:
    objects = [each for reference in outline.named("QR") for each in reference.objects]
    if simplified and not any(
        text.strip() and mime.strip() == "text/plain"
        for reference in outline.references
        if reference.id == "QR"
        for text, mime in reference.objects
    ):
        yield _NO_QR
    if objects and not 1 <= len(objects[0][0]) <= limit:
        yield _qr_length(limit)


def _stamp_rules(outline: Outline) -> Iterator[RuleFinding]:
    """The rules on every attachment but the PIH's; without such an attachment they never run."""
    root = outline.root
    information = [
        each for extensions in root.iter(f"{{{EXT}}}UBLExtensions") for each in extensions.findall(_INFORMATION)
    ]
    has_information = any(text_of(each) == _INFORMATION_ID for part in information for each in part.findall(_CBC_ID))
    signatures = outline.signature_references
    has_id = any(text_of(each) == _SIGNATURE_ID for part in signatures for each in part.findall(_CBC_ID))
    referenced = [text_of(each) for part in information for each in part.findall(f"{{{SBC}}}ReferencedSignatureID")]
    has_method = any(
        text_of(each) == _SIGNATURE_METHOD for part in signatures for each in part.findall(f"{{{CBC}}}SignatureMethod")
    )
    attachments = [part for each in outline.references if each.name != "PIH" for part in each.attachments]
    for attachment in attachments:
        has_content = any(text for text, _ in attachment.objects)
        if not (has_content and has_information):
            yield _STAMP_INFORMATION
        if not (has_id and [text.strip() for text in referenced] == [_SIGNATURE_ID]):
            yield _STAMP_ID
        if not (has_content and has_method):
            yield _STAMP_METHOD
    if outline.transaction_code.startswith("02") and not any(text_of(each) for each in signatures):
        yield _NO_STAMP


def _concerns_simplified(outline: Outline) -> bool:
    """Tell what the stylesheet's own test for simplified documents says: it looks at every `name` attribute."""
    return any(_SIMPLIFIED.search(name) for name in cast("list[str]", _NAMES(outline.root)))


def _any_text_plain(objects: list[tuple[str, str]]) -> bool:
    return any(text for text, _ in objects) and any(mime.strip() == "text/plain" for _, mime in objects)


def _zone(text: str | None) -> timezone:
    if text is None:
        return SAUDI
    if text == "Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-offset if text[0] == "-" else offset)


def _qr_length(limit: int) -> RuleFinding:
    return RuleFinding("BR-CL-KSA-14", "error", f"The QR code (KSA-14) must have 1 to {limit} characters.")


_CBC_ID: Final = f"{{{CBC}}}ID"
_TOO_LATE: Final = RuleFinding(
    "BR-KSA-98",
    "warning",
    "The simplified invoice should be submitted within 24 hours of issuing the invoice.",  # the authority's text
)
_NO_QR: Final = RuleFinding(
    "BR-KSA-27", "warning", "A simplified document must carry a QR code (KSA-14) with MIME code text/plain."
)
_STAMP_INFORMATION: Final = RuleFinding(
    "BR-KSA-28",
    "error",
    f"The stamp (KSA-15) of a simplified document must have the signature information ID {_INFORMATION_ID}, "
    "and no attachment may be empty.",
)
_STAMP_ID: Final = RuleFinding(
    "BR-KSA-29",
    "warning",
    f"The stamp (KSA-15) and cac:Signature of a simplified document must have the signature ID {_SIGNATURE_ID}.",
)
_STAMP_METHOD: Final = RuleFinding(
    "BR-KSA-30",
    "error",
    f"The cac:Signature of a simplified document must have the signature method {_SIGNATURE_METHOD}, "
    "and no attachment may be empty.",
)
_NO_STAMP: Final = RuleFinding(
    "BR-KSA-60", "warning", "A simplified document must carry a cryptographic stamp (KSA-15)."
)
_NO_COUNTER: Final = RuleFinding("BR-KSA-33", "error", "A document must carry an invoice counter value (KSA-16).")
_COUNTER_NOT_DIGITS: Final = RuleFinding(
    "BR-KSA-34", "error", "The invoice counter value (KSA-16) must consist of digits only."
)
_NO_PREVIOUS_HASH: Final = RuleFinding(
    "BR-KSA-61", "warning", "A document must carry the previous invoice hash (KSA-13) with MIME code text/plain."
)
_PREVIOUS_HASH_FORM: Final = RuleFinding(
    "BR-KSA-26",
    "warning",
    "The previous invoice hash (KSA-13) must be base64 text with MIME code text/plain.",
)
