"""The code lists against the numbers and members that the document standard states."""

import csv
import re
from pathlib import Path
from typing import get_args

from khatm.document.codes import (
    BUYER_SCHEMES,
    CATEGORIES,
    CHARGE_REASONS,
    COUNTRIES,
    CURRENCIES,
    EXEMPTION_REASONS,
    FLAG_ORDER,
    PAYMENT_MEANS,
    PAYMENT_MEANS_CODES,
    SELLER_SCHEMES,
    TYPE_CODES,
    Category,
    Flag,
    Kind,
    Scheme,
    exemption_term,
)


def test_the_currencies() -> None:
    assert len(CURRENCIES) == 178
    assert {"SAR", "USD", "EUR", "HRK", "ZWL", "VEF", "MRO", "STD"} <= CURRENCIES
    assert not {"SLE", "VED", "ZWG", "MRU", "STN", "VES"} & CURRENCIES


def test_the_countries() -> None:
    assert len(COUNTRIES) == 251
    assert {"SA", "AE", "1A", "XI"} <= COUNTRIES
    assert all(re.fullmatch("[A-Z0-9]{2}", code) for code in COUNTRIES)


def test_the_exemption_reasons() -> None:
    assert [len(EXEMPTION_REASONS[category]) for category in ("E", "Z", "O")] == [3, 16, 1]
    for category, reasons in EXEMPTION_REASONS.items():
        for code, term in reasons.items():
            assert code.startswith("VATEX-SA-")
            assert exemption_term(category, code) is term
            assert re.search("[\u0621-\u064a]", term.ar) and re.search("[a-z]", term.en)
    assert exemption_term("S", "VATEX-SA-35") is None
    assert exemption_term("E", "VATEX-SA-35") is None
    term = exemption_term("Z", "VATEX-SA-32")
    assert term is not None and term.bilingual == "Export of goods | صادرات السلع من المملكة"


def test_the_payment_means() -> None:
    assert len(PAYMENT_MEANS_CODES) == 68 + 1 + 5 + 7 + 1
    assert "69" not in PAYMENT_MEANS_CODES and "71" not in PAYMENT_MEANS_CODES
    assert list(PAYMENT_MEANS) == ["10", "30", "42", "48", "1"]


def test_the_closed_lists_fit_their_types() -> None:
    assert set(TYPE_CODES) == set(get_args(Kind))
    assert set(FLAG_ORDER) == set(get_args(Flag))
    assert set(BUYER_SCHEMES) == set(get_args(Scheme))
    assert set(SELLER_SCHEMES) == set(BUYER_SCHEMES) - {"TIN", "NAT", "GCC", "IQA", "PAS"}
    assert set(CATEGORIES) == set(get_args(Category))


def test_the_lists_of_the_executed_rules(shared_corpus: Path) -> None:
    spec = shared_corpus.parent / "spec"
    saudi = (spec / "rules-ksa.md").read_text("utf-8")
    english = (spec / "rules-en16931.md").read_text("utf-8")
    charges = re.search(r"\*\*L7161\*\*[^\n]*\n  ([A-Z0-9 *]+)\n", saudi)
    currencies = re.search(r"ISO4217-2005\*\* \(111\): ([A-Z ]+)", saudi)
    countries = re.search(r"COUNTRIES \(251\): ([A-Z0-9 ]+)", english)
    assert charges and currencies and countries
    assert frozenset(charges[1].replace("**CAPCAQ**", "CAP CAQ").split()) == CHARGE_REASONS
    assert frozenset(currencies[1].split()) == CURRENCIES
    assert frozenset(countries[1].split()) == COUNTRIES
    with (spec / "rules-ksa.csv").open(encoding="utf-8") as file:
        rules = {row[1]: " ".join(row) for row in csv.reader(file)}
    listed = re.search(r"Z \{VATEX-SA-([^}]*)\}, E \{VATEX-SA-([^}]*)\}, O \{VATEX-SA-([^}]*)\}", rules["BR-KSA-CL-04"])
    assert listed
    for category, codes in zip(("Z", "E", "O"), listed.groups(), strict=True):
        assert [f"VATEX-SA-{code}" for code in codes.split()] == list(EXEMPTION_REASONS[category])  # type: ignore[index]
