"""Every section of the stamp's vectors against the product. Source: the stamp standard, section 12."""

import base64
import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from khatm.clock import SAUDI
from khatm.environment import Environment
from khatm.stamp import curve, keys, qr, template
from khatm.stamp.canonical import INITIAL_PIH, hash_text, invoice_hash, read_canonical
from khatm.stamp.certificate import decode_token, read_certificate
from khatm.stamp.csr import CsrFields, build_csr, lint, read_csr_file, read_properties, to_be_signed
from khatm.stamp.errors import UnreadableQr, WrongCurve
from khatm.stamp.request import api_request
from khatm.stamp.signers import FileSigner
from khatm.stamp.verify import verify
from khatm.stamp.xades import stamp
from tests.vectors.entries import WITHOUT_CORPUS, everything, has_corpus, key, own, read

Proven = Callable[[str], None]
Entry = dict[str, Any]
ALL = everything()
KEYS = {each["name"]: each for each in ALL["keys"]}
SECTIONS = {
    "keys": 5, "ecdsa": 4, "tlv": 8, "tlv_decode_errors": 5, "key_files": 10, "csr_files": 6, "properties": 14,
    "csr": 18, "official_csr": 3, "csr_rejections": 24, "certificates": 12, "signed_properties": 3, "chain": 9,
    "hash_variants": 29, "documents": 122,
}  # fmt: skip


def rows(section: str, inner: str | None = None) -> Any:
    """Parametrise a test over the entries of a section, by name."""
    entries = ALL[section][inner] if inner else ALL[section]
    return pytest.mark.parametrize(
        "entry", entries, ids=[str(e.get("name", e.get("file", n)))[-60:] for n, e in enumerate(entries)]
    )


def loaded(name: str) -> ec.EllipticCurvePrivateKey:
    return keys.load_key(KEYS[name]["sec1_pem"].encode())


def signer_of(entry: Entry) -> FileSigner:
    certificate = read_certificate(read(entry["certificate"]))
    return FileSigner(loaded(entry["key"]), certificate, allow_foreign_certificate=True)


def test_all_sections_are_complete() -> None:
    """The numbers that the standard's section 12 gives; nothing of a section can fall out unseen."""
    if not has_corpus():
        pytest.skip(WITHOUT_CORPUS)
    inner = {"key_files": "forms", "csr_files": "forms", "csr_rejections": "cases", "hash_variants": "cases"}
    counted = {name: len(ALL[name][inner[name]] if name in inner else ALL[name]) for name in SECTIONS}
    assert counted == SECTIONS
    other = {"format", "about", "official_key", "constants", "templates", "invoice_request"}
    assert set(ALL) == set(SECTIONS) | other


def test_our_copies_are_the_shared_files() -> None:
    if not has_corpus():
        pytest.skip(WITHOUT_CORPUS)
    shared = {each["file"].removeprefix("vectors/stamp/"): each for each in ALL["documents"]}
    for entry in own()["documents"]:
        assert entry["sha256"] == shared[entry["file"]]["sha256"] == hashlib.sha256(read(entry["file"])).hexdigest()


@rows("keys")
def test_key(entry: Entry, proven: Proven) -> None:
    """Keys on the unit's curve load and are written in the same bytes; the other curve is refused."""
    encoded = base64.b64decode(entry["sec1_der_base64"])
    if entry["curve"] != "secp256k1":
        with pytest.raises(WrongCurve) as caught:
            keys.load_key(encoded)
        assert caught.value.found == entry["curve"]
    else:
        private = keys.load_key(encoded)
        assert keys.scalar(private).hex() == entry["d_hex"]
        assert keys.public_point(private).hex() == entry["point_hex"]
        assert keys.public_key_info(private).hex() == entry["spki_hex"]
        assert keys.sec1_der(private) == encoded
        assert keys.sec1_base64(private).decode() == entry["sec1_der_base64"]
        assert keys.sec1_pem(private).decode() == entry["sec1_pem"]
        assert keys.scalar(keys.load_key(entry["pkcs8_der_base64"].encode())).hex() == entry["d_hex"]
    proven("keys")


def test_official_key(proven: Proven) -> None:
    if not has_corpus():
        pytest.skip(WITHOUT_CORPUS)
    facts = ALL["official_key"]
    text = read(facts["file"])
    private = keys.load_key(text)
    assert keys.public_key_info(private).hex() == facts["spki_hex"]
    assert keys.sec1_der(private) == base64.b64decode(text)
    assert read_certificate(read(facts["certificate"])).point == keys.public_point(private)
    proven("official_key")


