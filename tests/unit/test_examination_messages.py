"""The message catalogue against the wire texts of the gateway contract, section 5, as printed there."""

import pytest

from khatm.simulator import messages
from khatm.simulator.messages import WireMessage

FIXED = [
    (
        messages.XSD_VALID,
        "INFO",
        "XSD_ZATCA_VALID",
        "XSD validation",
        "Complied with UBL 2.1 standards in line with ZATCA specifications",
    ),
    (
        messages.XSD_INVALID,
        "ERROR",
        "XSD_ZATCA_INVALID",
        "XSD validation",
        "Schema validation failed; XML does not comply with UBL 2.1 standards in line with ZATCA specifications",
    ),
    (
        messages.HASH_ABSENT,
        "ERROR",
        "InvoiceHash-Errors",
        "Invalid-InvoiceHash",
        "Document hash is not present in the API body",
    ),
    (
        messages.HASH_MALFORMED,
        "ERROR",
        "InvoiceHash-Errors",
        "Invalid-InvoiceHash",
        "Document hash format in the API body is not valid",
    ),
    (
        messages.HASH_DIFFERS,
        "ERROR",
        "invalid-invoice-hash",
        "INVOICE_HASHING_ERRORS",
        "The invoice hash API body does not match the (calculated) Hash of the XML",
    ),
    (messages.UUID_DIFFERS, "ERROR", "INVOICE_UUID_VALIDATION", "MISSING_UUID_IN_INVOICE", "UUID ERROR"),
    (
        messages.SELLER_NOT_PERMITTED,
        "ERROR",
        "certificate-permissions",
        "CERTIFICATE_ERRORS",
        "User only allowed to use the vat number that exists in the authentication certificate",
    ),
    (
        messages.BUYER_NOT_PERMITTED,
        "ERROR",
        "SELF_BILLED_VALIDATION",
        "CERTIFICATE_ERRORS",
        "Buyer vat number in the provided certificate is not equal the vat number in the XML",
    ),
    (
        messages.SIMPLIFIED_NOT_COVERED,
        "ERROR",
        "certificate-permissions",
        "CERTIFICATE_ERRORS",
        "Production CSID does not cover Simplified documents",
    ),
    (
        messages.STANDARD_NOT_COVERED,
        "ERROR",
        "certificate-permissions",
        "CERTIFICATE_ERRORS",
        "Production CSID does not cover Standard documents",
    ),
    (
        messages.NOT_SIMPLIFIED,
        "ERROR",
        "XML-INVOICE-ERROR",
        "INVOICETYPE_ERRORS",
        "XML submitted using reporting API is not a simplified document",
    ),
    (
        messages.NOT_STANDARD,
        "ERROR",
        "XML-INVOICE-ERROR",
        "INVOICETYPE_ERRORS",
        "XML submitted using clearance API is not a Standard TAX document",
    ),
    (
        messages.RULES_UNABLE,
        "ERROR",
        "GENERAL",
        "BUSINESS_RULES",
        "Unable to execute Business Rules validation",
    ),
    (
        messages.REPORTED_BEFORE,
        "ERROR",
        "Invoice-Errors",
        "Duplicate-Invoice",
        "Invoice was already Reported successfully earlier.",
    ),
    (
        messages.REPORTED_BEFORE_PUBLISHED,
        "ERROR",
        None,
        None,
        "Invoice was already Reported successfully earlier.",
    ),
    (
        messages.submitted_before("SIMPLIFIED"),
        "ERROR",
        "Submitted before",
        "Compliance-Check",
        "Compliance check already completed for SIMPLIFIED.",
    ),
    (
        messages.SIGNATURE_INVALID,
        "ERROR",
        "invalid-digital-signature",
        "SIGNATURE_ERRORS",
        "Invalid digital signature",
    ),
    (
        messages.SIGNED_PROPERTIES_HASHING,
        "ERROR",
        "signed-properties-hashing",
        "CERTIFICATE_ERRORS",
        "Invalid signed properties hashing, SignedProperties with id='xadesSignedProperties'",
    ),
    (
        messages.CERTIFICATE_HASHING,
        "ERROR",
        "certificate-hashing",
        "CERTIFICATE_ERRORS",
        "Invalid certificate hashing",
    ),
    (
        messages.SIGNATURE_METHOD,
        "ERROR",
        "signature-method",
        "SIGNATURE_ERRORS",
        "Invalid signature method",
    ),
    (
        messages.CERTIFICATE_ISSUER_NAME,
        "WARNING",
        "certificate-issuer-name",
        "CERTIFICATE_ERRORS",
        "X509Certificate (CCSID / PCSID) used for signing is not valid certificate (CCSID / PCSID) for this VAT "
        "Registration Number.",
    ),
    (
        messages.INVALID_SIGNING_CERTIFICATE,
        "WARNING",
        "invalid-signing-certificate",
        "CERTIFICATE_ERRORS",
        "X509Certificate (CCSID / PCSID) used for signing is not valid certificate (CCSID / PCSID) for this VAT "
        "Registration Number.",
    ),
    (
        messages.INVALID_CERTIFICATE,
        "ERROR",
        "invalid-certificate",
        "CERTIFICATE_ERRORS",
        "Production CSID is not valid",
    ),
    (
        messages.QR_UNREADABLE,
        "ERROR",
        "QRCODE_INVALID",
        "QRCODE_VALIDATION",
        "Failed to validate QR code",
    ),
    (
        messages.QR_MALFORMED,
        "ERROR",
        "QRCODE_INVALID",
        "QRCODE_VALIDATION",
        "Invalid QR code format, Please follow the ZATCA QR code specifications",
    ),
    (
        messages.rule_finding(
            "BR-KSA-98",
            "warning",
            "The simplified invoice should be submitted within 24 hours of issuing the invoice.",
            en16931=False,
        ),
        "WARNING",
        "BR-KSA-98",
        "KSA",
        "[BR-KSA-98] - The simplified invoice should be submitted within 24 hours of issuing the invoice.",
    ),
    (messages.chain_broken("error"), "ERROR", "KSA-13", "PIH", "PIH is inValid"),
    (messages.chain_broken("warning"), "WARNING", "KSA-13", "PIH", "PIH is inValid"),
]

