"""The explanations: every code is there, in both languages, with the field to look at, and no two say the same.

The ids come from the rule tables, the gateway contract (section 5), the stamp standard (section 6) and the field table,
written out here so that the test does not need them.
"""

import csv
import json
import re
from collections import defaultdict
from importlib.resources import files
from pathlib import Path
from typing import get_args

import pytest

from khatm.document import schema
from khatm.document.errors import UnreadableReason
from khatm.errors import Language
from khatm.rules import advice
from khatm.rules.abort import AbortKind
from khatm.rules.catalogue import Entry, Kind, codes, explain, explain_all
from khatm.simulator import messages

LANGUAGES: tuple[Language, Language] = ("en", "ar")


def words(text: str) -> list[str]:
    return text.split()


EN16931 = words("""
BR-02 BR-03 BR-04 BR-05 BR-06 BR-08 BR-09 BR-13 BR-14 BR-15 BR-16 BR-21 BR-22 BR-24 BR-25 BR-26 BR-31 BR-32 BR-36 BR-37
BR-41 BR-43 BR-45 BR-46 BR-47 BR-48 BR-49 BR-52 BR-53 BR-54 BR-55
BR-CL-01 BR-CL-03 BR-CL-04 BR-CL-05 BR-CL-14 BR-CL-16 BR-CL-18
BR-CO-04 BR-CO-10 BR-CO-11 BR-CO-12 BR-CO-13 BR-CO-14 BR-CO-15 BR-CO-16 BR-CO-17 BR-CO-18
BR-DEC-01 BR-DEC-02 BR-DEC-05 BR-DEC-06 BR-DEC-09 BR-DEC-10 BR-DEC-11 BR-DEC-12 BR-DEC-13 BR-DEC-14 BR-DEC-15
BR-DEC-16 BR-DEC-17 BR-DEC-18 BR-DEC-19 BR-DEC-20 BR-DEC-23 BR-DEC-24 BR-DEC-25 BR-DEC-27 BR-DEC-28
BR-E-01 BR-E-05 BR-E-06 BR-E-07 BR-E-08 BR-E-09 BR-O-01 BR-O-08 BR-O-09
BR-S-01 BR-S-05 BR-S-06 BR-S-07 BR-S-08 BR-S-09 BR-S-10 BR-Z-01 BR-Z-05 BR-Z-06 BR-Z-07 BR-Z-08 BR-Z-09
""")

GATEWAY = [
    *words("""
XSD_ZATCA_VALID XSD_ZATCA_INVALID InvoiceHash-Errors invalid-invoice-hash INVOICE_UUID_VALIDATION
certificate-permissions SELF_BILLED_VALIDATION XML-INVOICE-ERROR GENERAL Invoice-Errors
invalid-digital-signature signed-properties-hashing certificate-hashing signature-method certificate-issuer-name
invalid-signing-certificate invalid-certificate
QRCODE_INVALID invoiceHash_QRCODE_INVALID invoiceTimeStamp_QRCODE_INVALID invoiceTotal_QRCODE_INVALID
INVOICE_SIGNATURE_VALUE_QRCODE_INVALID CERTIFICATE_SIGNATURE_QRCODE_INVALID publicKey_QRCODE_INVALID
sellerName_QRCODE_INVALID sellerVatNumber_QRCODE_INVALID invoiceVatTotal_QRCODE_INVALID KSA-13
Missing-OTP Invalid-OTP Missing-CSR Invalid-CSR EXCEED_CHARACTER_LIMIT Missing-ComplianceSteps
Missing-compliance_request_id Invalid-ComplianceRequestId Incorrect-ComplianceRequestId Missing-CurrentCCSID
Invalid-CurrentCCSID Missing-currentCSID Invalid-currentCSID Invalid-Request NOT_COMPLIANT HTTP-Errors
Unauthorized SaxonApiException
standard-compliant standard-credit-note-compliant standard-debit-note-compliant
simplified-compliant simplified-credit-note-compliant simplified-debit-note-compliant
buyer-qr-code-compliant seller-qr-code-compliant
certificate signatureValue invoiceSignedDataDigestValue xadesSignedPropertiesDigestValue
signingCertificateDigestValue X509IssuerName X509SerialNumber publicKey hashedXml timestamp
"""),
    "Submitted before",
    "certificate signature",
]