def test_constants(proven: Proven) -> None:
    assert ALL["constants"]["initial_pih"] == INITIAL_PIH
    proven("constants")


@rows("key_files", "forms")
def test_key_file(entry: Entry, proven: Proven) -> None:
    private = keys.load_key(entry["text"].encode())
    assert keys.scalar(private).hex() == KEYS[ALL["key_files"]["key"]]["d_hex"]
    proven("key_files")


@pytest.mark.parametrize("backend", [curve.Libsecp256k1, curve.OpenSsl])
@rows("ecdsa")
def test_ecdsa(entry: Entry, backend: type[curve.Backend], proven: Proven) -> None:
    if backend is curve.Libsecp256k1:
        pytest.importorskip("btclib_libsecp256k1")
    operations, owner = backend(), KEYS[entry["key"]]
    digest = hashlib.sha256(bytes.fromhex(entry["message_hex"])).digest()
    assert digest.hex() == entry["sha256_hex"]
    assert operations.sign(bytes.fromhex(owner["d_hex"]), digest).hex() == entry["signature_low_s_der_hex"]
    for form in ("signature_low_s_der_hex", "signature_high_s_der_hex", "rfc6979_before_low_s_der_hex"):
        assert operations.verify(bytes.fromhex(owner["point_hex"]), digest, bytes.fromhex(entry[form]))
    if backend is curve.OpenSsl:
        proven("ecdsa")


@rows("tlv")
def test_tlv(entry: Entry, proven: Proven) -> None:
    items = [(each["tag"], bytes.fromhex(each["hex"])) for each in entry["items"]]
    assert qr.encode(items) == entry["base64"]
    assert base64.b64decode(entry["base64"]).hex() == entry["encoded_hex"]
    assert list(qr.decode(entry["base64"]).items) == items
    plain = entry["plain_encoded_hex"]
    if plain == "impossible":
        with pytest.raises(qr.QrValueTooLong):
            qr.encode(items, lengths="plain")
    else:
        expected = base64.b64encode(bytes.fromhex(plain or entry["encoded_hex"])).decode()
        assert qr.encode(items, lengths="plain") == expected
    proven("tlv")


@rows("tlv_decode_errors")
def test_tlv_decode_error(entry: Entry, proven: Proven) -> None:
    with pytest.raises(UnreadableQr):
        qr.decode(entry["base64"], accept_plain=False)
    proven("tlv_decode_errors")


@rows("properties")
def test_properties(entry: Entry, proven: Proven) -> None:
    assert read_properties(entry["text"].encode()) == entry["fields"]
    proven("properties")


@rows("csr")
def test_csr(entry: Entry, proven: Proven) -> None:
    """The to-be-signed part byte for byte, from the property file and the key."""
    fields = CsrFields.from_properties(read_properties(read(entry["config"])))
    assert fields.as_properties() == entry["fields"]
    private = loaded(entry["key"])
    request = build_csr(fields, Environment(entry["environment"]), private)
    assert request.tbs.hex() == entry["tbs_hex"]
    assert hashlib.sha256(request.tbs).hexdigest() == entry["tbs_sha256"]
    assert entry["template_extension_hex"] in request.tbs.hex()
    example = bytes.fromhex(entry["example_signature_hex"])
    private.public_key().verify(example, request.tbs, ec.ECDSA(hashes.SHA256()))
    proven("csr")


@pytest.mark.parametrize("number", range(SECTIONS["official_csr"]))
def test_official_csr(number: int, proven: Proven) -> None:
    if not has_corpus():
        pytest.skip(WITHOUT_CORPUS)
    entry = ALL["official_csr"][number]
    request = read_csr_file(read(entry["file"]))
    assert request.tbs.hex() == entry["tbs_hex"]
    if "config" in entry:
        fields = CsrFields.from_properties(read_properties(read(entry["config"])))
        environment = Environment(entry["environment"])
        point = entry.get("public_key_point_hex")
        spki = (
            keys.public_key_info(keys.load_key(read(entry["key_file"])))
            if point is None
            else keys.public_key_info(loaded("egs"))[:-65] + bytes.fromhex(point)
        )
        assert to_be_signed(fields, environment, spki).hex() == entry["tbs_hex"]
    proven("official_csr")


@rows("csr_files", "forms")
def test_csr_file(entry: Entry, proven: Proven) -> None:
    request = read_csr_file(entry["text"].encode())
    assert hashlib.sha256(request.tbs).hexdigest() == ALL["csr_files"]["tbs_sha256"]
    proven("csr_files")


