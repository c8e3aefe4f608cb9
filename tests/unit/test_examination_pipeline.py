"""The order of the gateway's checks, what stops an examination, and what each input is answered with."""

import base64
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from khatm.document.walk import Walked
from khatm.environment import Environment
from khatm.simulator.business_rules import Edition, RuleFinding, RuleReport
from khatm.simulator.examination import examine
from khatm.simulator.received import ChainView
from tests.stamp_vectors import SELLER, SIGNED_AT, document, file
from tests.unit.examination_stage import Submission, codes, standard

GOOD = Submission()
OTHER_HASH = base64.b64encode(bytes(32)).decode()
FOREIGN = "399999999900003"


class OneRule:
    """A rule set that says one thing, and notes what it was asked."""

    def __init__(self, report: RuleReport) -> None:
        self.report = report
        self.asked: list[tuple[str, Edition, datetime]] = []

    def judge(self, document: Walked, *, edition: Edition, now: datetime) -> RuleReport:
        self.asked.append((str(document.root.element.tag), edition, now))
        return self.report


class BrokenRules:
    """A rule set with a fault of its own."""

    def judge(self, document: Walked, *, edition: Edition, now: datetime) -> RuleReport:
        raise RuntimeError("out of order")


def without(xml: bytes, begin: bytes, end: bytes) -> bytes:
    """Cut one stretch of text out, ends included."""
    before, found, rest = xml.partition(begin)
    assert found
    return before + rest.partition(end)[2]


BROKEN_XML = GOOD.xml.replace(b"<cbc:ProfileID>reporting:1.0</cbc:ProfileID>", b"<cbc:ProfileID/><cbc:Nothing/>")


# Accepted


def test_accepted_document_gives_its_facts_and_the_one_information() -> None:
    examination = GOOD.examine()
    assert codes(examination) == ([], [])
    assert [message.code for message in examination.info] == ["XSD_ZATCA_VALID"]
    assert not examination.stopped
    assert examination.xml == GOOD.xml
    facts = examination.facts
    assert facts is not None
    vector = document("simplified-invoice")
    assert (facts.document_hash, facts.uuid, facts.profile) == (vector.invoice_hash, vector.uuid, "simplified")
    assert (facts.type_code, facts.transaction_code, facts.seller_vat_number) == ("388", "0200000", SELLER)
    assert (facts.issue_date, facts.issue_time) == ("2026-01-15", "09:30:05")
    assert (facts.number, facts.counter, facts.previous_hash[:6]) == ("KH-S-0001", "1", "NWZlY2")


@pytest.mark.parametrize("call", ["clearance", "compliance"])
def test_bare_standard_document_is_accepted(call: Any) -> None:
    assert codes(Submission(xml=file("unsigned/standard-invoice.xml"), call=call).examine()) == ([], [])


def test_uuid_may_be_written_in_either_case() -> None:
    vector = document("simplified-invoice")
    assert codes(replace(GOOD, body_uuid=vector.uuid.upper()).examine()) == ([], [])


# Step 2: the hash in the body


@pytest.mark.parametrize(
    ("body_hash", "text"),
    [
        ("", "Document hash is not present in the API body"),
        ("A" * 44, "Document hash format in the API body is not valid"),
        ("not base64!", "Document hash format in the API body is not valid"),
        (OTHER_HASH + "\n", "Document hash format in the API body is not valid"),
        (base64.b64encode(bytes(31)).decode(), "Document hash format in the API body is not valid"),
        ("00" * 32, "Document hash format in the API body is not valid"),
        ("هاش", "Document hash format in the API body is not valid"),
        (7, "Document hash format in the API body is not valid"),
        ([OTHER_HASH], "Document hash format in the API body is not valid"),
    ],
)
def test_hash_of_no_form_is_the_only_finding(body_hash: object, text: str) -> None:
    examination = replace(GOOD, xml=b"not even XML", body_hash=body_hash).examine()
    assert [(each.code, each.message) for each in examination.errors] == [("InvoiceHash-Errors", text)]
    assert (examination.info, examination.warnings, examination.stopped) == ((), (), True)
    assert examination.facts is None


