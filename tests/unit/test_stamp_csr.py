"""CSRs: structure against another reader, every finding of the linter, files in other encodings.

Source: stamp standard 1.2 to 1.5; the other reader is `cryptography`.
"""

import base64
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from khatm.environment import Environment
from khatm.stamp import keys
from khatm.stamp.csr import CsrFields, build_csr, lint, read_csr_file, read_properties
from khatm.stamp.errors import InvalidCsrFields, PropertiesEncoding, PropertiesEscape, UnreadableCsr

KEY = keys.generate_key()
GOOD = CsrFields(
    common_name="TST-886431145-310123456700003",
    serial_number="1-KHATM|2-EGS1|3-5d1f6a0e-0002",
    organization_identifier="310123456700003",
    organization_unit_name="فرع الرياض",
    organization_name="مؤسسة ختم التجريبية",
    country_name="SA",
    invoice_type="1100",
    location_address="RRRD2929",
    industry_business_category="تجزئة",
)


@pytest.mark.parametrize("environment", list(Environment))
def test_another_reader_finds_the_same(environment: Environment) -> None:
    request = build_csr(GOOD, environment, KEY)
    theirs = x509.load_pem_x509_csr(request.pem)
    assert theirs.is_signature_valid
    assert theirs.tbs_certrequest_bytes == request.tbs
    assert [a.value for a in theirs.subject] == ["SA", "فرع الرياض", "مؤسسة ختم التجريبية", GOOD.common_name]
    template, names = theirs.extensions
    assert not template.critical and not names.critical
    assert isinstance(template.value, x509.UnrecognizedExtension)
    assert template.value.value[2:].decode() == environment.csr_template
    (directory,) = names.value.get_values_for_type(x509.DirectoryName)
    expected = [GOOD.serial_number, GOOD.organization_identifier, "1100", "RRRD2929", "تجزئة"]
    assert [attribute.value for attribute in directory] == expected


def test_forms_of_the_csr_file() -> None:
    request = build_csr(GOOD, Environment.SANDBOX, KEY)
    crlf = request.pem.replace(b"\n", b"\r\n")
    for text in (
        request.der,
        request.pem,
        crlf,
        request.api_text.encode(),
        base64.b64encode(crlf) + b"\n",
        base64.b64encode(request.der),
        base64.encodebytes(request.der),
    ):
        assert read_csr_file(text) == request
    assert "\n" not in request.api_text
    assert base64.b64decode(request.api_text) == request.pem


@pytest.mark.parametrize("text", [b"", b"nothing", keys.sec1_pem(KEY), b"\x30\x03\x02\x01\x00"])
def test_files_that_hold_no_csr(text: bytes) -> None:
    with pytest.raises(UnreadableCsr):
        read_csr_file(text)


def test_a_certificate_is_no_csr() -> None:
    spki = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(UnreadableCsr):
        read_csr_file(spki)


def test_all_findings_come_at_once_in_the_order_of_the_table() -> None:
    broken = CsrFields(*[""] * 9)
    assert [finding.rule for finding in lint(broken)] == [1, 2, 4, 8, 10, 11, 13, 15, 16]
    wrong = replace(
        GOOD,
        serial_number="TST",
        organization_identifier="12345678901234x",
        organization_unit_name="Branch",
        country_name="SAUD",
        invoice_type="2",
    )
    assert [finding.rule for finding in lint(wrong)] == [3, 5, 6, 7, 9, 12, 14]
    with pytest.raises(InvalidCsrFields) as caught:
        build_csr(wrong, Environment.PRODUCTION, KEY)
    english, arabic = caught.value.sentence("en").splitlines(), caught.value.sentence("ar").splitlines()
    assert len(english) == len(arabic) == 8
    assert "csr.country.name" in english[6] and "'SAUD'" in english[6] and "2 or 3 letters" in english[6]
    assert "'SAUD'" in arabic[6]


@pytest.mark.parametrize(
    ("change", "rule", "severity"),
    [
        ({"invoice_type": "0000"}, 17, "error"),
        ({"country_name": "السع"}, 12, "error"),
        ({"country_name": "سع"}, 18, "error"),
        ({"common_name": "ا" * 65}, 19, "warning"),
        ({"serial_number": "1-a|2-b|3-" + "c" * 60}, 19, "warning"),
        ({"organization_name": "A & B"}, 20, "warning"),
        ({"location_address": "P.O._Box"}, 20, "warning"),
    ],
)
def test_own_rules(change: dict[str, str], rule: int, severity: str) -> None:
    (finding,) = lint(replace(GOOD, **change))
    assert (finding.rule, finding.severity) == (rule, severity)
    assert finding.message("ar") != finding.message("en")
    if severity == "warning":
        build_csr(replace(GOOD, **change), Environment.SANDBOX, KEY)


