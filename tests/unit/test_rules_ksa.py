"""Saudi rules where the corpus has no case: hostile documents, causes of aborts, what multiplies, what 3.3.3 had.

Expectations are the Saudi rule specification's: sections 4 and 6 to 10, 12b for TaxPointDate.
"""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from khatm.rules import ksa
from khatm.rules.edition import Edition
from khatm.rules.engine import FINDINGS_LIMIT, judge_stage
from khatm.rules.findings import StageReport
from khatm.rules.reading import read
from tests.rulecases import apply

BASES = Path(__file__).parents[1] / "data" / "rules" / "ksa"
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
PARTY = "/inv:Invoice/cac:AccountingCustomerParty/cac:Party"
LINE = "/inv:Invoice/cac:InvoiceLine[1]"
NET = "cbc:LineExtensionAmount"


def judged(*ops: tuple[Any, ...], base: str = "std", edition: Edition = Edition.R348) -> StageReport:
    tree = etree.parse(BASES / f"base-{base}.xml")
    for op in ops:
        apply(tree, op)
    return judge_stage("ksa", read(tree).at(NOW), edition)


def rules(*ops: tuple[Any, ...], base: str = "std", edition: Edition = Edition.R348) -> dict[str, int]:
    return dict(Counter(finding.rule for finding in judged(*ops, base=base, edition=edition).findings))


# The specification's counts: 152 sites with 142 ids, 51 of them errors; 133 sites in the older edition.


def test_sites_ids_and_severities_of_the_newer_edition() -> None:
    sites = [site for site in ksa.SITES if Edition.R348 in site.editions]
    assert [site.number for site in sites] == [f"{number:03}" for number in range(1, 153)]
    assert len({site.rule for site in sites}) == 142
    assert Counter(site.severity for site in sites) == {"error": 51, "warning": 101}


def test_sites_of_the_older_edition() -> None:
    sites = [site for site in ksa.SITES if Edition.R333 in site.editions]
    assert len({site.number for site in sites}) == len(sites) == 133
    newer = {site.rule for site in ksa.SITES if Edition.R348 in site.editions}
    older = {site.rule for site in sites}
    assert older - newer == {"BR-KSA-86"}
    assert newer - older == {
        *(f"BR-KSA-{number}" for number in range(92, 100)), "BR-KSA-CL-07", "BR-KSA-F-06-C39", "BR-KSA-F-06-C40",
        *(f"BR-KSA-F-{number:02}" for number in range(7, 14)),
    }  # fmt: skip


# Dates of tax points are read by the newer edition alone.


@pytest.mark.parametrize(
    ("date", "edition", "expected"),
    [
        ("1999-01-01", Edition.R348, {"BR-KSA-F-01": 1}),
        ("2022-01-01", Edition.R348, {}),
        ("1999-01-01", Edition.R333, {}),
    ],
)
def test_date_of_the_tax_point(date: str, edition: Edition, expected: dict[str, int]) -> None:
    point = f"<cbc:TaxPointDate>{date}</cbc:TaxPointDate>"
    found = rules(("before", "/inv:Invoice/cbc:DocumentCurrencyCode", point), edition=edition)
    assert {rule: count for rule, count in found.items() if rule == "BR-KSA-F-01"} == expected


# E-mail addresses, in 3.3.3 alone: user and place of letters and digits, a top level of two or three letters.


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("desk@example.sa", True),
        ("a@bb.cc", True),
        ("a@b.cc", False),
        ("a@bb.info", False),
        ("a@bb.c", False),
        ("a_@bb.cc", True),
        ("_a@bb.cc", False),
        ("a.@bb.cc", False),
        ("a@-bb.cc", False),
        ("a@b+b.cc", True),
        ("a@b_b.cc", False),
        ("a@bb.cc;", True),
        ("a@bb.cc;d@ee.ff", True),
        ("a@bb.cc;;", False),
        (";a@bb.cc", False),
        ("a@bb.cc d@ee.ff", False),
        ("a@b@bb.cc", False),
        ("a@bb.cc\n", False),
        ("", True),
        ("a@" + "a." * 50_000 + "!", False),
        ("a@" + "a" * 100_000, False),
    ],
)
def test_mail_addresses_of_the_older_edition(text: str, passes: bool) -> None:
    op = ("set", f"{PARTY}/cac:Contact/cbc:ElectronicMail", text)
    assert rules(op, edition=Edition.R333).get("BR-KSA-86", 0) == (0 if passes else 1)
    assert "BR-KSA-86" not in rules(op)


