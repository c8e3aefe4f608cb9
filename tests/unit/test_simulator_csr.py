"""What the authority accepts and refuses in a certificate request, rule by rule (gateway contract 6.5)."""

import base64
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_csr

from khatm.environment import Environment
from khatm.simulator import der
from khatm.simulator.csr import RefusedCsr, SerialTooLong, read_csr
from khatm.simulator.switches import default_switches
from tests.csr_maker import CsrRecipe, csr_member, make_csr

STRICT = default_switches(Environment.SIMULATION)
RIGHT = CsrRecipe()


def changed(**changes: str | None) -> CsrRecipe:
    """The right recipe with members of the subject or the alternative name changed; None leaves one out."""
    subject = {name: value for name, value in changes.items() if name in ("C", "O", "OU", "CN", "L")}
    unit = {name: value for name, value in changes.items() if name not in subject}
    return replace(RIGHT, subject=RIGHT.subject | subject, unit=RIGHT.unit | unit)


def test_facts_and_bytes_of_a_right_request() -> None:
    pem = make_csr(RIGHT)
    csr = read_csr(csr_member(pem), STRICT)
    parsed = load_pem_x509_csr(pem)
    assert csr.subject == parsed.subject.public_bytes()
    assert csr.public_key == parsed.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert (csr.common_name, csr.egs_serial) == ("TST-1", "1-KHATM|2-POS|3-0001")
    assert (csr.vat_number, csr.type_map) == ("310123456700003", "1100")
    assert csr.template == "PREZATCA-Code-Signing"
    san = der.element(csr.alternative_name)
    assert san.tag == der.SEQUENCE
    assert b"RRRD2929" in san.content


def test_every_form_on_the_wire_is_read() -> None:
    pem = make_csr(RIGHT)
    expected = read_csr(csr_member(pem), STRICT)
    for form in (pem.rstrip(b"\n"), pem.replace(b"\n", b"\r\n"), load_pem_x509_csr(pem).public_bytes(Encoding.DER)):
        assert read_csr(base64.b64encode(form).decode(), STRICT) == expected


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (b"\x0c\x15PREZATCA-Code-Signing", "PREZATCA-Code-Signing"),
        (b"\x13\x15PREZATCA-Code-Signing", "PREZATCA-Code-Signing"),
        (b"PREZATCA-Code-Signing", "PREZATCA-Code-Signing"),
        (b"TSTZATCA-Code-Signing", "TSTZATCA-Code-Signing"),
        (b"ZATCA-Code-Signing", "ZATCA-Code-Signing"),
        (b"\x0c\x16TESTZATCA-Code-Signing", "TESTZATCA-Code-Signing"),
    ],
)
def test_the_template_is_read_in_every_string_type_and_bare(value: bytes, name: str) -> None:
    assert read_csr(csr_member(make_csr(replace(RIGHT, template=value))), STRICT).template == name


def test_subject_order_and_extra_attributes_are_free() -> None:
    subject = {"CN": "TST-1", "2.5.4.97": "310123456700003", "L": "Riyadh", "O": "Est", "OU": "Branch", "C": "SA"}
    csr = read_csr(csr_member(make_csr(replace(RIGHT, subject=subject))), STRICT)
    assert [text for _, text in csr.names] == list(subject.values())


