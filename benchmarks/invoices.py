"""The invoices that the benchmarks write and stamp, and the identity they are stamped with. All invented."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

FIRST_PREVIOUS_HASH = "NWZlY2ViNjZmZmM4NmYzOGQ5NTI3ODZjNmQ2OTZjNzljMmRiYzIzOWRkNGU5MWI0NjcyOWQ3M2EyN2ZiNTdlOQ=="
UUID = "7a3f0b1e-52d4-4c0f-9d2b-6f1c1e0a9b01"
SIGNING_TIME = datetime(2026, 3, 4, 9, 15, 0, tzinfo=UTC)
VAT_NUMBER = "399999998100003"
SELLER_NAME = "شركة ركن النخيل للتجارة | Palm Corner Trading Co."

_GOODS = (
    ("تمر سكري | Sukkari dates, 1 kg", "24.50"),
    ("قهوة عربية | Arabic coffee, 500 g", "61.00"),
    ("هيل | Cardamom, 100 g", "38.25"),
    ("عسل سدر | Sidr honey, 250 g", "119.90"),
    ("ماء | Water, 600 ml", "1.75"),
)


def authored(lines: int) -> dict[str, Any]:
    """A simplified invoice in the authoring format."""
    return {
        "kind": "invoice",
        "profile": "simplified",
        "flags": [],
        "number": "BM-2026-0001",
        "uuid": UUID,
        "issue_date": "2026-03-04",
        "issue_time": "12:10:00",
        "counter": 1,
        "previous_hash": None,
        "seller": {
            "name": SELLER_NAME,
            "vat": VAT_NUMBER,
            "ids": {"CRN": "1010734512"},
            "address": {
                "street": "طريق العليا | Olaya Road",
                "building": "3471",
                "plot": "2208",
                "district": "العليا | Al Olaya",
                "city": "الرياض | Riyadh",
                "postal_code": "12611",
                "country": "SA",
            },
        },
        "payment": {"code": "10"},
        "lines": [
            {
                "name": name,
                "quantity": str(quantity),
                "unit": "PCE",
                "price": price,
                "vat": {"category": "S", "rate": "15"},
            }
            for name, price, quantity in _goods(lines)
        ],
    }


def tools_sdk_input(lines: int) -> dict[str, Any]:
    """The same invoice as zatca-tools-sdk takes it."""
    return {
        "type": "simplified",
        "number": "BM-2026-0001",
        "uuid": UUID,
        "date": "2026-03-04",
        "time": "12:10:00",
        "icv": 1,
        "pih": FIRST_PREVIOUS_HASH,
        "items": [
            {"name": name, "quantity": quantity, "unit_price": float(price)} for name, price, quantity in _goods(lines)
        ],
    }


def tools_sdk_seller() -> dict[str, Any]:
    """The same seller as zatca-tools-sdk takes it."""
    return {
        "vat_number": VAT_NUMBER,
        "name": SELLER_NAME,
        "cr_number": "1010734512",
        "address": {
            "street": "طريق العليا | Olaya Road",
            "building_number": "3471",
            "district": "العليا | Al Olaya",
            "city": "الرياض | Riyadh",
            "postal_code": "12611",
        },
    }


def _goods(lines: int) -> list[tuple[str, str, int]]:
    return [(*_GOODS[index % len(_GOODS)], index % 4 + 1) for index in range(lines)]


@dataclass(frozen=True, slots=True)
class Identity:
    """A key with a certificate on it, in DER."""

    key: ec.EllipticCurvePrivateKey
    key_der: bytes
    key_pem: str
    certificate_der: bytes


def new_identity() -> Identity:
    """A fresh key and a certificate of the shape that compliance certificates have, signed by another fresh key."""
    key, authority = ec.generate_private_key(ec.SECP256K1()), ec.generate_private_key(ec.SECP256K1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Benchmark till")])
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "eInvoicing")])
    begin = SIGNING_TIME - timedelta(days=30)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(1_772_357_405_123)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=1825))
        .sign(authority, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    return Identity(
        key,
        key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, plain),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode(),
        certificate.public_bytes(serialization.Encoding.DER),
    )