# Aborts name their cause and place, and leave no other finding.


@pytest.mark.parametrize(
    ("ops", "base", "rule", "place", "found"),
    [
        (
            [("copy", "/inv:Invoice/cac:AccountingSupplierParty/cac:Party/cac:PartyIdentification")],
            "std",
            "KHATM-ABORT-MULTIPLE",
            "cac:PartyIdentification[2]/cbc:ID[1]",
            "cbc:ID",
        ),
        (
            [("add", f"{LINE}/cac:Price", "<cbc:BaseQuantity>0</cbc:BaseQuantity>")],
            "simp",
            "KHATM-ABORT-DIVISION",
            "cac:Price[1]/cbc:BaseQuantity[1]",
            "0",
        ),
        ([("set", "//cbc:ChargeIndicator", "maybe")], "std", "KHATM-ABORT-CAST", "cbc:ChargeIndicator[1]", "maybe"),
        ([("set", "/inv:Invoice/cbc:IssueDate", "2026-06-15Z")], "simp", "KHATM-ABORT-CAST", "cbc:IssueDate[1]", None),
        ([("attr", f"{LINE}/{NET}", "currencyID", "[")], "std", "KHATM-ABORT-PATTERN", f"{NET}[1]", "["),
    ],
)  # fmt: skip
def test_an_abort_names_cause_and_place(
    ops: list[tuple[Any, ...]], base: str, rule: str, place: str, found: str | None
) -> None:
    report = judged(*ops, base=base)
    (finding,) = report.findings
    assert (report.status, finding.rule, finding.severity) == ("failed", rule, "error")
    assert finding.location.endswith(place)
    assert found is None or finding.found == found


# The engine asks for existence and for rates first: seen with ZATCA's stylesheet in SaxonC.


def test_a_second_building_number_breaks_off_only_when_no_part_is_missing() -> None:
    twice = ("copy", f"{PARTY}/cac:PostalAddress/cbc:BuildingNumber")
    (finding,) = judged(twice).findings
    assert (finding.rule, finding.site) == ("KHATM-ABORT-MULTIPLE", "ksa:063")
    assert rules(twice, ("del", f"{PARTY}/cac:PostalAddress/cbc:CitySubdivisionName"))["BR-KSA-63"] == 1


def test_two_ids_in_a_scheme_go_unnoticed_where_the_rate_is_zero() -> None:
    scheme = "/inv:Invoice/cac:InvoiceLine[4]/cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/cac:TaxScheme/cbc:ID"
    assert not any(rule.startswith("KHATM") for rule in rules(("copy", scheme), base="prep", edition=Edition.R333))


# Findings multiply without bound: once per trigger, once per type code, three times per exchange rate.


def test_a_document_of_many_wrong_rates_ends_at_the_limit() -> None:
    tree = etree.parse(BASES / "base-std.xml")
    apply(tree, ("set", f"{LINE}/cac:Item/cac:ClassifiedTaxCategory/cbc:Percent", "7"))
    for _ in range(9):
        apply(tree, ("copy", LINE if _ == 0 else "/inv:Invoice/cac:InvoiceLine[cac:Item//cbc:Percent='7']"))
    report = judge_stage("ksa", read(tree).at(NOW), Edition.R348)
    assert (report.status, len(report.findings)) == ("failed", FINDINGS_LIMIT)
    assert report.note is not None