CHECKS = words("""
stamp_present qr_present cac_signature_present invoice_digest signature_value signed_properties_digest
certificate_single_line certificate_readable certificate_digest issuer_name serial_number qr_tlv
qr_1 qr_2 qr_3 qr_4 qr_5 qr_6 qr_7 qr_8 qr_9 pih
""")

STRUCTURE = words("""
cvc-elt.1.a cvc-elt.3.1 cvc-elt.4.2 cvc-elt.4.3 cvc-type.2 cvc-type.3.1.1 cvc-type.3.1.2
cvc-complex-type.2.1 cvc-complex-type.2.2 cvc-complex-type.2.3 cvc-complex-type.2.4.a cvc-complex-type.2.4.b
cvc-complex-type.2.4.c cvc-complex-type.2.4.d cvc-complex-type.3.2.2 cvc-complex-type.4
cvc-datatype-valid.1.2.1 cvc-pattern-valid cvc-enumeration-valid cvc-id.2
""")

GROUPS = words("2 1 3 24 4 5 7 8 9 13 16 17 20 21 22 23 25 27 28 31 32 30 29")
INDICATORS = ["BG-20-indicator", "BG-27-indicator", "BG-29-indicator"]
EUROPEAN = words("""
1 2 3 5 6 12 13 22 23 25 26 27 29 29-1 31 35 36 37 38 39 40 44 46 46-1 48 50 51 52 53 54 55 56 57 58 81 84
92 93 94 95 96 97 98 99 100 101 102 103 104 105 106 107 108 109 110 111 112 113 114 115 116 117 118 119 120 121 122 125
126 127 129 130 131 136 137 138 139 140 141 142 143 144 145 146 147 148 149 150 151 152 153 155 156 157 160 161
""")
SAUDI = words("""
1 2 3 4 5 10 11 12 13 14 15 16 17 18 19 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 41 42
""")
TERMS = (
    [f"BG-{number}" for number in GROUPS]
    + INDICATORS
    + [f"BT-{number}" for number in EUROPEAN]
    + [f"KSA-{number}" for number in SAUDI]
)

CSR_KEYS = words("""
csr.common.name csr.serial.number csr.organization.identifier csr.organization.unit.name csr.organization.name
csr.country.name csr.invoice.type csr.location.address csr.industry.business.category
""")
MESSAGE_NAMES = words("""
invoice invoiceHash uuid csr compliance_request_id requestID dispositionMessage binarySecurityToken secret
OTP Authorization
""")

WRITTEN_ONLY = words("""
BR-KSA-46 BR-KSA-50 BR-KSA-54 BR-KSA-64 BR-KSA-65 BR-KSA-CL-05 BR-KSA-F-03
BR-61 BR-E-10 BR-O-05 BR-O-06 BR-O-10 BR-O-13
""")
"""Rules that the standard prints and no stylesheet executes (document standard, section 0)."""

SHARED_ON_PURPOSE: frozenset[str] = frozenset()
"""Texts that several codes may share."""

