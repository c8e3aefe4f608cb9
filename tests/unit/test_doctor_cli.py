"""`khatm doctor` on files: exit codes, both languages, JSON, and what is never shown."""

import base64
import json
import re
import shlex
import string
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from khatm.doctor import causes
from khatm.errors import Language
from tests import stamp_vectors
from tests.stamp_planter import CERTIFICATE, Stamper, b64, canonical, private_key, sha
from tests.wire.cli_stage import Desk, Ran

ROOT = Path(__file__).resolve().parents[2]
TABLE: dict[str, Any] = json.loads((files("khatm.doctor") / "causes.json").read_text(encoding="utf-8"))
LANGUAGES: tuple[Language, Language] = ("en", "ar")
ARABIC = re.compile("[\u0600-\u06ff]")
COMMENTED = Stamper().document.replace(b"<cbc:ProfileID>", b"<!-- till 4 --><cbc:ProfileID>", 1)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_sound_document_ends_with_0(desk: Desk) -> None:
    desk.write("good.xml", Stamper().stamped())
    ran = desk.khatm("doctor", "good.xml")
    assert ran.code == 0
    assert ran.out.startswith("good.xml: nothing is wrong\n")
    assert "✓ invoice_digest" in ran.out
    assert "VAT number                 310123456700003" in ran.out
    [record] = desk.khatm("doctor", "good.xml", "--format", "json").records
    assert (record["ok"], record["kind"], record["findings"], record["comparison"]) == (True, "document", [], None)
    assert {each["name"] for each in record["qr"]} == {f"qr_{tag}" for tag in range(1, 10)}
    assert all(each["equal"] for each in (*record["values"], *record["qr"]))
    assert record["certificate"]["not_after"] == "2031-01-14T09:00:00+00:00"


def commented() -> bytes:
    return Stamper(document=COMMENTED, hashed=lambda xml: canonical(xml, with_comments=True)).stamped()


def test_wrong_document_ends_with_1_and_names_the_mistake(desk: Desk) -> None:
    desk.write("bad.xml", commented())
    english, arabic = (desk.khatm("doctor", "bad.xml", "--language", each) for each in LANGUAGES)
    assert (english.code, arabic.code) == (1, 1)
    for ran in (english, arabic):
        assert "DOCTOR-HASH-COMMENTS" in ran.out
        assert "⟦!⟧-- till 4" in ran.out
    assert "was taken with the XML comments" in english.out
    assert "مع تعليقات XML" in arabic.out
    [record] = desk.khatm("doctor", "bad.xml", "--format", "json").records
    [finding] = record["findings"]
    assert sorted(finding) == [
        "cause", "checks", "code", "difference", "evidence", "facts", "fix", "proof", "proven", "severity",
    ]  # fmt: skip
    assert finding["checks"] == ["invoice_digest", "qr_6", "signature_value"]
    assert (finding["proof"], finding["proven"], finding["severity"]) == ("reproduced", True, "error")
    assert ARABIC.search(finding["cause"]["ar"])
    assert finding["difference"]["what"] == "canonical form"
    assert finding["facts"]["expected"] == b64(sha(canonical(COMMENTED)))


def test_form_of_the_stamp_is_told_with_its_place(desk: Desk) -> None:
    rsa = Stamper(block=lambda block: block.replace("xmldsig-more#ecdsa-sha256", "xmldsig-more#rsa-sha256"))
    desk.write("rsa.xml", rsa.stamped())
    for language in LANGUAGES:
        ran = desk.khatm("doctor", "rsa.xml", "--language", language)
        assert ran.code == 1
        assert "✗ KHATM-STAMP-ALGORITHM" in ran.out
        assert "ds:SignatureMethod" in ran.out
    [record] = desk.khatm("doctor", "rsa.xml", "--format", "json").records
    [finding] = record["findings"]
    assert (finding["code"], finding["severity"]) == ("KHATM-STAMP-ALGORITHM", "error")
    assert finding["facts"]["found"].endswith("#rsa-sha256")


