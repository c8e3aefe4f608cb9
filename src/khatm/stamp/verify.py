"""Verification of a stamped document from its received bytes alone: every check, by name, with what was found.

Nothing is rebuilt from the template; what is embedded is parsed, canonicalised and compared. Source: the stamp
standard, section 6.1 (names and meaning of the checks).
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from lxml import etree

from khatm.document.canonical import StampFacts
from khatm.document.errors import UnreadableXml
from khatm.document.xml import parse
from khatm.stamp import curve
from khatm.stamp.canonical import canonicalise, hash_text, without_stamp
from khatm.stamp.certificate import Certificate, read_certificate
from khatm.stamp.embedded import EmbeddedStamp, isolated_text, read_embedded
from khatm.stamp.errors import NotCanonical, UnreadableCertificate
from khatm.stamp.facts import read_facts
from khatm.stamp.qr import QrContent
from khatm.stamp.source_text import canonical_pieces, parse_plain
from khatm.stamp.verdict import CheckResult, Findings
from khatm.stamp.verify_qr import check_qr

__all__ = ["CheckResult", "Verification", "verify", "verify_tree"]

_USUAL_CERTIFICATE: Final = 8192
"""Characters; longer ones are read anew each time, so that a hostile document does not stay in memory."""
_DECIMAL: Final = re.compile(r"\s*[+-]?[0-9]{1,100}\s*")


class Verification(NamedTuple):
    """What was verified, and how every applicable check ended.

    `checks` maps the standard's names to results; a check that does not apply is absent. `information` holds
    `signature_over_digest_value` and `qr_4_is_tax_inclusive`, which never fail a document. `warnings` are codes of
    what is tolerated. `pieces` are what was hashed, one after the other (none if the document has no canonical form),
    `certificate` the embedded one if it could be read, `qr` the decoded QR code if it could be.
    """

    checks: dict[str, CheckResult]
    information: dict[str, bool]
    warnings: tuple[str, ...]
    pieces: Sequence[bytes | memoryview]
    invoice_hash: str
    facts: StampFacts
    certificate: Certificate | None
    qr: QrContent | None
    signing_time: str | None
    digest_value: str | None
    signature_value: str | None

    @property
    def canonical(self) -> bytes:
        """The bytes that were hashed; empty if the document has no canonical form."""
        return b"".join(self.pieces)

    @property
    def failing(self) -> list[str]:
        """The names of the failed checks, in the order in which they were made."""
        return [name for name, check in self.checks.items() if not check.passed]

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return not self.failing

    @property
    def stamped(self) -> bool:
        """Whether the document carries a signature at all."""
        return "signature_value" in self.checks


def verify(xml: bytes, *, certificate: Certificate | None = None, pih: str | None = None) -> Verification:
    """Check the stamp of a document; never raises for a readable XML document.

    `certificate` compares issuer and serial number with another certificate than the embedded one, as the SDK does
    with its configured file; `pih` adds the check of the previous invoice hash. Raises UnreadableXml.
    """
    pieces = canonical_pieces(xml)  # of no worth before the parser has taken the file
    try:
        tree = parse(xml) if pieces is None else parse_plain(xml)
    except UnreadableXml:
        tree, pieces = parse(xml), None  # raises with the places that the file has
    return _verified(tree, pieces, certificate, pih)


def verify_tree(
    tree: etree._ElementTree,
    *,
    certificate: Certificate | None = None,
    pih: str | None = None,
    source: bytes | None = None,
) -> Verification:
    """Check a document that `khatm.document.xml.parse` read; the stamp's elements may be taken out of the tree.

    `source` are the bytes that it read, if the tree is unchanged but for parts of the stamp: most documents are spelt
    as their canonical form, which need not be made then.
    """
    return _verified(tree, None if source is None else canonical_pieces(source), certificate, pih)


def _verified(
    tree: etree._ElementTree,
    pieces: Sequence[bytes | memoryview] | None,
    certificate: Certificate | None,
    pih: str | None,
) -> Verification:
    """Check a document whose canonical form is known, or has to be made of the tree, which has all its parts then."""
    root = tree.getroot()
    facts = read_facts(root)
    stamp = read_embedded(root)
    findings = Findings()
    properties = stamp.signed_properties  # their text is taken before parts leave the tree, which may change prefixes
    properties_text = None if properties is None else isolated_text(properties)
    if pieces is None:
        pieces = _canonical(tree)
    invoice_hash = hash_text(*pieces) if pieces else ""
    _check_presence(stamp, facts, findings)
    embedded = _read(stamp.certificate_text)
    if stamp.signature is not None:
        _check_digests(stamp, properties_text, invoice_hash, findings)
        _check_certificate(stamp, embedded, certificate or embedded, findings)
        _check_signature(stamp, embedded, invoice_hash, findings)
    content = None
    if stamp.qr_text is not None:
        content = check_qr(stamp, facts, root, invoice_hash, embedded, findings)
    if pih is not None:
        findings.compare("pih", pih.strip(), facts.pih)
    return Verification(
        checks=findings.checks,
        information=findings.information,
        warnings=tuple(findings.warnings),
        pieces=pieces,
        invoice_hash=invoice_hash,
        facts=facts,
        certificate=embedded,
        qr=content,
        signing_time=stamp.signing_time,
        digest_value=stamp.digest_value,
        signature_value=stamp.signature_value,
    )


def _canonical(tree: etree._ElementTree) -> Sequence[bytes]:
    try:
        return [canonicalise(without_stamp(tree))]
    except NotCanonical:
        return ()


def _check_presence(stamp: EmbeddedStamp, facts: StampFacts, findings: Findings) -> None:
    """Exactly one of each part on simplified documents; on standard ones only a repetition is reported."""
    counts = (
        ("stamp_present", stamp.signatures),
        ("qr_present", stamp.qr_references),
        ("cac_signature_present", stamp.signature_references),
    )
    for name, count in counts:
        if facts.simplified or count > 1:
            findings.add(name, count == 1, "1", str(count))


def _read(text: str | None) -> Certificate | None:
    if text is None:
        return None
    return _known(text) if len(text) < _USUAL_CERTIFICATE else _certificate(text)


@lru_cache(maxsize=64)
def _known(text: str) -> Certificate | None:
    """Read a certificate once for all the documents of its unit."""
    return _certificate(text)


def _certificate(text: str) -> Certificate | None:
    try:
        return read_certificate("".join(text.split()))
    except UnreadableCertificate:
        return None


def _check_digests(stamp: EmbeddedStamp, properties_text: str | None, invoice_hash: str, findings: Findings) -> None:
    findings.compare("invoice_digest", invoice_hash or None, stamp.digest_value)
    expected = (
        None if properties_text is None else _hexadecimal_digest(properties_text.encode("utf-8", "surrogatepass"))
    )
    findings.compare("signed_properties_digest", expected, stamp.properties_digest)


def _check_certificate(
    stamp: EmbeddedStamp, embedded: Certificate | None, reference: Certificate | None, findings: Findings
) -> None:
    text = (stamp.certificate_text or "").strip()
    pieces = len(text.split())
    findings.add("certificate_single_line", pieces == 1, "one line", f"{pieces} pieces of text")
    findings.add("certificate_readable", embedded is not None, "an X.509 certificate", text[:40] or "nothing")
    expected = _hexadecimal_digest(text.encode()) if text else None
    findings.compare("certificate_digest", expected, stamp.certificate_digest)
    findings.compare("issuer_name", None if reference is None else reference.issuer_name, stamp.issuer_name)
    serial = stamp.serial_number
    found = int(serial) if serial is not None and _DECIMAL.fullmatch(serial) else None
    expected_serial = None if reference is None else reference.serial_number
    same = found is not None and found == expected_serial
    findings.add("serial_number", same, "" if expected_serial is None else str(expected_serial), serial)


def _check_signature(stamp: EmbeddedStamp, embedded: Certificate | None, invoice_hash: str, findings: Findings) -> None:
    """Check the signature over the recomputed digest, and for information over the embedded one."""
    expected = "a signature by the embedded certificate's key over the invoice hash"
    if embedded is None:
        findings.add("signature_value", False, expected, "no certificate that can be read")
        findings.information["signature_over_digest_value"] = False
        return
    if embedded.curve != "secp256k1":
        findings.add("signature_value", False, "a key on secp256k1", f"a key of the kind {embedded.curve}")
        findings.information["signature_over_digest_value"] = False
        return
    signature = _from_base64(stamp.signature_value)
    fits = _fits(embedded, signature, _from_base64(invoice_hash))
    findings.add("signature_value", fits, expected, stamp.signature_value)
    if stamp.digest_value != invoice_hash:
        fits = _fits(embedded, signature, _from_base64(stamp.digest_value))
    findings.information["signature_over_digest_value"] = fits


def _fits(certificate: Certificate, signature: bytes | None, digest: bytes | None) -> bool:
    if not signature or not digest:
        return False
    return curve.verify(certificate.point, hashlib.sha256(digest).digest(), signature)


def _from_base64(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None


def _hexadecimal_digest(data: bytes) -> str:
    """Return base64 of the lower-case hexadecimal SHA-256, the form of the two XAdES digests."""
    return base64.b64encode(hashlib.sha256(data).hexdigest().encode()).decode()