CATEGORIES = words("S Z E O AE L M G K B")
CODE_VALUES = words("""
VAT SAR USD EUR HRK SLE ZWG SA ICV PIH QR CRN MOM MLS SAG OTH TIN NAT GCC IQA PAS ZZZ INF NaN true false T FC CAP CAQ
PCE KGM MTR HUR ar en en-GB amp lt Invoice CreditNote DOCTYPE max-size NOT_REPORTED
NNPNESB NNPNESBCG ROYALDECREE bis PATCH
""")
STANDARDS = [
    *words("RFC UUID ISO UBL XML QR SDK SHA-1 SHA-256 RSA ECDSA UTF-8 UNTDID UN/ECE GTIN UPC EAN HS base64 secp256k1"),
    "SubjectPublicKeyInfo",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
]
ATTRIBUTES = words(
    "currencyID schemeID unitCode mimeCode languageID name invoiceSignedData xmlns version xsi:type xsi:nil"
)
ALLOWED = frozenset([*CATEGORIES, *CODE_VALUES, *STANDARDS, *ATTRIBUTES, *CSR_KEYS, *MESSAGE_NAMES])
LATIN = re.compile(r"[A-Za-z][A-Za-z0-9_.:/@#-]*")
SHAPES = re.compile(
    r"""(?:BT|BG|KSA)-\d+(?:-\d+|-indicator)?      # terms
    | BR-[A-Z0-9-]+ | KHATM-[A-Z-]+ | VATEX-SA(?:-[A-Z0-9-]+)?
    | (?:@?(?:cac|cbc|ds|ext|xades|sig|sac|sbc|inv):[A-Za-z0-9@]+/?)+
    | (?:application|text|image|drawing|reporting)[/:][a-z0-9.-]+
    | urn:oasis:[A-Za-z0-9:-]+
    """,
    re.VERBOSE,
)


def every_entry() -> list[Entry]:
    return [entry for code in codes() for entry in explain_all(code)]


def entries(kind: Kind) -> list[Entry]:
    found = [explain(code, kind) for code in codes(kind)]
    return [entry for entry in found if entry is not None]


def texts(entry: Entry) -> list[tuple[str, str, str]]:
    """Return (language, part, sentence) of everything that the entry says."""
    said: list[tuple[str, str, str]] = [
        (language, part, getattr(entry.text(language), part))
        for language in LANGUAGES
        for part in ("title", "why", "fix")
        if entry.kind != "term" or part != "fix"
    ]
    return said + ([("ar", "allowed", entry.term.allowed["ar"])] if entry.term and entry.term.allowed else [])


@pytest.mark.parametrize(
    ("kind", "ids"),
    [
        ("rule", EN16931),
        ("rule", [kind.rule for kind in AbortKind]),
        ("advice", [site.rule for site in advice.SITES]),
        ("structure", STRUCTURE),
        ("structure", [f"KHATM-XML-{reason.upper()}" for reason in get_args(UnreadableReason)]),
        ("check", CHECKS),
        ("gateway", GATEWAY),
        ("term", TERMS),
    ],
)
def test_every_code_is_explained(kind: Kind, ids: list[str]) -> None:
    assert len(ids) == len(set(ids))
    assert set(ids) - set(codes(kind)) == set()


def test_every_code_of_the_gateway_and_the_sdk_is_explained(shared_corpus: Path) -> None:
    """The first column of the tables of section 5, the onboarding codes, the steps (6.2), and the SDK's codes."""
    contract = (shared_corpus.parent / "spec" / "gateway-api.md").read_text(encoding="utf-8")
    stamp = (shared_corpus.parent / "spec" / "cryptographic-stamp.md").read_text(encoding="utf-8")
    messages_part, steps = _section(contract, "## 5.", "## 6."), _section(contract, "### 6.2", "### 6.3")
    found = {
        code for cell in re.findall(r"^\| (`.*?) \|", messages_part + steps, re.MULTILINE) for code in _quoted(cell)
    }
    found |= set(_quoted(_section(messages_part, "### 5.5", "Texts in")))
    sdk = _section(stamp, "### 6.2", "An independent")
    found |= {code for cell in re.findall(r"^\| (`.*?) \|", sdk, re.MULTILINE) for code in _quoted(cell)}
    found |= set(_quoted(_section(sdk, "QR codes seen", "[C]")))
    found -= {"BR-…", "BR-CO-…", "BR-S-…", "BR-KSA-…", "BR-KSA-F-06-Cnn"}  # families
    assert len(found) > 60
    assert {code for code in found if explain(code) is None} == set()
    bodies = set(re.findall(r"`((?:Missing|Invalid|Incorrect)-[A-Za-z_]+)`", contract))
    assert {code for code in bodies if explain(code, "gateway") is None} == {"Invalid-InvoiceHash"}  # a category