def test_absent_hash_is_said_to_be_absent() -> None:
    examination = examine(replace(GOOD.received(), body_hash=None))
    assert [each.message for each in examination.errors] == ["Document hash is not present in the API body"]


# Step 3: base64, XML, schema


@pytest.mark.parametrize("invoice", [None, "", "%%%", "AAA", 7, {}, "PEludm9pY2U+\n", "ف"])
def test_document_that_is_no_base64_is_the_only_finding(invoice: object) -> None:
    examination = examine(replace(GOOD.received(), body_invoice=invoice))
    assert codes(examination) == (["XSD_ZATCA_INVALID"], [])
    assert (examination.info, examination.stopped, examination.facts) == ((), True, None)


@pytest.mark.parametrize(
    "xml",
    [
        b" ",
        b"an invoice",
        GOOD.xml[:-20],
        b'<!DOCTYPE Invoice [<!ENTITY a "aaaa">]>' + GOOD.xml.partition(b"?>")[2],
        GOOD.xml.replace(b"?>", b'?><!DOCTYPE Invoice SYSTEM "file:///etc/passwd">', 1),
        b"<a>" * 10_000 + b"</a>" * 10_000,
        GOOD.xml.replace(b"<cbc:ProfileID>", b"<cbc:ProfileID>&unknown;"),
        GOOD.xml.replace(b"<cbc:ProfileID>", b"<cbc:ProfileID>\x00"),
    ],
)
def test_document_that_is_no_xml_is_the_only_finding(xml: bytes) -> None:
    examination = replace(GOOD, xml=xml, body_hash=OTHER_HASH, body_uuid="").examine()
    assert [(each.code, each.message) for each in examination.errors] == [
        (
            "XSD_ZATCA_INVALID",
            "Schema validation failed; XML does not comply with UBL 2.1 standards in line with ZATCA specifications",
        )
    ]
    assert (examination.info, examination.stopped) == ((), True)


def test_schema_failure_comes_first_without_rules_and_with_qr_and_stamp() -> None:
    rules = OneRule(RuleReport((RuleFinding("BR-KSA-99", "error", "…"),)))
    xml = without(BROKEN_XML, b"<cac:AdditionalDocumentReference>\n        <cbc:ID>QR", b"Reference>")
    examination = replace(GOOD, xml=xml, rules=rules).examine()
    assert codes(examination)[0] == [
        "XSD_ZATCA_INVALID",
        "QRCODE_INVALID",
        "invalid-invoice-hash",
        "invalid-digital-signature",
    ]
    message = examination.errors[0].message
    assert message is not None
    assert "ERROR: org.xml.sax.SAXParseException; lineNumber: " in message
    assert "; columnNumber: " in message
    assert "; cvc-complex-type.2.4" in message
    assert examination.info == ()
    assert not examination.stopped
    assert rules.asked == []


def test_schema_message_names_the_place_of_the_fault() -> None:
    xml = GOOD.xml.replace(b"<cbc:DocumentCurrencyCode>SAR</cbc:DocumentCurrencyCode>", b"<cbc:Wrong/>")
    before = xml.partition(b"<cbc:Wrong/>")[0]
    line = before.count(b"\n") + 1
    [message] = [each.message for each in replace(GOOD, xml=xml).examine().errors if each.code == "XSD_ZATCA_INVALID"]
    assert message is not None
    assert f"lineNumber: {line}; columnNumber: " in message


@pytest.mark.parametrize("root", [b"CreditNote", b"Order"])
def test_another_root_than_an_invoice_stops(root: bytes) -> None:
    xml = GOOD.xml.replace(b"<Invoice ", b"<" + root + b" ").replace(b"</Invoice>", b"</" + root + b">")
    examination = replace(GOOD, xml=xml).examine()
    assert codes(examination) == (["XSD_ZATCA_INVALID"], [])
    assert (examination.stopped, examination.facts) == (True, None)