@pytest.mark.parametrize("number", range(SECTIONS["csr_rejections"]))
def test_csr_rejection(number: int, proven: Proven) -> None:
    """The message of the first finding is the one at which the SDK stops."""
    rejections = ALL["csr_rejections"]
    assert lint(CsrFields.from_properties(rejections["base"])) == []
    case = rejections["cases"][number]
    findings = lint(CsrFields.from_properties(rejections["base"] | case["set"]))
    assert findings[0].severity == "error"
    assert findings[0].en == case["message"]
    assert findings[0].field in case["set"]
    proven("csr_rejections")


@rows("certificates")
def test_certificate(entry: Entry, proven: Proven) -> None:
    certificate = read_certificate(read(entry["file"]))
    assert hashlib.sha256(certificate.der).hexdigest() == entry["sha256"]
    assert len(certificate.der) == entry["der_bytes"]
    assert certificate.issuer_name == entry["issuer_name"]
    assert str(certificate.serial_number) == entry["serial_decimal"]
    assert f"{certificate.serial_number:x}" == entry["serial_hex"]
    assert f"{certificate.not_before:%Y-%m-%dT%H:%M:%SZ}" == entry["not_before"]
    assert f"{certificate.not_after:%Y-%m-%dT%H:%M:%SZ}" == entry["not_after"]
    assert [[a.oid, a.string_type, a.value] for a in certificate.subject] == entry["subject"]
    assert [[a.oid, a.string_type, a.value] for a in certificate.alternative] == entry["san_directory_name"]
    assert [list(extension) for extension in certificate.extensions] == entry["extension_order"]
    assert certificate.digest == entry["base64_text_digest"]
    assert certificate.spki.hex() == entry["spki_hex"]
    assert certificate.signature.hex() == entry["signature_hex"]
    if "tbs_hex" in entry:
        assert certificate.tbs.hex() == entry["tbs_hex"]
        token = entry["binary_security_token"]
        assert certificate.token == token
        assert decode_token(token) == certificate.text
        assert read_certificate(token) == certificate
        issuer = KEYS[entry["signed_by"]]
        group = ec.SECP256K1() if issuer["curve"] == "secp256k1" else ec.SECP256R1()
        public = ec.EllipticCurvePublicKey.from_encoded_point(group, bytes.fromhex(issuer["point_hex"]))
        public.verify(certificate.signature, certificate.tbs, ec.ECDSA(hashes.SHA256()))
    proven("certificates")


def test_templates(proven: Proven) -> None:
    expected = ALL["templates"]
    assert expected["extensions"] == template.EXTENSIONS
    assert expected["qr_reference"] == template.QR_REFERENCE
    assert expected["cac_signature"] == template.CAC_SIGNATURE
    assert expected["signed_properties_hashed"] == template.SIGNED_PROPERTIES
    lines = template.SIGNED_PROPERTIES.split("\n")[1:]
    assert [len(line) - len(line.lstrip()) for line in lines] == expected["line_indents_of_signed_properties"]
    proven("templates")


@rows("signed_properties")
def test_signed_properties(entry: Entry, proven: Proven) -> None:
    """The five values put into the text that is hashed give the vectors' text and digest."""
    certificate = read_certificate(read(entry["certificate"]))
    assert certificate.digest == entry["cert_digest"]
    assert certificate.issuer_name == entry["issuer_name"]
    assert str(certificate.serial_number) == entry["serial_number"]
    text = template.SIGNED_PROPERTIES
    values = {
        "@TIME@": entry["signing_time"], "@CDIG@": certificate.digest,
        "@ISS@": certificate.issuer_name, "@SER@": str(certificate.serial_number),
    }  # fmt: skip
    for place, value in values.items():
        text = text.replace(place, value)
    assert text == entry["text"]
    digest = base64.b64encode(hashlib.sha256(text.encode()).hexdigest().encode()).decode()
    assert digest == entry["digest"]
    proven("signed_properties")


@rows("chain")
def test_chain(entry: Entry, proven: Proven) -> None:
    xml = read(entry["file"])
    facts = read_canonical(xml).facts
    assert facts.icv == str(entry["icv"])
    assert facts.pih == entry["pih"]
    assert invoice_hash(xml) == entry["invoice_hash"]
    assert verify(xml, pih=entry["pih"]).checks["pih"].passed
    proven("chain")


