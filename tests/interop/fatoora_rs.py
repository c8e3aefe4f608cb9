"""fatoora-rs 0.3.0, a client in Rust with a Python binding, driven through its own public interface.

It has no loop of its own for the compliance checks and no chain: the caller gives counters and hashes. Where it
is told to call is one environment variable, read when its client object is made, which replaces the whole base
address up to and including the environment's part.
"""

import base64
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import fatoora

from khatm.environment import Environment

FIRST_PREVIOUS_HASH = "NWZlY2ViNjZmZmM4NmYzOGQ5NTI3ODZjNmQ2OTZjNzljMmRiYzIzOWRkNGU5MWI0NjcyOWQ3M2EyN2ZiNTdlOQ=="
BASE_URL = "FATOORA_ZATCA_BASE_URL"

_ENVIRONMENTS = {
    Environment.SANDBOX: fatoora.Environment.NON_PRODUCTION,
    Environment.SIMULATION: fatoora.Environment.SIMULATION,
    Environment.PRODUCTION: fatoora.Environment.PRODUCTION,
}
_PROFILES = {"standard": fatoora.InvoiceSubType.STANDARD, "simplified": fatoora.InvoiceSubType.SIMPLIFIED}
_KINDS = {
    "invoice": fatoora.InvoiceTypeKind.TAX,
    "credit": fatoora.InvoiceTypeKind.CREDIT_NOTE,
    "debit": fatoora.InvoiceTypeKind.DEBIT_NOTE,
}


@contextmanager
def _called_at(base_url: str | None) -> Iterator[None]:
    if base_url is None:
        yield
        return
    if urlsplit(base_url).hostname != "127.0.0.1":
        raise AssertionError(f"fatoora-rs is tested on loopback only, not at {base_url}")
    before = os.environ.get(BASE_URL)
    os.environ[BASE_URL] = base_url
    try:
        yield
    finally:
        if before is None:
            del os.environ[BASE_URL]
        else:
            os.environ[BASE_URL] = before