QR_TAGS = {
    1: ("ERROR", "sellerName_QRCODE_INVALID"),
    2: ("ERROR", "sellerVatNumber_QRCODE_INVALID"),
    3: ("WARNING", "invoiceTimeStamp_QRCODE_INVALID"),
    4: ("ERROR", "invoiceTotal_QRCODE_INVALID"),
    5: ("ERROR", "invoiceVatTotal_QRCODE_INVALID"),
    6: ("ERROR", "invoiceHash_QRCODE_INVALID"),
    7: ("ERROR", "INVOICE_SIGNATURE_VALUE_QRCODE_INVALID"),
    8: ("ERROR", "publicKey_QRCODE_INVALID"),
    9: ("ERROR", "CERTIFICATE_SIGNATURE_QRCODE_INVALID"),
}

QR_TEXTS = {
    3: "Time on QR Code does not match with Invoice Issue Time (KSA-25). If ZATCA's SDK was used to generate QR Code, "
    "kindly use the latest version of SDK",
    4: "Invoice total does not match with qr code invoice total",
    6: "Invoice xml hash does not match with qr code invoice xml hash",
    7: "Invoice signature value does not match with qr code signature value",
    8: "ECDSA Public Key does not match with qr code ECDSA public key",
    9: "certificate signature does not match with qr certificate signature value",
}


@pytest.mark.parametrize(("message", "level", "code", "category", "text"), FIXED)
def test_message_is_the_wire_text(
    message: WireMessage, level: str, code: str | None, category: str | None, text: str
) -> None:
    status = "PASS" if level == "INFO" else level
    expected = {"type": level, "code": code, "category": category, "message": text, "status": status}
    assert list(message.members().items()) == list(expected.items())


def test_every_qr_tag_has_its_code_and_the_time_stamp_is_only_a_warning() -> None:
    found = {tag: (message.type, message.code) for tag, message in messages.QR_TAG_DIFFERS.items()}
    assert found == QR_TAGS
    assert {message.category for message in messages.QR_TAG_DIFFERS.values()} == {"QRCODE_VALIDATION"}
    assert {tag: messages.QR_TAG_DIFFERS[tag].message for tag in QR_TEXTS} == QR_TEXTS


def test_schema_violation_speaks_as_the_parser_of_the_gateway_does() -> None:
    violation = (
        "cvc-complex-type.2.4.b: The content of element 'cac:Price' is not complete. One of "
        "'{\"urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2\":PriceAmount}' is expected."
    )
    message = messages.schema_violation(118, 23, violation)
    assert message.code == "XSD_ZATCA_INVALID"
    assert message.message == (
        "Schema validation failed; XML does not comply with UBL 2.1 standards in line with ZATCA specifications. "
        "ERROR: org.xml.sax.SAXParseException; lineNumber: 118; columnNumber: 23; " + violation
    )


@pytest.mark.parametrize(
    ("rule", "en16931", "category"),
    [
        ("BR-CO-10", True, "EN_16931"),
        ("BR-KSA-F-06-C17", False, "EN_16931"),
        ("BR-KSA-F-C-01", True, "EN_16931"),
        ("BR-KSA-F-08", False, "KSA"),
        ("BR-CL-KSA-14", False, "KSA"),
    ],
)
def test_rule_category_is_one_of_two(rule: str, en16931: bool, category: str) -> None:
    message = messages.rule_finding(rule, "error", "…", en16931=en16931)
    assert (message.category, message.type, message.status) == (category, "ERROR", "ERROR")


def test_null_message_holds_no_text_at_all() -> None:
    assert messages.NULL_ERROR.members() == {
        "type": "ERROR",
        "code": None,
        "category": None,
        "message": None,
        "status": "ERROR",
    }
