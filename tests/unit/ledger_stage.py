"""A ledger on a temporary disk, units with self-made credentials, and documents that cost nothing to write."""

import base64
import hashlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from khatm.clock import Clock, SystemClock
from khatm.document.canonical import StampFacts
from khatm.environment import Environment
from khatm.ledger import schema
from khatm.ledger.generations import Generation
from khatm.ledger.home import Home
from khatm.ledger.issue import ChainPlace
from khatm.ledger.ledger import Ledger, open_ledger
from khatm.ledger.units import Unit
from khatm.stamp.csr_fields import CsrFields

VAT = "399999999900003"
START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)

# The constant of the gateway contract 8.4, worked out here and not taken from the product.
FIRST_PIH = base64.b64encode(hashlib.sha256(b"0").hexdigest().encode()).decode()


def csr_fields(type_map: str = "1100", vat_number: str = VAT) -> CsrFields:
    return CsrFields(
        common_name="EGS-1",
        serial_number="1-Khatm|2-1|3-000001",
        organization_identifier=vat_number,
        organization_unit_name="الفرع الرئيسي",
        organization_name="شركة المثال",
        country_name="SA",
        invoice_type=type_map,
        location_address="RRRD2929",
        industry_business_category="Retail",
    )


@dataclass(frozen=True)
class KeyPair:
    """A private key and a certificate of it, as CSID token."""

    key_pem: bytes
    scalar: int
    token: str