@rows("hash_variants", "cases")
def test_hash_variant(entry: Entry, proven: Proven) -> None:
    xml = read(entry["file"])
    assert invoice_hash(xml) == entry["invoice_hash"]
    assert (invoice_hash(xml) == ALL["hash_variants"]["plain_hash"]) is entry["same_as_plain"]
    invoice = read_canonical(xml)
    canonical = invoice.head + invoice.body + invoice.tail
    assert len(canonical) == entry["c14n_bytes"]
    assert hash_text(canonical) == entry["invoice_hash"]
    proven("hash_variants")


def test_invoice_request(proven: Proven) -> None:
    entry = ALL["invoice_request"]
    body = api_request(read(entry["file"]))
    assert hashlib.sha256(body).hexdigest() == entry["text_sha256"]
    assert entry["uuid"].encode() in body
    proven("invoice_request")


@rows("documents")
def test_document_is_verified(entry: Entry, proven: Proven) -> None:
    """Every value that the document carries, every check by name, and exactly the failing ones."""
    xml = read(entry["file"])
    assert hashlib.sha256(xml).hexdigest() == entry["sha256"]
    result = verify(xml)
    assert len(result.canonical) == entry["c14n_bytes"]
    assert result.invoice_hash == entry["invoice_hash"]
    facts = result.facts
    found = (facts.type_code, facts.transaction_code, facts.uuid, facts.icv, facts.pih)
    assert found == tuple(entry[name] for name in ("type_code", "type_name", "uuid", "icv", "pih"))
    assert result.digest_value == entry.get("digest_value")
    assert result.signature_value == entry.get("signature_value")
    assert result.signing_time == entry.get("signing_time")
    if "certificate_sha256" in entry:
        assert result.certificate is not None
        assert hashlib.sha256(result.certificate.der).hexdigest() == entry["certificate_sha256"]
    checks = {name: check.passed for name, check in result.checks.items() if name != "certificate_readable"}
    assert checks | result.information == entry["checks"]
    assert sorted(result.failing) == sorted(entry["failing_checks"])
    if entry.get("qr") and result.qr is not None and result.qr.lengths == "ber":
        items = [(each["tag"], each["len"], each.get("text"), each.get("hex")) for each in entry["qr"]]
        for (tag, length, text, hexadecimal), (found_tag, value) in zip(items, result.qr.items, strict=True):
            assert (tag, length) == (found_tag, len(value))
            assert (text is None or text == value.decode()) and (hexadecimal is None or hexadecimal == value.hex())
    proven("documents")


REPRODUCIBLE = [each for each in ALL["documents"] if each.get("byte_reproducible") and "unsigned" in each]


@pytest.mark.parametrize("entry", REPRODUCIBLE, ids=[each["file"].split("/")[-1] for each in REPRODUCIBLE])
def test_signing_gives_the_file_byte_for_byte(entry: Entry, proven: Proven) -> None:
    signing_time = datetime.fromisoformat(entry["signing_time"]).replace(tzinfo=SAUDI)
    stamped = stamp(read_canonical(read(entry["unsigned"])), signer_of(entry), signing_time)
    assert stamped.xml == read(entry["file"])
    assert stamped.invoice_hash == entry["invoice_hash"]
    proven("signed byte for byte")


SAMPLES = [each for each in ALL["documents"] if each["group"] in ("sdk-3.3.3", "sdk-3.4.8")]


@pytest.mark.parametrize("entry", SAMPLES or [None], ids=lambda each: each["file"][9:] if each else "none")
def test_signing_an_official_sample_again_keeps_its_hash(entry: Entry | None, proven: Proven) -> None:
    if entry is None:
        pytest.skip(WITHOUT_CORPUS)
    certificate = read_certificate(read("vectors/stamp/certificates/own-pcsid-en.der"))
    moment = datetime(2026, 3, 1, 12, tzinfo=SAUDI)
    stamped = stamp(read_canonical(read(entry["file"])), FileSigner(loaded("egs"), certificate), moment)
    assert stamped.invoice_hash == entry["invoice_hash"] == invoice_hash(stamped.xml)
    assert verify(stamped.xml).failing == []
    proven("official samples signed again")


def test_there_are_45_official_samples() -> None:
    if not has_corpus():
        pytest.skip(WITHOUT_CORPUS)
    assert len(SAMPLES) == 45
    assert len(REPRODUCIBLE) == 13


def test_example_signatures_do_not_fit_other_requests() -> None:
    """The verification above can fail."""
    first, second = (bytes.fromhex(each["tbs_hex"]) for each in own()["csr"][:2])
    signature = bytes.fromhex(own()["csr"][0]["example_signature_hex"])
    public = keys.load_key(key("egs")["sec1_pem"].encode()).public_key()
    public.verify(signature, first, ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        public.verify(signature, second, ec.ECDSA(hashes.SHA256()))