def test_a_finding_inside_a_loop_comes_once_per_type_code() -> None:
    wrong = ("set", "//cac:PaymentMeans/cbc:PaymentMeansCode", "69")
    assert rules(wrong)["BR-KSA-16"] == 1
    assert rules(wrong, ("copy", "/inv:Invoice/cbc:InvoiceTypeCode"))["BR-KSA-16"] == 2


# Texts that no number, date or pattern of ours can hold must end in a verdict, quickly.


@pytest.mark.parametrize(
    "text",
    [
        "9" * 50_000,
        "-" + "9" * 50_000,
        "0." + "0" * 50_000 + "1",
        "1e999999999",
        "1e-999999999",
        "INF",
        "NaN",
        "٣",
        "²",
        "1_0",
    ],
)
@pytest.mark.parametrize(
    "path",
    [
        f"{LINE}/{NET}",
        f"{LINE}/cbc:InvoicedQuantity",
        f"{LINE}/cac:Price/cbc:PriceAmount",
        f"{LINE}/cac:TaxTotal/cbc:TaxAmount",
        f"{LINE}/cac:Item/cac:ClassifiedTaxCategory/cbc:Percent",
        "/inv:Invoice/cac:AllowanceCharge[1]/cbc:Amount",
        "/inv:Invoice/cbc:IssueDate",
        "/inv:Invoice/cbc:IssueTime",
    ],
)
def test_monstrous_texts_get_a_verdict(path: str, text: str) -> None:
    for edition in Edition:
        assert judged(("set", path, text), edition=edition).status in ("passed", "failed")


@pytest.mark.parametrize("base", ["999999999999", "0.000000000000000000000000000000001", "7"])
def test_a_price_is_divided_by_any_base_quantity(base: str) -> None:
    report = judged(("set", "//cac:Price/cbc:BaseQuantity", base))
    assert not any(finding.rule.startswith("KHATM") for finding in report.findings)


@pytest.mark.parametrize("date", ["99999-01-01", "-0044-03-15", "999999999-12-31", "9" * 5000 + "-01-01", "0000-01-01"])
def test_years_beyond_the_calendar(date: str) -> None:
    report = judged(("set", "/inv:Invoice/cbc:IssueDate", date), base="simp")
    assert any(finding.rule in ("BR-KSA-F-01", "KHATM-ABORT-CAST") for finding in report.findings)


# The implicit zone is that of the moment given.


@pytest.mark.parametrize(
    ("now", "date", "fires"),
    [
        ("2026-06-15T23:30:00+03:00", "2026-06-16", True),
        ("2026-06-15T23:30:00+00:00", "2026-06-15", False),
        ("2026-06-16T02:30:00+03:00", "2026-06-16", False),
        ("2026-06-15T23:30:00+00:00", "2026-06-16", True),
        ("2026-06-15T12:00:00+03:00", "2026-06-15Z", True),
        ("2026-06-15T12:00:00+03:00", "2026-06-15+03:00", False),
        ("2026-06-15T12:00:00+03:00", "2026-06-15+04:00", False),
    ],
)
def test_today_is_the_day_where_the_validator_runs(now: str, date: str, fires: bool) -> None:
    tree = etree.parse(BASES / "base-std.xml")
    apply(tree, ("set", "/inv:Invoice/cbc:IssueDate", date))
    report = judge_stage("ksa", read(tree).at(datetime.fromisoformat(now)), Edition.R348)
    assert any(finding.rule == "BR-KSA-04" for finding in report.findings) is fires


def test_of_several_codes_that_are_no_pattern_the_first_looked_at_is_named() -> None:
    tree = etree.parse(BASES / "base-std.xml")
    totals = next(tree.iter("{*}LegalMonetaryTotal"))
    for number, amount in enumerate(totals):
        amount.set("currencyID", f"*{number}")
    (finding,) = judge_stage("ksa", read(tree).at(NOW), Edition.R348).findings
    assert len(totals) > 3
    assert (finding.rule, finding.site, finding.found) == ("KHATM-ABORT-PATTERN", "ksa:112", "*0")