# Step 4: kind and endpoint


def test_standard_document_on_reporting_stops() -> None:
    examination = replace(standard(), call="reporting", body_uuid="x", vat_number=FOREIGN).examine()
    assert [(each.code, each.message) for each in examination.errors] == [
        ("XML-INVOICE-ERROR", "XML submitted using reporting API is not a simplified document")
    ]
    assert [each.code for each in examination.info] == ["XSD_ZATCA_VALID"]
    assert examination.stopped


def test_simplified_document_on_clearance_stops() -> None:
    examination = replace(GOOD, call="clearance", vat_number=FOREIGN).examine()
    assert codes(examination) == (["XML-INVOICE-ERROR"], [])
    assert examination.stopped


def test_standard_documents_are_reported_while_clearance_is_off() -> None:
    assert codes(replace(standard(switches={"clearance_enabled": False}), call="reporting").examine()) == ([], [])


@pytest.mark.parametrize("call", ["reporting", "clearance"])
def test_document_of_no_known_kind_has_no_endpoint(call: Any) -> None:
    xml = GOOD.xml.replace(b'name="0200000"', b'name="0300000"')
    assert codes(replace(GOOD, xml=xml, call=call).examine())[0] == ["XML-INVOICE-ERROR"]


def test_both_kinds_are_taken_by_the_compliance_endpoint() -> None:
    assert codes(replace(GOOD, call="compliance").examine()) == ([], [])
    assert codes(replace(standard(), call="compliance").examine()) == ([], [])


# Step 6 (a) to (c)


def test_everything_wrong_is_collected_in_the_order_of_the_contract() -> None:
    rules = OneRule(
        RuleReport(
            (
                RuleFinding("BR-CO-10", "error", "…", en16931=True),
                RuleFinding("BR-KSA-08", "warning", "…"),
            )
        )
    )
    examination = replace(
        GOOD,
        xml=document("qr-4").xml.replace(b"<cbc:UUID>1<", b"<cbc:UUID>one<"),
        previous=ChainView(7, OTHER_HASH),
        switches={"chain": "strict"},
        body_hash=OTHER_HASH,
        body_uuid="6f3b8d0e-2a71-4c55-9d3e-0c1f5a7e9b01",
        vat_number=FOREIGN,
        type_map="1000",
        rules=rules,
        known=lambda _der: False,
    ).examine()
    assert [(each.code, each.message) for each in examination.errors][:4] == [
        ("invalid-invoice-hash", "The invoice hash API body does not match the (calculated) Hash of the XML"),
        ("INVOICE_UUID_VALIDATION", "UUID ERROR"),
        (
            "certificate-permissions",
            "User only allowed to use the vat number that exists in the authentication certificate",
        ),
        ("certificate-permissions", "Production CSID does not cover Simplified documents"),
    ]
    assert codes(examination)[0][4:] == [
        "BR-CO-10",
        "invoiceTotal_QRCODE_INVALID",
        "invoiceHash_QRCODE_INVALID",
        "invalid-digital-signature",
        "KSA-13",
    ]
    assert codes(examination)[1] == ["BR-KSA-08", "invalid-signing-certificate"]
    assert not examination.stopped


@pytest.mark.parametrize("body_uuid", ["", "6f3b8d0e-2a71-4c55-9d3e-0c1f5a7e9b01", 7, ["x"]])
def test_uuid_must_be_the_documents(body_uuid: object) -> None:
    assert codes(replace(GOOD, body_uuid=body_uuid).examine()) == (["INVOICE_UUID_VALIDATION"], [])


def test_absent_uuid_is_an_error() -> None:
    assert codes(examine(replace(GOOD.received(), body_uuid=None))) == (["INVOICE_UUID_VALIDATION"], [])


