"""The explanations of the Saudi rules: every id, both languages, a fix that names its field, and Arabic that is Arabic.

The ids are those of the Saudi rule specification (142 ids of edition 3.4.8), the twelve Saudi ids that the EN 16931
stylesheet holds, and the two that edition 3.3.3 alone has.
"""

import csv
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

import khatm
from khatm.document.codes import (
    ATTACHMENT_TYPES,
    BUYER_SCHEMES,
    CATEGORIES,
    CHARGE_REASONS,
    CURRENCIES,
    EXEMPTION_REASONS,
    OWN_REFERENCES,
    PAYMENT_MEANS_CODES,
)
from khatm.document.schema_model import ubl21

FILE = Path(khatm.__file__).parent / "rules" / "catalogue" / "ksa.json"
TEXT = FILE.read_text(encoding="utf-8")
CATALOGUE = json.loads(TEXT)


def _words(text: str) -> list[str]:
    return text.split()


IDS_348 = _words(
    """
    BR-CL-KSA-14 BR-CUSTOM-VALIDATION-01 BR-KSA-03 BR-KSA-04 BR-KSA-05 BR-KSA-06 BR-KSA-07 BR-KSA-08 BR-KSA-09
    BR-KSA-10 BR-KSA-11 BR-KSA-12 BR-KSA-13 BR-KSA-14 BR-KSA-15 BR-KSA-16 BR-KSA-17 BR-KSA-18 BR-KSA-19 BR-KSA-20
    BR-KSA-21 BR-KSA-22 BR-KSA-23 BR-KSA-24 BR-KSA-25 BR-KSA-26 BR-KSA-27 BR-KSA-28 BR-KSA-29 BR-KSA-30 BR-KSA-31
    BR-KSA-33 BR-KSA-34 BR-KSA-35 BR-KSA-36 BR-KSA-37 BR-KSA-39 BR-KSA-40 BR-KSA-42 BR-KSA-44 BR-KSA-49 BR-KSA-51
    BR-KSA-52 BR-KSA-53 BR-KSA-56 BR-KSA-60 BR-KSA-61 BR-KSA-63 BR-KSA-66 BR-KSA-67 BR-KSA-68 BR-KSA-69 BR-KSA-70
    BR-KSA-71 BR-KSA-72 BR-KSA-73 BR-KSA-74 BR-KSA-75 BR-KSA-76 BR-KSA-77 BR-KSA-78 BR-KSA-79 BR-KSA-80 BR-KSA-81
    BR-KSA-82 BR-KSA-83 BR-KSA-84 BR-KSA-85 BR-KSA-87 BR-KSA-88 BR-KSA-89 BR-KSA-90 BR-KSA-92 BR-KSA-93 BR-KSA-94
    BR-KSA-95 BR-KSA-96 BR-KSA-97 BR-KSA-98 BR-KSA-99 BR-KSA-CL-01 BR-KSA-CL-02 BR-KSA-CL-03 BR-KSA-CL-04
    BR-KSA-CL-06 BR-KSA-CL-07 BR-KSA-DEC-01 BR-KSA-DEC-02 BR-KSA-DEC-03 BR-KSA-DEC-04 BR-KSA-DEC-06
    BR-KSA-EN16931-01 BR-KSA-EN16931-02 BR-KSA-EN16931-03 BR-KSA-EN16931-04 BR-KSA-EN16931-05 BR-KSA-EN16931-06
    BR-KSA-EN16931-07 BR-KSA-EN16931-08 BR-KSA-EN16931-09 BR-KSA-EN16931-11 BR-KSA-EN16931-12 BR-KSA-F-01 BR-KSA-F-02
    BR-KSA-F-04 BR-KSA-F-05 BR-KSA-F-06-C11 BR-KSA-F-06-C12 BR-KSA-F-06-C13 BR-KSA-F-06-C14 BR-KSA-F-06-C15
    BR-KSA-F-06-C16 BR-KSA-F-06-C21 BR-KSA-F-06-C22 BR-KSA-F-06-C23 BR-KSA-F-06-C24 BR-KSA-F-06-C25 BR-KSA-F-06-C26
    BR-KSA-F-06-C28 BR-KSA-F-06-C29 BR-KSA-F-06-C3 BR-KSA-F-06-C32 BR-KSA-F-06-C33 BR-KSA-F-06-C34 BR-KSA-F-06-C35
    BR-KSA-F-06-C36 BR-KSA-F-06-C37 BR-KSA-F-06-C38 BR-KSA-F-06-C39 BR-KSA-F-06-C4 BR-KSA-F-06-C40 BR-KSA-F-06-C5
    BR-KSA-F-06-C6 BR-KSA-F-06-C7 BR-KSA-F-06-C9 BR-KSA-F-07 BR-KSA-F-08 BR-KSA-F-09 BR-KSA-F-10 BR-KSA-F-11
    BR-KSA-F-12 BR-KSA-F-13
    """
)
IDS_IN_EN16931 = _words(
    """
    BR-KSA-F-C-01 BR-KSA-F-06-C1 BR-KSA-F-06-C2 BR-KSA-F-06-C8 BR-KSA-F-06-C10 BR-KSA-F-06-C17 BR-KSA-F-06-C18
    BR-KSA-F-06-C19 BR-KSA-F-06-C20 BR-KSA-F-06-C27 BR-KSA-F-06-C30 BR-KSA-F-06-C31
    """
)
IDS_333_ONLY = ["BR-10", "BR-KSA-86"]