def _section(text: str, start: str, end: str) -> str:
    return text[text.index(start) : text.index(end, text.index(start))]


def _quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_nothing_is_explained_that_does_not_exist() -> None:
    assert set(codes("gateway")) == set(GATEWAY)
    assert set(codes("check")) == set(CHECKS)
    assert set(codes("term")) == set(TERMS)
    assert len(TERMS) == 158


def test_every_code_that_the_product_itself_can_say_is_explained() -> None:
    said = {value.code for value in vars(messages).values() if isinstance(value, messages.WireMessage)}
    said |= {message.code for message in messages.QR_TAG_DIFFERS.values()}
    assert {code for code in said if code and explain(code, "gateway") is None} == set()
    sources = Path(schema.__file__).parent.glob("schema*.py")
    broken = {code for source in sources for code in re.findall(r"cvc-[\w.-]+\w", source.read_text(encoding="utf-8"))}
    assert broken == set(STRUCTURE)


def test_the_rule_tables_are_covered(shared_corpus: Path) -> None:
    ids = set()
    for name in ("rules-en16931.csv", "rules-ksa.csv"):
        with (shared_corpus.parent / "spec" / name).open(encoding="utf-8", newline="") as table:
            ids |= {row["rule_id"] for row in csv.DictReader(table)}
    assert ids - set(codes("rule")) == set()
    assert {id_ for id_ in ids if not id_.startswith(("BR-KSA", "BR-CL-KSA"))} >= set(EN16931)


def test_the_field_table_is_carried_over(shared_corpus: Path) -> None:
    with (shared_corpus.parent / "spec" / "fields.csv").open(encoding="utf-8", newline="") as table:
        rows = {row["id"]: row for row in csv.DictReader(table)}
    assert set(rows) == set(codes("term"))
    for entry in entries("term"):
        row, facts = rows[entry.code], entry.term
        assert facts is not None
        assert (facts.xpath, facts.datatype) == (row["xpath"], row["datatype"])
        assert row["ubl_cardinality"].startswith(facts.cardinality)
        assert list(facts.rules) == row["rules"].split()
        assert list(facts.written_only) == row["rules_written_only"].split()
        assert facts.status == {kind: row[kind] for kind in facts.status}
        assert str(facts.max_length or "") in row["max_length"]
        assert bool(facts.allowed) == bool(row["allowed_values"])


def test_every_fix_names_a_term_that_the_field_table_names_for_the_rule() -> None:
    readers: dict[str, set[str]] = defaultdict(set)
    for term in entries("term"):
        assert term.term is not None
        for rule in term.term.rules:
            readers[rule].add(term.code)
    strays = {
        (entry.code, language)
        for entry in entries("rule")
        for language in LANGUAGES
        if entry.code in readers
        and not any(_mentions(entry.text(language).fix, term) for term in readers[entry.code] & set(entry.fields))
    }
    assert set(EN16931) - set(readers) == set()
    assert strays == set()


def test_each_entry_has_its_parts_in_both_languages() -> None:
    for entry in every_entry():
        for language, part, sentence in texts(entry):
            where = (entry.code, language, part)
            assert sentence and sentence == sentence.strip(), where
            assert part != "title" or (len(sentence) <= 75 and not sentence.endswith(".")), where
            assert part not in ("why", "fix") or sentence.endswith((".", "؟")), where
            assert (language == "ar") == bool(re.search(r"[\u0600-\u06ff]", sentence)) or part == "allowed", where
        assert bool(entry.fields) == (entry.kind != "structure")
        assert entry.example is None or entry.example.strip()