@pytest.mark.parametrize("name", ["common_name", "organization_name", "organization_unit_name"])
def test_64_arabic_letters_are_fine(name: str) -> None:
    """They are 128 bytes, at which builders that count bytes fail."""
    fields = replace(GOOD, **{name: "م" * 64})
    assert lint(fields) == []
    assert x509.load_pem_x509_csr(build_csr(fields, Environment.SANDBOX, KEY).pem).is_signature_valid


def test_a_vat_group_names_its_member() -> None:
    group = replace(GOOD, organization_identifier="399999999910003")
    assert [finding.rule for finding in lint(replace(group, organization_unit_name="Riyadh"))] == [9]
    assert [finding.rule for finding in lint(replace(group, organization_unit_name="12345678AB"))] == [9]
    assert lint(replace(group, organization_unit_name="3999999999")) == []


def test_digits_of_other_scripts_are_no_digits() -> None:
    assert 5 in [finding.rule for finding in lint(replace(GOOD, organization_identifier="3" + "٠" * 13 + "3"))]


# --- property files ---------------------------------------------------------------------------------------------

KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=20)
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)


def escaped(text: str, *, key: bool, as_escapes: bool) -> str:
    """Write text as `java.util.Properties.store` does, from its documentation."""
    out = []
    for place, letter in enumerate(text):
        if letter == " " and (key or place == 0):
            out.append("\\ ")
        elif letter in "\\=:#!":
            out.append("\\" + letter)
        elif letter in "\t\n\r\f":
            out.append({"\t": "\\t", "\n": "\\n", "\r": "\\r", "\f": "\\f"}[letter])
        elif ord(letter) > 0x7E and as_escapes:
            units = letter.encode("utf-16-be")
            out.append("".join(f"\\u{units[at]:02X}{units[at + 1]:02X}" for at in range(0, len(units), 2)))
        else:
            out.append(letter)
    return "".join(out)


@given(st.dictionaries(KEYS, VALUES, max_size=6), st.booleans(), st.sampled_from(["\n", "\r\n", "\r"]))
def test_what_java_stores_is_read_back(properties: dict[str, str], as_escapes: bool, line_end: str) -> None:
    lines = ["#comment"]
    for key, value in properties.items():
        lines.append(
            escaped(key, key=True, as_escapes=as_escapes) + "=" + escaped(value, key=False, as_escapes=as_escapes)
        )
    data = line_end.join(lines).encode("utf-8")
    assert read_properties(data) == {key: value.strip() for key, value in properties.items()}


@given(st.binary(max_size=120))
def test_any_bytes_are_read_or_refused_clearly(data: bytes) -> None:
    try:
        read_properties(data)
    except (PropertiesEncoding, PropertiesEscape) as error:
        assert 1 <= error.line <= data.count(b"\n") + data.count(b"\r") + 1


TEXT = "csr.country.name=SA\ncsr.organization.name=شركة\n"


@pytest.mark.parametrize(
    ("data", "line", "found"),
    [
        (TEXT.encode("utf-16"), 1, "UTF-16"),
        (TEXT.encode("utf-16-le"), 1, "zero bytes"),
        (TEXT.encode("windows-1256"), 2, "the byte D4"),
        (b"a=b\r\n\r\nc=caf\xe9\r\n", 3, "the byte E9"),
    ],
)
def test_other_encodings_name_the_line_and_the_remedy(data: bytes, line: int, found: str) -> None:
    with pytest.raises(PropertiesEncoding) as caught:
        read_properties(data)
    assert caught.value.line == line
    assert found in str(caught.value)
    assert "UTF-8" in caught.value.sentence("en") and "UTF-8" in caught.value.sentence("ar")


@pytest.mark.parametrize("value", ["\\u12", "\\uXYZW", "\\ud83d"])
def test_broken_escapes_name_the_line(value: str) -> None:
    with pytest.raises(PropertiesEscape) as caught:
        read_properties(f"# first\ncsr.organization.name={value}\n".encode())
    assert caught.value.line == 2
    assert "\\uXXXX" in caught.value.sentence() or "four hexadecimal digits" in caught.value.sentence()


def test_escapes_of_one_character_in_two_halves() -> None:
    assert read_properties(b"a=\\ud83d\\ude00") == {"a": "\U0001f600"}


def test_fields_come_from_their_keys_and_unknown_keys_are_ignored() -> None:
    data = "".join(f"{key}={value}\n" for key, value in GOOD.as_properties().items()) + "csr.extra=1\n"
    assert CsrFields.from_properties(read_properties(data.encode())) == GOOD
