"""The profiles of CCSID and PCSID, against certificates that others made."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from khatm.environment import Environment
from khatm.simulator import der
from khatm.simulator.authority import Authority
from khatm.simulator.certificates import PcsidIssuer, ccsid_tbs, pcsid_serial, pcsid_tbs, read_issued
from khatm.simulator.csr import ReceivedCsr, read_csr, read_request
from khatm.simulator.own_certificates import OwnCertificates, read_canned_file
from khatm.simulator.store import Store
from khatm.simulator.switches import default_switches
from tests.csr_maker import CsrRecipe, csr_member, make_csr

DATA = Path(__file__).parents[1] / "data"
OWN = json.loads((DATA / "authority" / "certificates.json").read_text())
STRICT = default_switches(Environment.SIMULATION)
NOW = datetime(2026, 3, 1, 9, 30, 5, 123000, tzinfo=UTC)


def tbs_of(certificate: bytes) -> bytes:
    return der.element(certificate).children()[0].whole


def rebuilt(entry: dict[str, Any], folder: Path) -> bytes:
    """Build the to-be-signed part that an entry of the vectors describes."""
    source = entry["rebuilt_from"]
    csr = read_csr(csr_member((folder / source["csr"]).read_bytes()), STRICT)
    if source["profile"] == "ccsid":
        return ccsid_tbs(csr, source["epoch_ms"])
    begins = datetime.fromisoformat(entry["not_before"])
    issuer = PcsidIssuer(
        common_name=source["issuer_cn"],
        key_id=bytes.fromhex(source["aki_hex"]),
        address=source["aia"],
        prefix=0,
        tail=b"",
        days=1825,
        ends=begins + timedelta(days=3650),
    )
    return pcsid_tbs(csr, issuer, bytes.fromhex(entry["serial_hex"].rjust(38, "0")), begins)


@pytest.mark.parametrize("entry", OWN, ids=[entry["file"] for entry in OWN])
def test_vector_certificates_are_rebuilt_identically(entry: dict[str, Any]) -> None:
    certificate = (DATA / "authority" / entry["file"]).read_bytes()
    assert rebuilt(entry, DATA / "authority").hex() == entry["tbs_hex"] == tbs_of(certificate).hex()
    read = read_issued(certificate)
    assert read.token == entry["binary_security_token"]
    assert read.not_before == datetime.fromisoformat(entry["not_before"])
    assert read.not_after == datetime.fromisoformat(entry["not_after"])
    assert (read.vat_number, read.type_map) == ("310123456700003", "1100")


def test_the_official_certificates_are_rebuilt_identically(shared_corpus: Path) -> None:
    entries = json.loads((shared_corpus / "vectors" / "stamp.json").read_text())["certificates"]
    official = [each for each in entries if "rebuilt_from" in each and each["file"].startswith("official/")]
    assert len(official) == 5, "two CCSIDs and three PCSIDs"
    for entry in official:
        certificate = (shared_corpus / entry["file"]).read_bytes()
        assert rebuilt(entry, shared_corpus) == tbs_of(certificate), entry["file"]


def test_the_worked_example_is_issued_from_its_request() -> None:
    """Gateway contract 13.1: a request and the CCSID that a simulation gateway gave for it."""
    request = json.loads((DATA / "gateway_examples" / "13.1-request.json").read_text())
    answer = json.loads((DATA / "gateway_examples" / "13.1-ccsid.json").read_text())
    certificate = base64.b64decode(base64.b64decode(answer["binarySecurityToken"]))
    csr = read_csr(request["csr"], STRICT)
    milliseconds = int(NOW.timestamp() * 1000)
    assert milliseconds == answer["requestID"]
    assert ccsid_tbs(csr, milliseconds) == tbs_of(certificate)
    parsed = x509.load_der_x509_certificate(certificate)
    assert parsed.serial_number == answer["requestID"]
    assert parsed.not_valid_after_utc == datetime(2031, 2, 28, 21, tzinfo=UTC)


def test_a_ccsid_of_29_february_ends_on_the_28th() -> None:
    csr = read_csr(csr_member(make_csr(CsrRecipe())), STRICT)
    leap_day = datetime(2028, 2, 29, 12, tzinfo=UTC)
    parsed = x509.load_der_x509_certificate(_dressed(ccsid_tbs(csr, int(leap_day.timestamp() * 1000))))
    assert parsed.not_valid_after_utc == datetime(2033, 2, 27, 21, tzinfo=UTC)


def test_a_ccsid_counts_its_five_years_from_the_saudi_day() -> None:
    """23:00 UTC is already the next day in Riyadh."""
    csr = read_csr(csr_member(make_csr(CsrRecipe())), STRICT)
    late = datetime(2026, 5, 31, 23, tzinfo=UTC)
    parsed = x509.load_der_x509_certificate(_dressed(ccsid_tbs(csr, int(late.timestamp() * 1000))))
    assert parsed.not_valid_after_utc == datetime(2031, 5, 31, 21, tzinfo=UTC)


def _dressed(tbs: bytes) -> bytes:
    """A certificate around a to-be-signed part, with a signature of no worth, for a parser that wants a whole one."""
    algorithm = der.sequence(der.oid("1.2.840.10045.4.3.2"))
    return der.sequence(tbs, algorithm, der.bit_string(der.sequence(der.integer(1), der.integer(1))))


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store()
    yield opened
    opened.close()


def csr_for(environment: str) -> ReceivedCsr:
    return read_csr(csr_member(make_csr(CsrRecipe().for_unit(environment, "310123456700003", "1100"))), STRICT)


@pytest.mark.parametrize(
    ("environment", "issuer", "prefix", "tail", "days"),
    [
        (Environment.SANDBOX, "PRZEINVOICESCA4-CA", "11", "0001", 1825),
        (Environment.SIMULATION, "PEZEINVOICESCA2-CA", "1a", "0000", 730),
        (Environment.PRODUCTION, "PRZEINVOICESCA4-CA", "11", "0001", 1825),
    ],
)
def test_a_pcsid_verifies_up_to_the_instances_own_root(
    store: Store, environment: Environment, issuer: str, prefix: str, tail: str, days: int
) -> None:
    authority = Authority(store, NOW, address="http://127.0.0.1:1", random=lambda count: b"\x5a" * count)
    issued = authority.issue_pcsid(environment, csr_for(environment.value), NOW)
    certificate = x509.load_der_x509_certificate(issued.der)
    einvoicing, sub_ca, root = map(x509.load_der_x509_certificate, authority.chain(environment))
    certificate.verify_directly_issued_by(sub_ca)
    sub_ca.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)
    einvoicing.verify_directly_issued_by(einvoicing)
    assert isinstance(einvoicing.public_key(), ec.EllipticCurvePublicKey)
    serial = f"{certificate.serial_number:038x}"
    assert serial == prefix + "00001000" + "5a" * 8 + tail + "00001000"
    assert certificate.not_valid_before_utc == NOW.replace(microsecond=0)
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(days=days)
    common_name = certificate.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
    assert common_name == issuer
    access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    assert [each.access_location.value for each in access] == [f"http://127.0.0.1:1/CertEnroll/{issuer}.crt"]
    again = x509.load_der_x509_certificate(authority.issue_pcsid(environment, csr_for(environment.value), NOW).der)
    assert f"{again.serial_number:038x}"[2:10] == "00001001"


def test_a_ccsid_verifies_under_einvoicing_on_secp256k1(store: Store) -> None:
    authority = Authority(store, NOW)
    issued = authority.issue_ccsid(csr_for("simulation"), 1772357405123)
    certificate = x509.load_der_x509_certificate(issued.der)
    einvoicing = x509.load_der_x509_certificate(authority.chain(Environment.SIMULATION)[0])
    certificate.verify_directly_issued_by(einvoicing)
    public_key = einvoicing.public_key()
    assert isinstance(public_key, ec.EllipticCurvePublicKey)
    assert isinstance(public_key.curve, ec.SECP256K1)


def test_subject_order_and_string_types_of_a_pcsid(store: Store) -> None:
    """C, O, OU, CN; printable where the letters allow it, UTF-8 otherwise; other attributes stay behind."""
    subject = {"CN": "TST_1", "L": "Riyadh", "OU": "Branch", "O": "مؤسسة", "C": "SA"}
    csr = read_csr(csr_member(make_csr(CsrRecipe(subject=subject))), STRICT)
    issued = Authority(store, NOW).issue_pcsid(Environment.SIMULATION, csr, NOW)
    name = x509.load_der_x509_certificate(issued.der).subject
    found = [(each.oid.dotted_string, each.value, each._type.name) for each in name]
    assert found == [
        ("2.5.4.6", "SA", "PrintableString"),
        ("2.5.4.10", "مؤسسة", "UTF8String"),
        ("2.5.4.11", "Branch", "PrintableString"),
        ("2.5.4.3", "TST_1", "UTF8String"),
    ]


def test_a_pcsid_ends_with_its_authority(store: Store) -> None:
    authority = Authority(store, NOW)
    late = NOW + timedelta(days=365 * 19)
    issued = authority.issue_pcsid(Environment.PRODUCTION, csr_for("production"), late)
    sub_ca = x509.load_der_x509_certificate(authority.chain(Environment.PRODUCTION)[1])
    assert issued.not_after == sub_ca.not_valid_after_utc < late + timedelta(days=1825)


def test_another_run_on_the_same_state_is_the_same_authority(tmp_path: Path) -> None:
    first = Store(tmp_path / "state")
    chain = Authority(first, NOW).chain(Environment.PRODUCTION)
    first.close()
    second = Store(tmp_path / "state")
    assert Authority(second, NOW + timedelta(days=9)).chain(Environment.PRODUCTION) == chain
    second.close()
    other = Store()
    assert Authority(other, NOW).chain(Environment.PRODUCTION) != chain
    other.close()


def test_the_platform_certificate_is_kept_and_renewed_when_it_expires(store: Store) -> None:
    own = OwnCertificates(store, Authority(store, NOW))
    first = own.platform(Environment.SIMULATION, NOW)
    assert own.platform(Environment.SIMULATION, NOW + timedelta(days=729)) is first
    second = own.platform(Environment.SIMULATION, NOW + timedelta(days=731))
    assert second.certificate.der != first.certificate.der
    assert second.certificate.not_after > NOW + timedelta(days=731)
    assert own.platform(Environment.PRODUCTION, NOW).certificate.der != first.certificate.der


def test_the_canned_certificate_has_the_published_subject(store: Store) -> None:
    issued = OwnCertificates(store, Authority(store, NOW)).canned(NOW)
    name = x509.load_der_x509_certificate(issued.der).subject.rfc4514_string()
    assert name == "CN=TST-886431145-399999999900003,OU=Riyadh Branch,O=Maximum Speed Tech Supply LTD,C=SA"
    assert (issued.vat_number, issued.type_map) == ("399999999900003", "1100")


@pytest.mark.parametrize("form", ["der", "base64", "pem", "token"])
def test_the_canned_file_is_read_in_every_form(tmp_path: Path, form: str) -> None:
    encoded = (DATA / "authority" / "certificates" / "own-pcsid-en.der").read_bytes()
    once = base64.b64encode(encoded)
    pem = b"-----BEGIN CERTIFICATE-----\r\n" + once[:64] + b"\r\n" + once[64:] + b"\r\n-----END CERTIFICATE-----\r\n"
    forms = {"der": encoded, "base64": once + b"\n", "pem": pem, "token": base64.b64encode(once)}
    path = tmp_path / "cert"
    path.write_bytes(forms[form])
    assert read_canned_file(path).der == encoded


def test_a_pcsid_serial_repeats_its_number() -> None:
    issuer = PcsidIssuer("X", b"", "", prefix=0x11, tail=b"\x00\x01", days=1, ends=NOW)
    serial = pcsid_serial(issuer, 0x3803, bytes.fromhex("c5f74023b3fc5c5f"))
    assert serial.hex() == "1100003803c5f74023b3fc5c5f000100003803", "the number of the published certificate"


def test_a_request_is_read_again_from_its_bytes() -> None:
    csr = csr_for("simulation")
    assert read_request(csr.der, STRICT) == csr