class FatooraRsUnit:
    """One EGS unit run with fatoora-rs: its key, its certificates and its chain."""

    def __init__(self, url: str | None, environment: Environment, vat_number: str, type_map: str) -> None:
        """`url` None leaves the client at its fixed address."""
        self.environment = _ENVIRONMENTS[environment]
        self.vat_number = vat_number
        self.type_map = type_map
        self.counter = 0
        self.previous_hash = FIRST_PREVIOUS_HASH
        self._config = fatoora.Config(self.environment)
        with _called_at(None if url is None else f"{url}/e-invoicing/{environment.path_segment}/"):
            self._client = fatoora.ZatcaClient(self._config)
        self.key = fatoora.SigningKey.generate()
        self.compliance: fatoora.CsidCompliance
        self.production: fatoora.CsidProduction
        self._signer: fatoora.Signer

    def request_compliance_certificate(self, otp: str) -> None:
        """CSR and OTP to CCSID; documents are signed under it from here on."""
        self.compliance = self._client.post_csr_for_ccsid(self._csr(self.key), otp)
        self._sign_under(self.compliance.binary_security_token())

    def check(self, profile: str, kind: str) -> fatoora.ValidationResponse:
        """Send one compliance document."""
        return self._client.check_invoice_compliance(self.document(profile, kind), self.compliance)

    def request_production_certificate(self) -> None:
        """CCSID to PCSID; documents are signed under it from here on."""
        self.production = self._client.post_ccsid_for_pcsid(self.compliance)
        self._sign_under(self.production.binary_security_token())

    def submit(self, profile: str, kind: str) -> fatoora.ValidationResponse:
        """Clear a standard document, report a simplified one."""
        return self.send(self.document(profile, kind))

    def send(self, document: fatoora.SignedInvoice) -> fatoora.ValidationResponse:
        """Send a document that is already signed, to the endpoint of its kind."""
        if document.is_simplified():
            return self._client.report_simplified_invoice(document, self.production, False)
        return self._client.clear_standard_invoice(document, self.production, True)

    def renew(self, otp: str) -> fatoora.CsidProduction:
        """Ask for a renewal with a new key pair and return what the client takes the answer for."""
        self.renewed_key = fatoora.SigningKey.generate()
        return self._client.renew_csid(self.production, self._csr(self.renewed_key), otp)

    def switch_to(self, renewed: fatoora.CsidProduction) -> None:
        """Go on with a renewed production certificate."""
        self.key, self.production = self.renewed_key, renewed
        self._sign_under(renewed.binary_security_token())

    def go_back_to_compliance(self, renewed: fatoora.CsidProduction) -> None:
        """Take the answer to a renewal for the new compliance certificate that a 428 holds."""
        self.key = self.renewed_key
        self.compliance = fatoora.CsidCompliance.new(
            self.environment, renewed.binary_security_token(), renewed.secret(), renewed.request_id()
        )
        self._sign_under(renewed.binary_security_token())

    def document(self, profile: str, kind: str) -> fatoora.SignedInvoice:
        """Build and sign the next document of the chain."""
        builder = self._builder(profile, kind)
        signed = builder.build().sign(self._signer)
        self.previous_hash = signed.invoice_hash()
        return signed

    def _builder(self, profile: str, kind: str) -> fatoora.InvoiceBuilder:
        note = {} if kind == "invoice" else _original()
        builder = fatoora.InvoiceBuilder.new(_KINDS[kind], _PROFILES[profile], **note)
        self.counter += 1
        builder.set_id(f"INV-{self.counter:04d}")
        builder.set_uuid(str(uuid.uuid4()))
        moment = datetime.now(UTC) - timedelta(minutes=1)
        builder.set_issue_datetime(moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
        builder.set_currency("SAR")
        builder.set_previous_invoice_hash(self.previous_hash)
        builder.set_invoice_counter(self.counter)
        builder.set_payment_means_code("10")
        builder.set_vat_category(fatoora.VatCategory.STANDARD)
        builder.set_seller(
            name="شركة ركن النخيل للتجارة | Palm Corner Trading Co.",
            vat_id=self.vat_number,
            other_id="1010734512",
            other_id_scheme="CRN",
            **_address("SAU"),
        )
        if profile == "standard":
            builder.set_buyer(name="مؤسسة الأفق | Horizon Est.", vat_id="399999999800003", **_address("SAU"))
        builder.add_line_item(
            description="Dates, 1 kg",
            quantity="3",
            unit_code="PCE",
            unit_price="24.50",
            vat_rate="15",
            vat_category=fatoora.VatCategory.STANDARD,
        )
        return builder

    def _csr(self, key: fatoora.SigningKey) -> fatoora.Csr:
        fields = fatoora.CsrProperties.new(
            common_name=f"POS-{self.vat_number}",
            serial_number=f"1-Palm|2-POS|3-{uuid.uuid4()}",
            organization_identifier=self.vat_number,
            organization_unit_name="Riyadh Branch",
            organization_name="شركة ركن النخيل للتجارة",
            country_name="SA",
            invoice_type=self.type_map,
            location_address="RRRD2929",
            industry_business_category="Food retail",
        )
        return fields.build(key, self.environment)

    def _sign_under(self, token: str) -> None:
        certificate = base64.b64decode(base64.b64decode(token))
        self._signer = fatoora.Signer.from_der(certificate, self.key.to_der())


def _original() -> dict[str, str]:
    return {
        "original_invoice_id": "INV-0001",
        "original_invoice_issue_date": "2026-01-05",
        "original_invoice_reason": "Goods returned",
    }


def _address(country: str) -> dict[str, str]:
    return {
        "country_code": country,
        "city": "الرياض | Riyadh",
        "street": "طريق العليا | Olaya Road",
        "building_number": "3471",
        "additional_number": "2208",
        "district": "العليا | Al Olaya",
        "postal_code": "12611",
    }
