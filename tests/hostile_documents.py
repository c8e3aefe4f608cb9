"""Documents of one mebibyte that cost as much as a document of that size can: one shape of attack each.

`python -m tests.hostile_documents [NAME …]` validates them, each in a process of its own, and prints what each took as a
line of JSON: seconds of processor time, the peak of resident memory in MiB, and how many findings each stage holds.
"""

# ruff: noqa: E501 - one shape per line

import base64
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from itertools import count

from tests.stamp_vectors import SIGNED_AT, document

SIZE = 1 << 20
PATIENCE = 10
"""Seconds of processor time after which a shape counts as failed."""
XML = document("simplified-invoice").xml
_SPLIT = XML.index(b"<cac:InvoiceLine>")
_LINE = XML[_SPLIT : XML.index(b"</cac:InvoiceLine>") + len(b"</cac:InvoiceLine>")]
_ROOT = XML[: XML.index(b"<ext:UBLExtensions>")]
_WIDE = "\U0001f9fe"
"""A character that makes every character of a text take four bytes in memory."""

Unit = bytes | Callable[[int], bytes]
_wanted = ContextVar("_wanted", default=SIZE)


def shape(name: str, size: int = SIZE) -> bytes:
    """Return the document of a shape, filled up to a size."""
    token = _wanted.set(size)
    try:
        return SHAPES[name]()
    finally:
        _wanted.reset(token)


