"""The messages that the gateway puts into its answers about documents, word for word.

Texts, codes and categories are the authority's, spelling included; clients key on `code` and show the rest.
Source: gateway contract, section 5. Where it says that a text or category was never seen, the comment here says so.
"""

from dataclasses import dataclass
from typing import Final, Literal

Level = Literal["INFO", "WARNING", "ERROR"]


@dataclass(frozen=True, slots=True)
class WireMessage:
    """One member of `infoMessages`, `warningMessages` or `errorMessages`; the fields stand in the wire's order.

    Some recorded answers hold null members (gateway contract 4.3), so each may be None.
    """

    type: Level | None
    code: str | None
    category: str | None
    message: str | None
    status: Literal["PASS", "WARNING", "ERROR"] | None

    def members(self) -> dict[str, str | None]:
        """Return the JSON members in the order in which the gateway prints them."""
        return {
            "type": self.type,
            "code": self.code,
            "category": self.category,
            "message": self.message,
            "status": self.status,
        }


def error(code: str | None, category: str | None, message: str | None) -> WireMessage:
    """Return a message that makes the answer a refusal."""
    return WireMessage("ERROR", code, category, message, "ERROR")


def warning(code: str | None, category: str | None, message: str | None) -> WireMessage:
    """Return a message that leaves the document accepted."""
    return WireMessage("WARNING", code, category, message, "WARNING")


# 5.1 Fixed messages

XSD_VALID: Final = WireMessage(
    "INFO",
    "XSD_ZATCA_VALID",
    "XSD validation",
    "Complied with UBL 2.1 standards in line with ZATCA specifications",
    "PASS",
)
_XSD_REFUSAL: Final = (
    "Schema validation failed; XML does not comply with UBL 2.1 standards in line with ZATCA specifications"
)
XSD_INVALID: Final = error("XSD_ZATCA_INVALID", "XSD validation", _XSD_REFUSAL)
"""The document is missing, not base64 or not XML."""


def schema_violation(line: int, column: int, violation: str) -> WireMessage:
    """Return the refusal of a document that breaks the schema; `violation` begins with its `cvc-` code."""
    text = (
        f"{_XSD_REFUSAL}. ERROR: org.xml.sax.SAXParseException; lineNumber: {line}; columnNumber: {column}; {violation}"
    )
    return error("XSD_ZATCA_INVALID", "XSD validation", text)


HASH_ABSENT: Final = error("InvoiceHash-Errors", "Invalid-InvoiceHash", "Document hash is not present in the API body")
HASH_MALFORMED: Final = error(
    "InvoiceHash-Errors", "Invalid-InvoiceHash", "Document hash format in the API body is not valid"
)
HASH_DIFFERS: Final = error(
    "invalid-invoice-hash",
    "INVOICE_HASHING_ERRORS",
    "The invoice hash API body does not match the (calculated) Hash of the XML",
)
UUID_DIFFERS: Final = error("INVOICE_UUID_VALIDATION", "MISSING_UUID_IN_INVOICE", "UUID ERROR")

_CERTIFICATE: Final = "CERTIFICATE_ERRORS"
SELLER_NOT_PERMITTED: Final = error(
    "certificate-permissions",
    _CERTIFICATE,
    "User only allowed to use the vat number that exists in the authentication certificate",
)
BUYER_NOT_PERMITTED: Final = error(
    "SELF_BILLED_VALIDATION",
    _CERTIFICATE,  # the category was never seen
    "Buyer vat number in the provided certificate is not equal the vat number in the XML",
)
SIMPLIFIED_NOT_COVERED: Final = error(
    "certificate-permissions", _CERTIFICATE, "Production CSID does not cover Simplified documents"
)
STANDARD_NOT_COVERED: Final = error(
    "certificate-permissions",
    _CERTIFICATE,
    "Production CSID does not cover Standard documents",  # mirror of the recorded text
)

NOT_SIMPLIFIED: Final = error(
    "XML-INVOICE-ERROR",
    "INVOICETYPE_ERRORS",
    "XML submitted using reporting API is not a simplified document",
)
NOT_STANDARD: Final = error(
    "XML-INVOICE-ERROR",
    "INVOICETYPE_ERRORS",
    "XML submitted using clearance API is not a Standard TAX document",  # its beginning was never seen
)
RULES_UNABLE: Final = error("GENERAL", "BUSINESS_RULES", "Unable to execute Business Rules validation")

_REPORTED_BEFORE: Final = "Invoice was already Reported successfully earlier."
REPORTED_BEFORE: Final = error("Invoice-Errors", "Duplicate-Invoice", _REPORTED_BEFORE)
REPORTED_BEFORE_PUBLISHED: Final = error(None, None, _REPORTED_BEFORE)
"""The same in the form of the published interface file, without code and category (4.10)."""

