"""Why a signature does not verify: another message, another key, another spelling of the signature.

Every message that vendors sign is tried under every key at hand. Source: the stamp standard, sections 1.1 and 4.1.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree

from khatm.doctor.case import Case, from_base64
from khatm.doctor.causes import Word
from khatm.doctor.digests import is_placeholder
from khatm.doctor.findings import Finding, facts
from khatm.document.xml import DS
from khatm.stamp import curve, der

ELEMENT: Final = "ds:SignatureValue"
ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_CHECKS: Final = ("signature_value",)
_RAW_SIZES: Final = (64, 96, 132)


@dataclass(frozen=True, slots=True)
class Message:
    """What may have been signed: the digest for the curve, by a word of the table, and the cause it would prove."""

    name: str
    code: str
    digest: bytes


def examine_signature(case: Case) -> Iterator[Finding]:
    """Yield why the signature value fails; and, of one that verifies, what other programs may trip over."""
    if case.stamp.signature is None:
        return
    text = case.stamp.signature_value
    if not case.failed("signature_value"):
        yield from _high_s(text)
        return
    if case.certificate is None:
        return  # told by the certificate itself
    if text is None or is_placeholder(text):
        code = "DOCTOR-VALUE-MISSING" if text is None else "DOCTOR-VALUE-PLACEHOLDER"
        yield Finding(code, "read", _CHECKS, facts(element=ELEMENT, found=text or '""'))
        return
    if case.certificate.curve != "secp256k1":
        yield from _wrong_curve(case)
        return
    yield from _explained(case, text)


def _explained(case: Case, text: str) -> Iterator[Finding]:
    encodings = list(encodings_of(text))
    told = facts(element=ELEMENT, found=text)
    if _qr_has_the_right_one(case):
        words = {"key": Word("key-certificate"), "message": Word("message-hash")}
        yield Finding("DOCTOR-SIGNATURE-DAMAGED", "verified", (*_CHECKS, "qr_7"), {**told, **words})
        return
    if not encodings:
        yield Finding("DOCTOR-SIGNATURE-UNREADABLE", "read", _CHECKS, told)
        return
    messages = list(messages_of(case))
    for form, signature in encodings:
        for key, point in case.points():
            for message in messages:
                if curve.verify(point, message.digest, signature):
                    yield from _found(form, key, message, dict(told))
                    return
    code = "DOCTOR-SIGNATURE-OTHER-DOCUMENT" if case.failed("invoice_digest") else "DOCTOR-SIGNATURE-OTHER-KEY"
    tried = str(len(messages) * len(encodings) * len(list(case.points())))
    yield Finding(code, "excluded", _CHECKS, {**told, "key": Word("key-unknown"), "tried": tried})


def _qr_has_the_right_one(case: Case) -> bool:
    """Whether QR tag 7 is another signature, and one that fits the certificate and the content."""
    text = None if case.qr is None else case.qr.text(7)
    if text is None or case.certificate is None or not case.failed("qr_7"):
        return False
    digest = _sha(_sha(case.canonical))
    return any(curve.verify(case.certificate.point, digest, encoded) for _, encoded in encodings_of(text))


def _found(form: str, key: str, message: Message, told: dict[str, str]) -> Iterator[Finding]:
    told |= {"key": Word(key), "message": Word(message.name)}
    if form != "form-base64":
        code = "DOCTOR-SIGNATURE-RAW" if form == "form-raw-pair" else "DOCTOR-SIGNATURE-FORM"
        yield Finding(code, "verified", _CHECKS, {**told, "form": Word(form)})
    if key == "key-platform":
        yield Finding("DOCTOR-SIGNATURE-OF-PLATFORM", "verified", _CHECKS, told)
    elif key != "key-certificate":
        yield Finding("DOCTOR-SIGNATURE-OTHER-KEY", "verified", _CHECKS, told)
    if message.code:
        yield Finding(message.code, "verified", _CHECKS, told)


def messages_of(case: Case) -> Iterator[Message]:
    """Yield what vendors sign, the right message first."""
    right = hashlib.sha256(case.canonical).digest()
    text = case.invoice_hash
    yield Message("message-hash", "", _sha(right))
    yield Message("message-once", "DOCTOR-SIGNATURE-HASHED-ONCE", right)
    code = "DOCTOR-SIGNATURE-OVER-TEXT"
    yield Message("message-base64", code, _sha(text.encode()))
    yield Message("message-hex", code, _sha(right.hex().encode()))
    yield Message("message-upper-hex", code, _sha(right.hex().upper().encode()))
    yield Message("message-base64-hex", code, _sha(base64.b64encode(right.hex().encode())))
    yield Message("message-twice", "DOCTOR-SIGNATURE-HASHED-THRICE", _sha(_sha(right)))
    yield from _signed_info(case)
    code = "DOCTOR-SIGNATURE-OTHER-MESSAGE"
    for name, other in (
        ("message-digest", case.stamp.digest_value),
        ("message-qr", None if case.qr is None else case.qr.text(6)),
        ("message-pih", case.facts.pih),
        ("message-properties", case.stamp.properties_digest),
    ):
        raw = from_base64(other)
        if raw is not None and other != text:
            yield Message(name, code, _sha(raw))
            yield Message(name, code, raw if len(raw) == 32 else _sha(_sha(raw)))
            yield Message(name, code, _sha((other or "").encode()))
    if case.properties is not None:
        yield Message("message-properties", code, _sha(case.properties))
    yield Message("message-file", code, _sha(case.xml))


def _signed_info(case: Case) -> Iterator[Message]:
    """What XML signature signs: SignedInfo in canonical form."""
    element = None if case.stamp.signature is None else case.stamp.signature.find(f"{{{DS}}}SignedInfo")
    if element is None:
        return
    for exclusive in (False, True):
        made: bytes = etree.tostring(element, method="c14n", exclusive=exclusive, with_comments=False, with_tail=False)
        for data in (made, re.sub(rb">\s+<", b"><", made)):
            for digest in (_sha(data), _sha(_sha(data))):
                yield Message("message-signed-info", "DOCTOR-SIGNATURE-OVER-SIGNEDINFO", digest)


def encodings_of(text: str) -> Iterator[tuple[str, bytes]]:
    """Yield a signature as DER in every way in which the text can be read, with the word of the form."""
    joined = "".join(text.split())
    standard = joined.replace("-", "+").replace("_", "/").rstrip("=")
    readings: list[tuple[str, bytes | None]] = [
        ("form-base64", from_base64(joined)),
        (
            "form-base64-url",
            from_base64(standard + "=" * (-len(standard) % 4)) if standard != joined.rstrip("=") else None,
        ),
        ("form-hex", _unhex(joined)),
    ]
    outer = readings[0][1]
    if outer is not None and outer.isascii():
        inner = outer.decode("ascii")
        readings += [("form-base64-twice", from_base64(inner)), ("form-base64-hex", _unhex("".join(inner.split())))]
    for form, raw in readings:
        if raw is None:
            continue
        if _is_der(raw):
            yield form, raw
        elif len(raw) in _RAW_SIZES:
            yield "form-raw-pair", pair_as_der(raw)


def pair_as_der(raw: bytes) -> bytes:
    """Write the two numbers of a raw signature (r then s, the same length) as DER."""
    half = len(raw) // 2
    numbers = (int.from_bytes(part, "big") for part in (raw[:half], raw[half:]))
    octets = (number.to_bytes(number.bit_length() // 8 + 1, "big") for number in numbers)
    return der.write(der.SEQUENCE, *(der.write(der.INTEGER, each) for each in octets))


def numbers_of(signature: bytes) -> tuple[int, int] | None:
    """Return r and s of a DER signature, None if it is none."""
    try:
        first, second = der.read(signature).expect(der.SEQUENCE).children(2)
        return first.integer, second.integer
    except (der.MalformedDer, ValueError):
        return None


def _wrong_curve(case: Case) -> Iterator[Finding]:
    assert case.certificate is not None
    checks = _CHECKS
    told = facts(element="ds:X509Certificate", found=case.certificate.curve, expected="secp256k1")
    yield Finding("DOCTOR-WRONG-CURVE", "read", checks, told)


def _high_s(text: str | None) -> Iterator[Finding]:
    numbers = numbers_of(from_base64(text) or b"")
    if numbers is not None and numbers[1] > ORDER // 2:
        told = facts(element=ELEMENT, found=text, message=Word("message-hash"), key=Word("key-certificate"))
        yield Finding("DOCTOR-SIGNATURE-HIGH-S", "verified", (), told)


def _is_der(raw: bytes) -> bool:
    return raw[:1] == b"\x30" and numbers_of(raw) is not None


def _unhex(text: str) -> bytes | None:
    try:
        return binascii.unhexlify(text) or None
    except (binascii.Error, ValueError):
        return None


def _sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