BROKEN: list[Any] = [
    pytest.param(changed(C="AE"), id="another country"),
    pytest.param(changed(C=None), id="no country"),
    pytest.param(changed(CN=" "), id="blank common name"),
    pytest.param(changed(O=None), id="no organization"),
    pytest.param(changed(OU=None), id="no unit"),
    pytest.param(changed(UID="310123456710003", OU="Branch"), id="VAT group member whose unit is no TIN"),
    pytest.param(changed(UID="310123456710003", OU="12345"), id="VAT group member whose TIN is short"),
    pytest.param(changed(SN=None), id="no serial"),
    pytest.param(changed(SN="KHATM-POS-1"), id="serial without its parts"),
    pytest.param(changed(SN="1-KHATM|2-POS"), id="serial of two parts"),
    pytest.param(changed(SN="1- |2-POS|3-1"), id="serial with a blank part"),
    pytest.param(changed(UID="31012345670000"), id="VAT number of 14 digits"),
    pytest.param(changed(UID="3101234567000033"), id="VAT number of 16 digits"),
    pytest.param(changed(UID="210123456700003"), id="VAT number that begins with 2"),
    pytest.param(changed(UID="310123456700004"), id="VAT number that ends with 4"),
    pytest.param(changed(UID="3١0123456700003"), id="VAT number with an Arabic digit"),
    pytest.param(changed(UID=None), id="no VAT number"),
    pytest.param(changed(title="0000"), id="map without a document kind"),
    pytest.param(changed(title="0011"), id="map with reserved kinds only"),
    pytest.param(changed(title="110"), id="map of three digits"),
    pytest.param(changed(title="1200"), id="map with a 2"),
    pytest.param(changed(title=None), id="no map"),
    pytest.param(changed(registeredAddress=None), id="no address"),
    pytest.param(changed(businessCategory=" "), id="blank business category"),
    pytest.param(replace(RIGHT, template=None), id="no template"),
    pytest.param(replace(RIGHT, with_alternative_name=False), id="no alternative name"),
    pytest.param(replace(RIGHT, curve=ec.SECP256R1()), id="prime256v1"),
    pytest.param(replace(RIGHT, curve=ec.SECP384R1()), id="secp384r1"),
    pytest.param(replace(RIGHT, digest=hashes.SHA384()), id="SHA-384"),
]


@pytest.mark.parametrize("recipe", BROKEN)
def test_a_broken_request_is_refused(recipe: CsrRecipe) -> None:
    with pytest.raises(RefusedCsr) as refusal:
        read_csr(csr_member(make_csr(recipe)), STRICT)
    assert not isinstance(refusal.value, SerialTooLong)


@pytest.mark.parametrize(
    "recipe",
    [
        pytest.param(changed(UID="310123456710003", OU="3101234567"), id="VAT group member with its TIN"),
        pytest.param(changed(title="0100"), id="simplified only"),
        pytest.param(changed(title="1111"), id="reserved kinds too"),
        pytest.param(changed(registeredAddress=None, street="King Road 1"), id="street address"),
        pytest.param(changed(SN="1-" + "x" * 53 + "|2-y|3-z|"), id="serial of 64 characters"),
    ],
)
def test_an_unusual_but_right_request_is_accepted(recipe: CsrRecipe) -> None:
    assert read_csr(csr_member(make_csr(recipe)), STRICT).egs_serial == recipe.unit["SN"]


def test_a_long_serial_has_its_own_refusal() -> None:
    with pytest.raises(SerialTooLong):
        read_csr(csr_member(make_csr(changed(SN="1-KHATM|2-POS|3-" + "9" * 49))), STRICT)


def test_p256_is_a_switch() -> None:
    lenient = replace(STRICT, csr_p256="accept")
    csr = read_csr(csr_member(make_csr(replace(RIGHT, curve=ec.SECP256R1()))), lenient)
    assert csr.public_key[-65:-64] == b"\x04"
    with pytest.raises(RefusedCsr):
        read_csr(csr_member(make_csr(replace(RIGHT, curve=ec.SECP384R1()))), lenient)


@pytest.mark.parametrize(
    "text",
    ["", "not base64!", "****", "أ", "\ud800", base64.b64encode(b"hello").decode(), base64.b64encode(b"").decode()],
)
def test_what_is_no_request_is_refused(text: str) -> None:
    with pytest.raises(RefusedCsr):
        read_csr(text, STRICT)


def test_every_damage_to_the_bytes_is_refused() -> None:
    """The self-signature covers the content; what is outside of it is structure."""
    good = load_pem_x509_csr(make_csr(RIGHT)).public_bytes(Encoding.DER)
    for position in range(len(good)):
        damaged = bytearray(good)
        damaged[position] ^= 0x01
        with pytest.raises(RefusedCsr):
            read_csr(base64.b64encode(bytes(damaged)).decode(), STRICT)
    for length in range(len(good)):
        with pytest.raises(RefusedCsr):
            read_csr(base64.b64encode(good[:length]).decode(), STRICT)
    with pytest.raises(RefusedCsr):
        read_csr(base64.b64encode(good + b"\0").decode(), STRICT)