def test_fields_are_terms_csr_keys_headers_or_members() -> None:
    known = {*TERMS, *CSR_KEYS, *MESSAGE_NAMES}
    assert {(entry.code, name) for entry in every_entry() for name in entry.fields if name not in known} == set()


def test_every_fix_names_a_field_in_both_languages() -> None:
    for entry in every_entry():
        if entry.kind not in ("term", "structure"):
            for language in LANGUAGES:
                named = [name for name in entry.fields if _mentions(entry.text(language).fix, name)]
                assert named, (entry.code, language)


def _mentions(sentence: str, name: str) -> bool:
    return re.search(rf"(?<![A-Za-z0-9.-]){re.escape(name)}(?![A-Za-z0-9]|-\d|\.[a-z])", sentence) is not None


def test_terms_named_in_texts_exist() -> None:
    for entry in every_entry():
        for language, part, sentence in texts(entry):
            for term in re.findall(r"(?<![A-Z-])(?:BT|BG|KSA)-\d+(?:-\d+)?", sentence):
                assert explain(term, "term"), (entry.code, language, part, term)


def test_rules_named_in_texts_exist() -> None:
    for entry in every_entry():
        for language, part, sentence in texts(entry):
            for rule in re.findall(r"BR-[A-Z0-9]+(?:-[A-Z0-9]+)*", sentence):
                assert explain(rule, "rule") or rule in WRITTEN_ONLY, (entry.code, language, part, rule)
    written_only = {rule for term in entries("term") if term.term for rule in term.term.written_only}
    assert written_only == set(WRITTEN_ONLY) - {"BR-KSA-F-03"}  # which is about every element


def test_no_two_codes_share_a_text() -> None:
    users: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for entry in every_entry():
        for _, part, sentence in texts(entry):
            if part != "allowed":
                users[re.sub(r"\W+", " ", sentence).strip().casefold()].add((entry.kind, entry.code))
    shared = {sentence: by for sentence, by in users.items() if len(by) > 1 and sentence not in SHARED_ON_PURPOSE}
    assert shared == {}


def test_arabic_has_no_latin_words_beyond_names_and_codes() -> None:
    known = {code.casefold() for code in codes()}
    strays = {
        (entry.code, word)
        for entry in every_entry()
        for language, _, sentence in texts(entry)
        if language == "ar"
        for word in (found.rstrip(".:/-") for found in LATIN.findall(sentence))
        if word not in ALLOWED and word.casefold() not in known and not SHAPES.fullmatch(word)
    }
    assert strays == set()


def test_lookup_ignores_letter_case_and_blanks() -> None:
    assert explain(" br-co-10 ") == explain("BR-CO-10") is not None
    assert explain("qrcode_invalid") == explain("QRCODE_INVALID") is not None
    assert explain("bt-31") == explain("BT-31") is not None
    assert explain("BR-CO-99") is None
    assert explain("") is None


def test_a_code_that_is_also_a_term_gives_both() -> None:
    kinds = {code: [entry.kind for entry in explain_all(code)] for code in codes()}
    assert {code: held for code, held in kinds.items() if len(held) > 1} == {"KSA-13": ["gateway", "term"]}
    first, term = explain("KSA-13"), explain("ksa-13", "term")
    assert first is not None and first.kind == "gateway" and first.term is None
    assert term is not None and term.term is not None and "BR-KSA-26" in term.term.rules


def test_no_two_codes_differ_in_letter_case_only() -> None:
    assert len({code.casefold() for code in codes()}) == len(codes())


@pytest.mark.parametrize("name", ["en16931", "ksa", "own", "advice", "structure", "checks", "gateway", "terms"])
def test_files_are_sorted_and_written_plainly(name: str) -> None:
    text = (files("khatm.rules.catalogue") / f"{name}.json").read_text(encoding="utf-8")
    records = json.loads(text)
    assert list(records) == sorted(records)
    assert "\\u" not in text
    assert text.endswith("}\n")