RULE_ID = re.compile(r"BR(?:-[A-Z0-9]+)+")
FIELD_ID = re.compile(
    r"\b(?:BT|BG|KSA)-\d+(?:-1|-indicator)?(?![A-Za-z0-9])", re.ASCII
)  # an Arabic "and" may touch an id
XML_NAME = re.compile(r"\b[a-z]{3}:[A-Za-z]+\b", re.ASCII)
ATTRIBUTES = ("@name", "@schemeID", "@mimeCode", "@currencyID", "@unitCode")
CODES = {
    *ATTRIBUTES, *ATTACHMENT_TYPES, *BUYER_SCHEMES, *CATEGORIES, *CURRENCIES, *CHARGE_REASONS, *OWN_REFERENCES,
    *(code for reasons in EXEMPTION_REASONS.values() for code in reasons), *PAYMENT_MEANS_CODES,
    "SA", "VAT", "reporting:1.0", "true", "false", "PCE",
    "SLE", "ZWG",  # currencies that the list lacks
}  # fmt: skip
WORD = re.compile(r"@?[A-Za-z][A-Za-z0-9:./-]*(?:\(bis\))?")
ARABIC_LETTER = re.compile("[\u0621-\u064a]")

PLACES = [(code, language) for code in CATALOGUE for language in ("en", "ar")]


def field_ids(text: str) -> set[str]:
    """The terms that a text names, rule ids such as BR-KSA-08 left out."""
    return set(FIELD_ID.findall(RULE_ID.sub("", text)))


def all_texts() -> Iterator[tuple[str, str, str, str]]:
    for code, language in PLACES:
        for part, text in CATALOGUE[code][language].items():
            yield code, language, part, text


def test_every_saudi_rule_has_an_entry() -> None:
    assert len(IDS_348) == 142
    assert sorted(CATALOGUE) == sorted([*IDS_348, *IDS_IN_EN16931, *IDS_333_ONLY])


def test_the_file_is_sorted_and_readable() -> None:
    assert json.dumps(CATALOGUE, ensure_ascii=False, indent=1, sort_keys=True) + "\n" == TEXT


@pytest.mark.parametrize("code", CATALOGUE)
def test_shape(code: str) -> None:
    entry = CATALOGUE[code]
    assert set(entry) - {"example"} == {"fields", "en", "ar"}
    assert entry["fields"]
    assert len(set(entry["fields"])) == len(entry["fields"])
    assert all(FIELD_ID.fullmatch(field) for field in entry["fields"])
    for language in ("en", "ar"):
        assert set(entry[language]) == {"title", "why", "fix"}