@pytest.mark.parametrize(
    ("submission", "type_map", "text"),
    [
        (GOOD, "1000", "Production CSID does not cover Simplified documents"),
        (standard(), "0100", "Production CSID does not cover Standard documents"),
    ],
)
def test_kind_outside_the_map_is_refused_on_live_calls_only(submission: Submission, type_map: str, text: str) -> None:
    examination = replace(submission, type_map=type_map).examine()
    assert [(each.code, each.message) for each in examination.errors] == [("certificate-permissions", text)]
    assert codes(replace(submission, type_map=type_map, call="compliance").examine()) == ([], [])


@pytest.mark.parametrize("call", ["reporting", "compliance"])
def test_sellers_vat_number_must_be_the_certificates(call: Any) -> None:
    wrong = replace(GOOD, vat_number=FOREIGN, call=call)
    assert codes(wrong.examine()) == (["certificate-permissions"], [])
    assert codes(replace(wrong, switches={"certificate_permissions": False}).examine()) == ([], [])


def test_on_a_self_billed_document_the_buyer_owns_the_certificate() -> None:
    xml = document("standard-invoice").xml.replace(b'name="0100000"', b'name="0100001"')
    buyer = "311234567800003"
    permitted = {"certificate-permissions", "SELF_BILLED_VALIDATION"}
    by_buyer = codes(Submission(xml=xml, call="clearance", vat_number=buyer).examine())
    by_seller = codes(Submission(xml=xml, call="clearance").examine())
    in_compliance = codes(Submission(xml=xml, call="compliance").examine())
    assert permitted.isdisjoint(by_buyer[0])
    assert permitted.intersection(by_seller[0]) == {"SELF_BILLED_VALIDATION"}
    assert permitted.isdisjoint(in_compliance[0])


# Step 6 (d)


def test_rules_are_asked_with_the_edition_and_the_clock() -> None:
    rules = OneRule(RuleReport())
    replace(GOOD, rules=rules).examine()
    replace(GOOD, rules=rules, switches={"rules": "3.3.3"}).examine()
    replace(GOOD, rules=rules, switches={"rules": "off"}).examine()
    assert [(edition, now) for _, edition, now in rules.asked] == [("3.4.8", SIGNED_AT), ("3.3.3", SIGNED_AT)]


@pytest.mark.parametrize("rules", [OneRule(RuleReport(aborted="two seller ids")), BrokenRules()])
def test_rule_set_that_cannot_run_is_general(rules: Any) -> None:
    examination = replace(GOOD, rules=rules).examine()
    assert [each.members() for each in examination.errors] == [
        {
            "type": "ERROR",
            "code": "GENERAL",
            "category": "BUSINESS_RULES",
            "message": "Unable to execute Business Rules validation",
            "status": "ERROR",
        }
    ]
    assert [each.code for each in examination.info] == ["XSD_ZATCA_VALID"]


@pytest.mark.parametrize(
    ("call", "age", "expected"),
    [
        ("reporting", timedelta(hours=23, minutes=59), []),
        ("reporting", timedelta(hours=25), ["BR-KSA-98"]),
        ("compliance", timedelta(hours=25), ["BR-KSA-98"]),
    ],
)
def test_late_simplified_document_is_accepted_with_a_warning(call: Any, age: timedelta, expected: list[str]) -> None:
    issued = SIGNED_AT.replace(hour=9, minute=30, second=5)
    examination = replace(GOOD, call=call, now=issued + age).examine()
    assert codes(examination) == ([], expected)
    for message in examination.warnings:
        assert message.message == (
            "[BR-KSA-98] - The simplified invoice should be submitted within 24 hours of issuing the invoice."
        )


def test_there_is_no_such_limit_for_clearance_nor_in_the_older_rules() -> None:
    late = SIGNED_AT + timedelta(days=400)
    assert codes(standard(now=late).examine()) == ([], [])
    assert codes(replace(GOOD, now=late, switches={"rules": "3.3.3"}).examine()) == ([], [])
    assert codes(replace(GOOD, now=late, switches={"rules": "off"}).examine()) == ([], [])