def filled(before: bytes, unit: Unit, after: bytes) -> bytes:
    """Return `before`, as many units as fit into the wanted size, and `after`."""
    room = max(_wanted.get() - len(before) - len(after), 0)
    if isinstance(unit, bytes):
        return before + unit * (room // len(unit)) + after
    units: list[bytes] = []
    for number in count():
        room -= len(one := unit(number))
        if room < 0:
            return before + b"".join(units) + after
        units.append(one)
    raise AssertionError  # count() never ends


def at(place: bytes, unit: Unit, *, xml: bytes = XML) -> bytes:
    """Fill a document before the first occurrence of `place`."""
    before, found, after = xml.partition(place)
    assert found, place
    return filled(before, unit, found + after)


def inside(tag: bytes, unit: Unit, *, xml: bytes = XML) -> bytes:
    """Fill a document behind the first start tag that is written so."""
    before, found, after = xml.partition(tag)
    assert found, tag
    return filled(before + found, unit, after)


def instead(tag: bytes, unit: Unit, *, lead: bytes = b"", xml: bytes = XML) -> bytes:
    """Fill an element with units instead of its text."""
    start = xml.index(tag) + len(tag)
    return filled(xml[:start] + lead, unit, xml[xml.index(b"</", start) :])


def nested(tag: bytes, levels: int, core: Unit, *, place: bytes = b"<cac:PaymentMeans>") -> bytes:
    """Put elements of one name into each other, and units into the innermost."""
    before, found, after = XML.partition(place)
    opening, closing = b"<" + tag + b">", b"</" + tag.split()[0] + b">"
    return filled(before + opening * levels, core, closing * levels + found + after)


def _numbered(text: str) -> Callable[[int], bytes]:
    return lambda number: text.replace("#", str(number)).encode()


def _tagged(tag: int, content: bytes) -> bytes:
    size = len(content)
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big") if size > 0x7F else b""
    return bytes([tag, 0x80 | len(octets) if octets else size]) + octets + content


def _certificate(change: Callable[[list[bytes]], None]) -> bytes:
    """Put another certificate into the stamp: ours with changed parts (version, serial, algorithm, issuer, …)."""
    from khatm.stamp import der

    start = XML.index(b"<ds:X509Certificate>") + len(b"<ds:X509Certificate>")
    end = XML.index(b"<", start)
    outer = der.read(base64.b64decode(XML[start:end])).children()
    parts = [each.encoded for each in outer[0]]
    change(parts)
    inner = _tagged(0x30, b"".join(parts))
    whole = _tagged(0x30, inner + outer[1].encoded + outer[2].encoded)
    return XML[:start] + base64.b64encode(whole) + XML[end:]


def _part(number: int, content: Callable[[int], bytes]) -> bytes:
    """Replace a part of the certificate by something of the largest size that fits."""

    def change(parts: list[bytes]) -> None:
        parts[number] = content(max(_wanted.get() - len(XML), 400) * 3 // 4 - 200)

    return _certificate(change)


def _oid(size: int) -> bytes:
    attribute = _tagged(0x30, _tagged(6, b"\x81" * (size - 40) + b"\x01") + _tagged(12, b"x"))
    return _tagged(0x30, _tagged(0x31, attribute))


_CATEGORY = (
    b"<cac:TaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>7</cbc:Percent>"
    b"<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:TaxCategory>"
)
_SUBTOTAL = b"<cac:TaxSubtotal><cbc:TaxableAmount/>" + _CATEGORY + b"</cac:TaxSubtotal>"
_CHARGE = (
    b"<cac:AllowanceCharge><cbc:ChargeIndicator>true</cbc:ChargeIndicator>" + _CATEGORY + b"</cac:AllowanceCharge>"
)
_REFERENCE = b"<cac:AdditionalDocumentReference><cbc:ID>%s</cbc:ID></cac:AdditionalDocumentReference>"
_DIGITS = b"9" * 100_000
_FRACTION = XML.replace(b"<cbc:IssueTime>09:30:05<", b"<cbc:IssueTime>09:30:05.<")
_LAST = b"</Invoice>"
_CONTENT = b"<ext:ExtensionContent>"
_QR = b"<cbc:ID>QR</cbc:ID>\n        <cac:Attachment>\n            "
_QR += b'<cbc:EmbeddedDocumentBinaryObject mimeCode="text/plain">'
_CERTIFICATE = b"<ds:X509Certificate>"


def _attributes(number: int) -> bytes:
    names = b" ".join(b'a%d=""' % each for each in range(900))
    return b"<cbc:Note " + names + b"/>"


def _late_faults() -> bytes:
    """Half a mebibyte of good notes, then notes with a fault each: where they stand takes counting."""
    good = at(b"<cbc:DocumentCurrencyCode>", b"<cbc:Note/>")
    half = good[: len(good) // 2].rpartition(b"<cbc:Note/>")[0]
    return filled(half, b'<cbc:Note a=""/>', XML[XML.index(b"<cbc:DocumentCurrencyCode>") :])


def _long_namespace() -> bytes:
    before, after = XML[:_SPLIT], XML[_SPLIT:]
    return filled(before + b'<x:w xmlns:x="urn:' + b"n" * 300_000 + b'">', b"<cac:InvoiceLine/>", b"</x:w>" + after)


def _long_names() -> bytes:
    name = b"n" * 2500
    before, after = XML[:_SPLIT], XML[_SPLIT:]
    opening, closing = b"<" + name + b">", b"</" + name + b">"
    return filled(before + opening * 100, b"<cac:InvoiceLine/>", closing * 100 + after)


def _namespaces(scope: int, unit: bytes) -> bytes:
    declared = b" ".join(b'xmlns:n%d="u:%d"' % (each, each) for each in range(scope))
    return filled(_ROOT[:-1] + b" " + declared + b">", unit, _LAST)


def _namespaces_by_level() -> bytes:
    """A hundred levels, each with declarations of its own."""
    opened = b"".join(
        b"<a " + b" ".join(b'xmlns:n%d_%d="u:%d"' % (level, each, each) for each in range(20)) + b">"
        for level in range(100)
    )
    return filled(_ROOT + opened, b"<b/>", b"</a>" * 100 + _LAST)


def _prefixed_properties() -> bytes:
    """Prefixed attributes inside what the second digest covers."""
    names = b" ".join(b'xmlns:n%d="u:%d"' % (each, each) for each in range(400))
    xml = XML.replace(b"<xades:SignedProperties ", b"<xades:SignedProperties " + names + b" ", 1)
    return inside(b"<xades:SignedSignatureProperties>", b'<a n399:b=""/>', xml=xml)


def _encoded(tag: bytes, unit: bytes, most: int = SIZE) -> bytes:
    """Put the base64 of as many units as fit instead of a text."""
    raw = unit * ((min(most, _wanted.get()) - len(XML)) * 3 // 4 // len(unit))
    start = XML.index(tag) + len(tag)
    return XML[:start] + base64.b64encode(raw) + XML[XML.index(b"</", start) :]


def _wide(xml: bytes) -> bytes:
    """Replace four letters of a long text by one character that makes the whole text four times as wide."""
    return xml.replace(b"xxxx", _WIDE.encode(), 1)


def _everywhere(value: bytes, tags: Iterable[bytes]) -> bytes:
    xml = XML
    for tag in tags:
        start = xml.index(tag)
        start = xml.index(b">", start) + 1
        xml = xml[:start] + value + xml[xml.index(b"</", start) :]
    return xml


_AMOUNTS = (
    b"<cbc:TaxableAmount", b"<cbc:TaxExclusiveAmount", b"<cbc:TaxInclusiveAmount", b"<cbc:PayableAmount",
    b"<cbc:InvoicedQuantity", b"<cbc:RoundingAmount", b"<cbc:PriceAmount", b"<cbc:Percent", b"<cbc:LineExtensionAmount",
)  # fmt: skip

SHAPES: dict[str, Callable[[], bytes]] = {
    "foreign elements": lambda: inside(_ROOT, b"<b/>"),
    "foreign elements in a line": lambda: inside(b"<cac:InvoiceLine>", b"<b/>"),
    "foreign elements in the extension": lambda: inside(_CONTENT, b"<b/>"),
    "UBL elements in the extension": lambda: inside(_CONTENT, b"<cbc:ID/>"),
    "elements of 60,000 names": lambda: inside(_ROOT, _numbered("<n#/>")),
    "elements of 20,000 namespaces": lambda: inside(_ROOT, _numbered('<n xmlns="u:#"/>')),
    "elements of 20,000 relative namespaces": lambda: inside(_ROOT, _numbered('<n xmlns="#"/>')),
    "undeclared prefixes": lambda: inside(_ROOT, b"<u:n/>", xml=XML.replace(_LAST, b"<n xmlns='n'/>" + _LAST)),
    "elements below a leaf": lambda: inside(b"<cbc:ProfileID>", b"<cbc:ID/>"),
    "extensions": lambda: inside(b"<ext:UBLExtensions>", b"<ext:UBLExtension/>"),
    "blocks of extensions": lambda: inside(_ROOT, b"<ext:UBLExtensions/>"),
    "signature pointers": lambda: at(b"<cac:Signature>", b"<cac:Signature/>"),
    "signatures": lambda: inside(_CONTENT, b"<s:Signature xmlns:s='http://www.w3.org/2000/09/xmldsig#'/>"),
    "references of the signature": lambda: at(b"<ds:Reference ", b"<ds:Reference/>"),
    "transforms": lambda: inside(b"<ds:Transforms>", b"<ds:Transform/>"),
    "digest methods": lambda: at(b"<ds:SignatureMethod ", b"<ds:SignatureMethod/>"),
    "qualifying properties": lambda: at(b"<xades:QualifyingProperties ", b"<xades:QualifyingProperties/>"),
    "comments": lambda: at(b"<cbc:ProfileID>", b"<!---->"),
    "instructions": lambda: at(b"<cbc:ProfileID>", b"<?a?>"),
    "comments in a text": lambda: inside(b"<cbc:ProfileID>", b"9<!---->"),
    "comments in the signature value": lambda: inside(b"<ds:SignatureValue>", b"<!---->"),
    "instructions in the QR code": lambda: inside(_QR, b"<?a?>"),
    "instructions before the root": lambda: at(b"<Invoice ", b"<?a?>"),
    "CDATA sections": lambda: inside(b"<cbc:ProfileID>", b"<![CDATA[]]>"),
    "CDATA sections with text": lambda: inside(b"<cbc:ProfileID>", b"<![CDATA[ ]]>x"),
    "character references": lambda: inside(b"<cbc:ProfileID>", b"&#65;"),
    "escaped text": lambda: inside(b"<cbc:ProfileID>", b"&amp;amp;"),
    "carriage returns": lambda: inside(b"<cbc:ProfileID>", b"&#13;"),
    "blanks": lambda: inside(b"<cbc:ProfileID>", b" "),
    "blanks in a code": lambda: inside(b'<cbc:InvoiceTypeCode name="0200000">', b" x"),
    "line breaks": lambda: inside(_ROOT, b"\n"),
    "text between elements": lambda: inside(_ROOT, b"x"),
    "issue dates": lambda: at(b"<cbc:IssueTime>", b"<cbc:IssueDate>2026-01-15</cbc:IssueDate>"),
    "a year of a million digits": lambda: at(b"-01-15</cbc:IssueDate>", b"9"),
    "years of 5,000 digits": lambda: at(
        b"<cbc:IssueTime>", b"<cbc:IssueDate>" + b"9" * 5000 + b"-01-15</cbc:IssueDate>"
    ),
    "a second of a million digits": lambda: inside(b"<cbc:IssueTime>09:30:05.", b"9", xml=_FRACTION),
    "a signing time of a million digits": lambda: inside(b"<xades:SigningTime>2026-01-15T12:30:06", b"9"),
    "a UUID of a million characters": lambda: inside(b"<cbc:UUID>", b"0"),
    "one long number": lambda: inside(b"<cbc:Percent>", b"9"),
    "numbers of 100,000 digits": lambda: _everywhere(_DIGITS, _AMOUNTS),
    "fractions of 100,000 digits": lambda: _everywhere(b"0." + _DIGITS, _AMOUNTS),
    "numbers of 4,000 digits": lambda: at(b"<cac:InvoiceLine>", _LINE.replace(b">37.00<", b">" + b"7" * 3999 + b"<")),
    "lines": lambda: at(b"<cac:InvoiceLine>", _LINE),
    "empty lines": lambda: at(b"<cac:InvoiceLine>", b"<cac:InvoiceLine/>"),
    "lines that break rules": lambda: at(b"<cac:InvoiceLine>", b"<cac:InvoiceLine><cbc:ID/></cac:InvoiceLine>"),
    "lines in one another": lambda: nested(b"cac:InvoiceLine", 120, b"<cac:InvoiceLine/>"),
    "lines below a long namespace": _long_namespace,
    "lines below long names": _long_names,
    "tax subtotals": lambda: at(b"<cac:TaxSubtotal>", _SUBTOTAL),
    "tax totals": lambda: at(b"<cac:TaxTotal>", b"<cac:TaxTotal>" + _SUBTOTAL + b"</cac:TaxTotal>"),
    "empty tax totals": lambda: at(b"<cac:TaxTotal>", b"<cac:TaxTotal/>"),
    "tax categories": lambda: at(b"<cac:TaxCategory>", _CATEGORY),
    "charges": lambda: at(b"<cac:TaxTotal>", _CHARGE),
    "empty charges": lambda: at(b"<cac:TaxTotal>", b"<cac:AllowanceCharge/>"),
    "charges of a line": lambda: at(b"<cac:Item>", _CHARGE),
    "totals": lambda: at(b"<cac:LegalMonetaryTotal>", b"<cac:LegalMonetaryTotal/>"),
    "payment means": lambda: at(b"<cac:PaymentMeans>", b"<cac:PaymentMeans/>"),
    "currencies": lambda: at(b"<cbc:TaxCurrencyCode>", _numbered("<cbc:TaxCurrencyCode>A#</cbc:TaxCurrencyCode>")),
    "document currencies": lambda: at(b"<cbc:TaxCurrencyCode>", b"<cbc:DocumentCurrencyCode>SAR</cbc:DocumentCurrencyCode>"),
    "patterns": lambda: at(b"<cac:TaxTotal>", _numbered('<cbc:Amount currencyID="(S|A)*#{9}"/>')),
    "a long pattern": lambda: at(b'SAR">18.50', b"(a+)+"),
    "a long pattern in a long currency": lambda: at(
        b'SAR">18.50', b"(a?)+", xml=XML.replace(b">SAR</cbc:Doc", b">" + b"a" * 500_000 + b"</cbc:Doc")
    ),
    "type codes": lambda: at(b"<cbc:DocumentCurrencyCode>", b'<cbc:InvoiceTypeCode name="0211010"/>'),
    "counter references": lambda: at(b"<cac:AdditionalDocumentReference>", _REFERENCE % b"ICV"),
    "QR references": lambda: at(b"<cac:AdditionalDocumentReference>", _REFERENCE % b"QR"),
    "PIH references": lambda: at(b"<cac:AdditionalDocumentReference>", _REFERENCE % b"PIH"),
    "billing references": lambda: at(b"<cac:AdditionalDocumentReference>", b"<cac:BillingReference/>"),
    "parties": lambda: at(b"<cac:AccountingCustomerParty>", b"<cac:AccountingSupplierParty><cac:Party/></cac:AccountingSupplierParty>"),
    "customers": lambda: at(b"<cac:AccountingCustomerParty>", b"<cac:AccountingCustomerParty><cac:Party><cac:PostalAddress/></cac:Party></cac:AccountingCustomerParty>"),
    "identifications": lambda: at(b"<cac:PartyIdentification>", b"<cac:PartyIdentification><cbc:ID/></cac:PartyIdentification>"),
    "deliveries": lambda: at(b"<cac:PaymentMeans>", b"<cac:Delivery><cbc:LatestDeliveryDate/></cac:Delivery>"),
    "notes": lambda: at(b"<cbc:DocumentCurrencyCode>", b"<cbc:Note/>"),
    "notes with faults": lambda: at(b"<cbc:DocumentCurrencyCode>", b'<cbc:Note a=""/>'),
    "faults behind many notes": _late_faults,
    "attributes": lambda: at(b"<cbc:DocumentCurrencyCode>", _attributes),
    "one long attribute": lambda: inside(b'<cbc:InvoiceTypeCode name="', b"0"),
    "one long name": lambda: filled(XML[:_SPLIT] + b"<", b"n", b"/>" + XML[_SPLIT:]),
    "one long namespace": lambda: filled(XML[:_SPLIT] + b'<n xmlns="', b"n", b'"/>' + XML[_SPLIT:]),
    "Id attributes": lambda: at(b"<ds:SignedInfo>", b'<ds:Object Id="signature"/>'),
    "attributes of the XML namespace": lambda: at(b"<cbc:DocumentCurrencyCode>", b'<cbc:Note xml:space="preserve" xml:lang="a"/>'),
    "100 namespaces in scope": lambda: _namespaces(100, b"<b/>"),
    "900 namespaces in scope": lambda: _namespaces(900, b"<b/>"),
    "namespaces by level": _namespaces_by_level,
    "prefixed attributes in the signed properties": _prefixed_properties,
    "types by xsi:type": lambda: at(b"<cbc:DocumentCurrencyCode>", b'<cbc:Note t:type="a:b" xmlns:t="http://www.w3.org/2001/XMLSchema-instance"/>'),
    "levels": lambda: nested(b"cbc:ID", 120, b"<cbc:ID/>"),
    "a wide text below 120 dates": lambda: _wide(nested(b"cbc:IssueDate", 120, b"x", place=b"<cbc:IssueTime>")),
    "a wide text below 120 pointers": lambda: _wide(nested(b"cac:Signature", 120, b"x")),
    "a wide text below 120 codes": lambda: _wide(nested(b"cbc:InvoiceTypeCode", 120, b"x")),
    "a QR code of a mebibyte": lambda: instead(_QR, b"AAAA"),
    "a QR code of tiny records": lambda: _encoded(_QR, b"\x01\x00"),
    "a QR code of ascending records": lambda: _encoded(_QR, bytes(each for tag in range(1, 256) for each in (tag, 0))),
    "a QR code with a long record": lambda: instead(_QR, b"AAAA", lead=base64.b64encode(b"\x01\x83\x0b\xf0\x00\x00")),
    "a QR code in lines": lambda: instead(_QR, b"A\n"),
    "a QR code of no base64": lambda: instead(_QR, b"?"),
    "a PIH of a mebibyte": lambda: inside(b'<cbc:EmbeddedDocumentBinaryObject mimeCode="text/plain">', b"AAAA"),
    "a certificate of a mebibyte": lambda: instead(_CERTIFICATE, b"AAAA"),
    "a certificate in lines": lambda: instead(_CERTIFICATE, b"A\n"),
    "a certificate of PEM headers": lambda: _encoded(_CERTIFICATE, b"-----BEGIN A-----"),
    "a certificate of 90 KB of PEM headers": lambda: _encoded(_CERTIFICATE, b"-----BEGIN A-----", 130_000),
    "a certificate with a long serial number": lambda: _part(1, lambda size: _tagged(2, b"\x7f" * size)),
    "a certificate with a serial number of 3,000 octets": lambda: _part(1, lambda _: _tagged(2, b"\x7f" * 3000)),
    "a certificate with a long type": lambda: _part(3, _oid),
    "a certificate with a type of 40,000 octets": lambda: _part(3, lambda _: _oid(40_000)),
    "a certificate with many names": lambda: _part(3, lambda size: _tagged(0x30, _tagged(0x31, b"") * (size // 2))),
    "a certificate with 30,000 names": lambda: _part(3, lambda _: _tagged(0x30, _tagged(0x31, b"") * 30_000)),
    "a signature value of a mebibyte": lambda: instead(b"<ds:SignatureValue>", b"AAAA"),
    "a certificate serial of a million digits": lambda: inside(b"<ds:X509SerialNumber>", b"9"),
}  # fmt: skip


def judge(name: str) -> None:
    """Validate one shape in this process and print what it took."""
    from khatm.rules.validation import validate

    xml = shape(name)
    assert len(xml) <= SIZE
    began = time.process_time()
    report = validate(xml, now=SIGNED_AT)
    seconds = time.process_time() - began
    found = {stage.stage: len(stage.findings) for stage in report.stages}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"shape": name, "seconds": seconds, "peak": peak, "findings": found}), flush=True)


def main() -> None:
    """Judge the named shapes, or all, each in a process of its own that starts with everything loaded."""
    from khatm.rules.validation import validate

    validate(XML, now=SIGNED_AT)
    for name in sys.argv[1:] or SHAPES:
        if (child := os.fork()) == 0:
            resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE))
            judge(name)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            print(json.dumps({"shape": name, "failed": os.waitstatus_to_exitcode(status)}), flush=True)


if __name__ == "__main__":
    main()