CompletedCheck = Literal[
    "STANDARD",
    "STANDARD_CREDIT_NOTE",
    "STANDARD_DEBIT_NOTE",
    "SIMPLIFIED",
    "SIMPLIFIED_CREDIT_NOTE",
    "SIMPLIFIED_DEBIT_NOTE",
]


def submitted_before(check: CompletedCheck) -> WireMessage:
    """Return the message for a compliance step that has been passed already (4.5; the notes' labels are ours)."""
    text = f"Compliance check already completed for {check}."
    return error("Submitted before", "Compliance-Check", text)


NULL_ERROR: Final = error(None, None, None)
"""An error without content, as recorded on some refusals (4.3); only fault scripts send it."""

# 5.2 Signature and certificate

SIGNATURE_INVALID: Final = error("invalid-digital-signature", "SIGNATURE_ERRORS", "Invalid digital signature")
SIGNATURE_METHOD: Final = error(
    "signature-method",
    "SIGNATURE_ERRORS",
    "Invalid signature method",  # category inferred, text never seen
)
SIGNED_PROPERTIES_HASHING: Final = error(
    "signed-properties-hashing",
    _CERTIFICATE,
    "Invalid signed properties hashing, SignedProperties with id='xadesSignedProperties'",
)
CERTIFICATE_HASHING: Final = error("certificate-hashing", _CERTIFICATE, "Invalid certificate hashing")
_NOT_FOR_THIS_VAT_NUMBER: Final = (
    "X509Certificate (CCSID / PCSID) used for signing is not valid certificate (CCSID / PCSID) "
    "for this VAT Registration Number."
)
CERTIFICATE_ISSUER_NAME: Final = warning("certificate-issuer-name", _CERTIFICATE, _NOT_FOR_THIS_VAT_NUMBER)
INVALID_SIGNING_CERTIFICATE: Final = warning("invalid-signing-certificate", _CERTIFICATE, _NOT_FOR_THIS_VAT_NUMBER)
INVALID_CERTIFICATE: Final = error("invalid-certificate", _CERTIFICATE, "Production CSID is not valid")

# 5.3 QR

_QR: Final = "QRCODE_VALIDATION"
QR_UNREADABLE: Final = error("QRCODE_INVALID", _QR, "Failed to validate QR code")
"""The QR's text cannot be decoded."""
QR_MALFORMED: Final = error(
    "QRCODE_INVALID", _QR, "Invalid QR code format, Please follow the ZATCA QR code specifications"
)
"""There is no QR where one is required, or its records are malformed."""
QR_TAG_DIFFERS: Final[dict[int, WireMessage]] = {
    # No code was ever seen for 1, 2 and 5, and no text for 4 and 7: those follow the pattern of the others.
    1: error("sellerName_QRCODE_INVALID", _QR, "Seller name does not match with qr code seller name"),
    2: error("sellerVatNumber_QRCODE_INVALID", _QR, "Seller vat number does not match with qr code seller vat number"),
    3: warning(
        "invoiceTimeStamp_QRCODE_INVALID",
        _QR,
        "Time on QR Code does not match with Invoice Issue Time (KSA-25). If ZATCA's SDK was used to generate "
        "QR Code, kindly use the latest version of SDK",
    ),
    4: error("invoiceTotal_QRCODE_INVALID", _QR, "Invoice total does not match with qr code invoice total"),
    5: error("invoiceVatTotal_QRCODE_INVALID", _QR, "Invoice vat total does not match with qr code invoice vat total"),
    6: error("invoiceHash_QRCODE_INVALID", _QR, "Invoice xml hash does not match with qr code invoice xml hash"),
    7: error(
        "INVOICE_SIGNATURE_VALUE_QRCODE_INVALID",
        _QR,
        "Invoice signature value does not match with qr code signature value",
    ),
    8: error("publicKey_QRCODE_INVALID", _QR, "ECDSA Public Key does not match with qr code ECDSA public key"),
    9: error(
        "CERTIFICATE_SIGNATURE_QRCODE_INVALID",
        _QR,
        "certificate signature does not match with qr certificate signature value",
    ),
}
"""Tag number to the message for a tag that does not repeat the document."""

# 5.4 Rules and the chain


def rule_finding(code: str, severity: Literal["error", "warning"], sentence: str, *, en16931: bool) -> WireMessage:
    """Return a business rule's finding; `en16931` tells that the rule stands in the EN 16931 stylesheet.

    The wire category is `EN_16931` for those and for every `BR-KSA-F-06-*`, else `KSA` (5.4).
    """
    category = "EN_16931" if en16931 or code.startswith("BR-KSA-F-06-") else "KSA"
    text = f"[{code}] - {sentence}"
    return error(code, category, text) if severity == "error" else warning(code, category, text)


def chain_broken(severity: Literal["error", "warning"]) -> WireMessage:
    """Return the finding about a PIH that is not the hash of the document before (the SDK's code and text)."""
    build = error if severity == "error" else warning
    return build("KSA-13", "PIH", "PIH is inValid")