# Step 6 (g)


def test_chain_is_compared_only_where_the_switch_asks() -> None:
    previous = ChainView(7, OTHER_HASH)
    assert codes(replace(GOOD, previous=previous).examine()) == ([], [])
    warned = replace(GOOD, previous=previous, switches={"chain": "warn"})
    refused = replace(GOOD, previous=previous, switches={"chain": "strict"})
    assert codes(warned.examine()) == ([], ["KSA-13"])
    assert codes(refused.examine()) == (["KSA-13"], [])
    assert codes(replace(refused, switches={"chain": "strict", "rules": "off"}).examine()) == (["KSA-13"], [])


# Switches of the environments


@pytest.mark.parametrize(
    ("name", "simulation", "sandbox"),
    [
        ("signature-other-key", (["invalid-digital-signature"], []), ([], [])),
        ("signature-over-base64", (["invalid-digital-signature"], []), ([], [])),
        ("signature-not-der", (["invalid-digital-signature"], []), (["invalid-digital-signature"], [])),
        ("signing-time-changed", (["signed-properties-hashing"], []), ([], [])),
        ("certificate-digest-raw", (["certificate-hashing"], []), ([], [])),
        ("issuer-no-space", ([], ["certificate-issuer-name"]), ([], [])),
        ("simplified-invoice.own-ccsid-en", ([], ["invalid-signing-certificate"]), ([], [])),
        ("qr-8-point", (["publicKey_QRCODE_INVALID"], []), (["publicKey_QRCODE_INVALID"], [])),
    ],
)
def test_sandbox_is_lax_where_the_real_one_is(name: str, simulation: object, sandbox: object) -> None:
    submission = Submission(xml=document(name).xml)
    assert codes(submission.examine()) == simulation
    assert codes(replace(submission, environment=Environment.SANDBOX).examine()) == sandbox


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (b"<ds:X509Certificate>", "invalid-certificate"),
        (b"<cac:Signature>", "invalid-digital-signature"),
        (b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="signature">', "invalid-digital-signature"),
        (b"<cac:AdditionalDocumentReference>\n        <cbc:ID>QR", "QRCODE_INVALID"),
    ],
)
def test_parts_of_the_stamp_stand_once(part: bytes, expected: str) -> None:
    name = part[1:].partition(b">")[0].partition(b" ")[0]
    before, _, rest = GOOD.xml.partition(part)
    inner, end, after = rest.partition(b"</" + name + b">")
    element = part + inner + end
    twice = codes(replace(GOOD, xml=before + element + element + after).examine())
    assert expected in twice[0]


def test_signature_method_must_be_the_standards() -> None:
    xml = GOOD.xml.replace(b"xmldsig-more#ecdsa-sha256", b"xmldsig-more#ecdsa-sha512")
    assert codes(replace(GOOD, xml=xml).examine()) == (["signature-method"], [])


def test_certificate_without_a_vat_number_is_no_csid() -> None:
    """A certificate that somebody made for himself has no UID in an alternative name."""
    own = self_signed()
    before, _, rest = GOOD.xml.partition(b"<ds:X509Certificate>")
    xml = before + b"<ds:X509Certificate>" + base64.b64encode(own) + b"<" + rest.partition(b"<")[2]
    errors, warnings = codes(replace(GOOD, xml=xml).examine())
    assert "invalid-certificate" in errors
    assert "invalid-signing-certificate" in warnings


def self_signed() -> bytes:
    key = ec.generate_private_key(ec.SECP256K1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Nobody")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, SIGNED_AT, SIGNED_AT + timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_plain_qr_lengths_are_read_where_the_switch_says_so() -> None:
    plain = Submission(xml=document("long-name-plain-length").xml)
    assert codes(plain.examine()) == (["QRCODE_INVALID"], [])
    assert codes(replace(plain, switches={"qr_plain_lengths": "accept"}).examine()) == ([], [])