def test_document_comes_by_standard_input_and_compares_with_another(desk: Desk) -> None:
    good = Stamper().stamped()
    desk.write("good.xml", good)
    changed = good.decode().replace("KH-S-0001", "KH-S-0009")
    ran = desk.khatm("doctor", "-", "--against", "good.xml", stdin=changed)
    assert ran.code == 1
    assert "KH-S-000⟦9⟧" in ran.out
    assert "the canonical form is the same" in desk.khatm("doctor", "good.xml", "--against", "good.xml").out


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("empty.xml", b"", "unreadable-xml"),
        ("cut.xml", b"<Invoice", "unreadable-xml"),
        ("doctype.xml", b"<!DOCTYPE a><a/>", "unreadable-xml"),
        ("words.txt", b"words", "not-examinable"),
    ],
)
def test_what_cannot_be_read_ends_with_2(desk: Desk, name: str, content: bytes, error: str) -> None:
    desk.write(name, content)
    ran = desk.khatm("doctor", name, "--format", "json")
    assert ran.code == 2
    [record] = ran.records
    assert record["ok"] is False
    assert ARABIC.search(record["message"]["ar"])
    assert record["error"] == error
    assert ran.err.startswith("error: ")


@pytest.mark.parametrize("target", ["missing.xml", "folder/nothing", "no-such-unit"])
def test_what_is_not_there_ends_with_2(desk: Desk, target: str) -> None:
    assert desk.khatm("doctor", target).code == 2


def test_options_that_do_not_belong_to_the_target_are_refused(desk: Desk) -> None:
    desk.write("cert.pem", base64.b64encode(CERTIFICATE))
    for arguments in (("till-1", "--cert", "cert.pem"), ("cert.pem", "--against", "cert.pem")):
        assert desk.khatm("doctor", *arguments).code == 2


def key_text(name: str) -> str:
    return str(next(each for each in stamp_vectors.vectors()["keys"] if each["name"] == name)["sec1_der_base64"])


def test_key_and_certificate_are_compared_and_the_key_is_not_shown(desk: Desk) -> None:
    desk.write("cert.pem", base64.b64encode(CERTIFICATE))
    desk.write("own.key", key_text("egs"))
    desk.write("other.key", key_text("egs-2"))
    desk.write("good.xml", Stamper().stamped())
    fits = [
        desk.khatm("doctor", "cert.pem", "--key", "own.key"),
        desk.khatm("doctor", "own.key", "--cert", "cert.pem"),
        desk.khatm("doctor", "good.xml", "--key", "own.key", "--cert", "cert.pem"),
    ]
    assert [ran.code for ran in fits] == [0, 0, 0]
    differs = [
        desk.khatm("doctor", "cert.pem", "--key", "other.key", "--format", "json"),
        desk.khatm("doctor", "other.key", "--cert", "cert.pem", "--format", "json"),
        desk.khatm("doctor", "good.xml", "--key", "other.key", "--format", "json"),
    ]
    for ran in differs:
        assert ran.code == 1
        assert [each["code"] for each in ran.records[0]["findings"]] == ["DOCTOR-KEY-OTHER"]
    for ran in (*fits, *differs):
        assert_without_keys(ran)


def assert_without_keys(ran: Ran) -> None:
    for name in ("egs", "egs-2"):
        scalar = stamp_vectors.key_scalar(name)
        for canary in (
            scalar.hex(),
            base64.b64encode(scalar).decode()[:20],
            key_text(name)[:40],
            str(int.from_bytes(scalar, "big")),
        ):
            assert canary not in ran.said


def test_another_certificate_than_the_embedded_one_is_named(desk: Desk) -> None:
    desk.write("good.xml", Stamper().stamped())
    desk.write("other.der", stamp_vectors.file("certificates/own-pcsid-ar.der"))
    ran = desk.khatm("doctor", "good.xml", "--cert", "other.der", "--format", "json")
    assert [each["code"] for each in ran.records[0]["findings"]] == ["DOCTOR-CERTIFICATE-GIVEN"]