@cache
def key_pair(name: str) -> KeyPair:
    key = ec.generate_private_key(ec.SECP256K1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(START - timedelta(days=1))
        .not_valid_after(START + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    token = base64.b64encode(base64.b64encode(certificate.public_bytes(Encoding.DER))).decode()
    return KeyPair(pem, key.private_numbers().private_value, token)


def home_at(path: Path, **settings: str) -> Home:
    """A home; where the fixture `either_store` has left the address of a database, its ledger lies there."""
    for place in (path, path.parent):
        if (place / "postgresql.url").exists():
            settings.setdefault("KHATM_DATABASE_URL", (place / "postgresql.url").read_text(encoding="utf-8"))
    return Home(path, environ=settings)


def tamper(ledger: Ledger, statement: str, *values: object) -> None:
    """Run one statement (`?` for each value) on the ledger's database behind its back; it changes one row."""
    with ledger._store.write() as connection:
        mark = {"sqlite": "?", "postgresql": "%s"}[connection.dialect.name]
        assert connection.exec_driver_sql(statement.replace("?", mark), values).rowcount == 1


def everything_stored(ledger: Ledger) -> bytes:
    """Every value of every table, one after the other, bytes as they are."""
    with ledger._store.read() as connection:
        rows = [row for table in schema.metadata.tables.values() for row in connection.execute(table.select())]
    values = [value for row in rows for value in row]
    return b"\0".join(value if isinstance(value, bytes) else str(value).encode() for value in values)


def fresh_ledger(path: Path, clock: Clock | None = None, *, wait: float = 20.0, **settings: str) -> Ledger:
    return open_ledger(home_at(path, **settings), clock or SystemClock(), wait=wait)


def add_unit(ledger: Ledger, name: str = "till-1", environment: Environment = Environment.SIMULATION) -> Unit:
    return ledger.add_unit(name, environment, csr_fields())


def prepared(ledger: Ledger, unit: str = "till-1", pair: str = "first", purpose: str = "onboarding") -> Generation:
    return ledger.begin_generation(unit, key_pair(pair).key_pem, b"CSR " + pair.encode(), purpose)


def make_live(ledger: Ledger, unit: str = "till-1", pair: str = "first", purpose: str = "onboarding") -> Generation:
    generation = prepared(ledger, unit, pair, purpose)
    generation = ledger.record_ccsid(
        generation, key_pair(f"{pair} ccsid").token, f"ccsid secret {pair}", "1234567890123"
    )
    return ledger.record_pcsid(generation, key_pair(pair).token, f"pcsid secret {pair}", "30368")


def ready_ledger(path: Path, clock: Clock | None = None, **settings: str) -> Ledger:
    """A ledger with one unit, `till-1`, that can issue."""
    ledger = fresh_ledger(path, clock, **settings)
    add_unit(ledger)
    make_live(ledger)
    return ledger


@dataclass(frozen=True)
class PlainDocument:
    """What a write callback gives back: canonical bytes without a stamp."""

    xml: bytes
    invoice_hash: str
    facts: StampFacts


def plain_document(
    place: ChainPlace, *, simplified: bool = True, type_code: str = "388", issued: datetime = START, filler: int = 0
) -> PlainDocument:
    """A minimal invoice in its canonical form, so that its hash is plain SHA-256 of the bytes written here."""
    code = "0200000" if simplified else "0100000"
    date, time = (issued + timedelta(hours=3)).strftime("%Y-%m-%d %H:%M:%S").split()
    text = (
        '<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"'
        ' xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"'
        ' xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">'
        f"<cbc:UUID>{place.uuid}</cbc:UUID><cbc:IssueDate>{date}</cbc:IssueDate><cbc:IssueTime>{time}</cbc:IssueTime>"
        f'<cbc:InvoiceTypeCode name="{code}">{type_code}</cbc:InvoiceTypeCode><cbc:Note>{"n" * filler}</cbc:Note>'
        "<cac:AdditionalDocumentReference><cbc:ID>ICV</cbc:ID>"
        f"<cbc:UUID>{place.counter}</cbc:UUID></cac:AdditionalDocumentReference>"
        "<cac:AdditionalDocumentReference><cbc:ID>PIH</cbc:ID><cac:Attachment>"
        f'<cbc:EmbeddedDocumentBinaryObject mimeCode="text/plain">{place.previous_hash}'
        "</cbc:EmbeddedDocumentBinaryObject></cac:Attachment></cac:AdditionalDocumentReference>"
        "<cac:AccountingSupplierParty><cac:Party><cac:PartyTaxScheme>"
        f"<cbc:CompanyID>{VAT}</cbc:CompanyID></cac:PartyTaxScheme>"
        "<cac:PartyLegalEntity><cbc:RegistrationName>شركة المثال</cbc:RegistrationName></cac:PartyLegalEntity>"
        "</cac:Party></cac:AccountingSupplierParty>"
        '<cac:TaxTotal><cbc:TaxAmount currencyID="SAR">15.00</cbc:TaxAmount></cac:TaxTotal><cac:LegalMonetaryTotal>'
        '<cbc:PayableAmount currencyID="SAR">115.00</cbc:PayableAmount></cac:LegalMonetaryTotal></Invoice>'
    )
    xml = text.encode()
    facts = StampFacts(
        seller_name="شركة المثال",
        vat_number=VAT,
        issue_date=date,
        issue_time=time,
        payable="115.00",
        vat_total="15.00",
        simplified=simplified,
        uuid=place.uuid,
        type_code=type_code,
        transaction_code=code,
        icv=str(place.counter),
        pih=place.previous_hash,
    )
    return PlainDocument(xml, base64.b64encode(hashlib.sha256(xml).digest()).decode(), facts)


def simplified(place: ChainPlace, _generation: Generation) -> PlainDocument:
    return plain_document(place)


def standard(place: ChainPlace, _generation: Generation) -> PlainDocument:
    return plain_document(place, simplified=False)


Writer = Callable[[ChainPlace, Generation], PlainDocument]


def run_together(script: str, *arguments: str, processes: int) -> list[list[str]]:
    """Run a script in several processes that begin their work at one moment; return the words each printed.

    The script prints `ready` when it could begin, and begins when a line comes on its standard input.
    """
    children = [
        subprocess.Popen(
            [sys.executable, "-c", script, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).resolve().parents[2],
        )
        for _ in range(processes)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    outputs = [child.communicate(timeout=120)[0].split() for child in children]
    assert [child.returncode for child in children] == [0] * processes
    return outputs