def test_titles_are_short_and_sentences_end() -> None:
    for code, language, part, text in all_texts():
        assert text == " ".join(text.split()), (code, language, part)
        assert len(text) <= {"title": 70, "why": 320, "fix": 240}[part], (code, language, part)
        assert text.endswith(".") is (part != "title"), (code, language, part)


@pytest.mark.parametrize(("code", "language"), PLACES)
def test_the_fix_names_a_field_of_the_rule(code: str, language: str) -> None:
    named = field_ids(CATALOGUE[code][language]["fix"])
    assert named
    assert named <= set(CATALOGUE[code]["fields"])


def test_both_languages_tell_of_the_same_fields() -> None:
    for code, entry in CATALOGUE.items():
        assert field_ids(entry["en"]["fix"]) == field_ids(entry["ar"]["fix"]), code


def test_texts_name_only_fields_of_their_entry() -> None:
    for code, language, part, text in all_texts():
        assert field_ids(text) <= set(CATALOGUE[code]["fields"]), (code, language, part)


def test_other_rules_named_in_a_text_exist() -> None:
    known = {*CATALOGUE, "BR-02", "BR-06"}
    for code, language, part, text in all_texts():
        assert set(RULE_ID.findall(text)) <= known - {code}, (code, language, part)


def test_no_two_rules_share_a_text() -> None:
    places = defaultdict(list)
    for code, language, part, text in all_texts():
        places[re.sub(r"\W+", " ", text).casefold()].append((code, language, part))
    assert [shared for shared in places.values() if len(shared) > 1] == []


def test_arabic_has_no_latin_words_but_codes() -> None:
    for code, language, part, text in all_texts():
        if language == "en":
            assert not ARABIC_LETTER.search(text), (code, part)
            continue
        assert ARABIC_LETTER.search(text), (code, part)
        assert not re.search("[,;?]", text), (code, part)  # Arabic has marks of its own
        plain = XML_NAME.sub("", FIELD_ID.sub("", RULE_ID.sub("", text)))
        assert {word.rstrip(".:") for word in WORD.findall(plain)} <= CODES, (code, part)


def test_xml_names_are_names_of_the_schema() -> None:
    table = ubl21()
    for code, entry in CATALOGUE.items():
        for text in (*entry["en"].values(), *entry["ar"].values(), entry.get("example", "")):
            for name in XML_NAME.findall(text.replace("urn:oasis:names:specification:ubl:", "")):
                assert name.split(":")[0] in table.namespaces, (code, name)
                assert table.clark(name) in table.elements, (code, name)


def test_examples_in_markup_are_well_formed() -> None:
    declared = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in ubl21().namespaces.items() if prefix != "xml")
    markup = [entry["example"] for entry in CATALOGUE.values() if entry.get("example", "").startswith("<")]
    assert len(markup) > 30
    for example in markup:
        etree.fromstring(f"<all {declared}>{example}</all>")


def test_examples_need_no_translation() -> None:
    for code, entry in CATALOGUE.items():
        if "example" in entry:
            assert entry["example"].strip(), code
            assert not ARABIC_LETTER.search(entry["example"]), code


def test_entries_agree_with_the_specification(shared_corpus: Path) -> None:
    specification = shared_corpus.parent / "spec"
    with (specification / "rules-ksa.csv").open(encoding="utf-8", newline="") as file:
        assert {row["rule_id"] for row in csv.DictReader(file)} == set(IDS_348)
    with (specification / "fields.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    sources = {code: {row["id"] for row in rows if code in row["rules"].split()} for code in CATALOGUE}
    for code, entry in CATALOGUE.items():
        assert set(entry["fields"]) <= {row["id"] for row in rows}, code
        for language in ("en", "ar"):
            assert field_ids(entry[language]["fix"]) & sources[code], (code, language)