def test_terminal_is_not_steered_by_what_is_shown(desk: Desk) -> None:
    """Escape sequences, line ends and overrides of direction come out as visible text."""
    steering = b"\x1b[2J\xe2\x80\xae\n"
    certificate = CERTIFICATE.replace(b"TST-886431145-310123456700003", b"TST-886431145-310123" + steering + b"0")
    assert len(certificate) == len(CERTIFICATE)
    desk.write("odd.der", certificate)
    desk.write("odd.xml", Stamper(records=lambda records: [(1, steering), *records[1:]]).stamped())
    for name in ("odd.der", "odd.xml"):
        ran = desk.khatm("doctor", name)
        assert "\x1b" not in ran.out
        assert "\u202e" not in ran.out
        assert "\\x1b[2J" in ran.out


def test_csr_is_described_and_judged(desk: Desk) -> None:
    csr = stamp_vectors.file("csr/own-en.simulation.csr.pem")
    desk.write("till.csr", csr)
    ran = desk.khatm("doctor", "till.csr", "--format", "json")
    assert ran.code == 0, ran.said
    request = ran.records[0]["request"]
    assert (request["environment"], request["template"]) == ("simulation", "PREZATCA-Code-Signing")
    assert (request["vat_number"], request["type_map"], request["curve"]) == (stamp_vectors.SELLER, "1100", "secp256k1")
    for changed, code in (
        ((b"PREZATCA", b"PROZATCA"), "DOCTOR-CSR-TEMPLATE"),
        ((b"310123456700003", b"310123456700004"), "DOCTOR-CSR-FIELD"),
        ((b"1100", b"0000"), "DOCTOR-CSR-FIELD"),
    ):
        der = base64.b64decode(b"".join(csr.splitlines()[1:-1]))
        assert changed[0] in der
        desk.write("bad.csr", base64.b64encode(der.replace(*changed)))
        found = desk.khatm("doctor", "bad.csr", "--format", "json")
        assert {each["code"] for each in found.records[0]["findings"]} == {code, "DOCTOR-CSR-SIGNATURE"}


def test_csr_on_another_curve_is_named(desk: Desk) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding

    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "till")])
    made = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(name)
        .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    )
    desk.write("p256.csr", made.public_bytes(Encoding.PEM))
    found = desk.khatm("doctor", "p256.csr", "--format", "json").records[0]
    assert "DOCTOR-CSR-CURVE" in [each["code"] for each in found["findings"]]


def test_every_cause_is_told_in_both_languages() -> None:
    assert len(causes.codes()) == len(set(causes.codes()))
    for code in causes.codes():
        entry = TABLE["causes"][code]
        assert code.startswith("DOCTOR-")
        assert entry["severity"] in causes.SEVERITIES
        for part in ("cause", "fix"):
            english, arabic = entry["en"][part], entry["ar"][part]
            assert english and not ARABIC.search(english)
            assert ARABIC.search(arabic)
            named = {name for _, name, _, _ in string.Formatter().parse(english) if name}
            told = {name for _, name, _, _ in string.Formatter().parse(arabic) if name}
            assert named == told, f"{code}: the languages name other facts"
    for group in ("proofs", "words"):
        for each in TABLE[group].values():
            assert each["en"] and each["ar"]


def test_every_cause_is_planted_in_a_test_and_named_on_the_page() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_doctor_*.py"))
    page = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
    for code in causes.codes():
        assert f'"{code}"' in tests, code
        assert f"`{code}`" in page, code


def test_page_shows_what_the_command_prints(desk: Desk) -> None:
    """The example of the page, word for word; the file is made as the page says."""
    page = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
    example = re.search(r"```text\n\$ (khatm doctor [^\n]+)\n(.*?)```", page, re.DOTALL)
    assert example is not None
    desk.write("invoice.xml", commented())
    ran = desk.khatm(*shlex.split(example[1])[1:])
    printed = [line.rstrip() for line in ran.out.splitlines()]
    shown = [line.rstrip() for line in example[2].splitlines() if line.strip() != "…"]
    assert shown
    assert printed[: len(shown)] == shown


def test_planted_key_is_the_certificates() -> None:
    """What the tests of keys stand on."""
    from cryptography import x509

    public = x509.load_der_x509_certificate(CERTIFICATE).public_key()
    assert public.public_numbers() == private_key("egs").public_key().public_numbers()  # type: ignore[union-attr]
