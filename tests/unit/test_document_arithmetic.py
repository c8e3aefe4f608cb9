"""Figures that the document standard states, and the edges of rounding and spreading."""

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from khatm.document.arithmetic import ComputedDocument, compute
from khatm.document.errors import InvalidDocument
from khatm.document.model import read_document

Json = dict[str, Any]
SELLER = {
    "name": "Palm Corner",
    "vat": "399999998100003",
    "ids": {"CRN": "1010734512"},
    "address": {
        "street": "Olaya Road",
        "building": "3471",
        "district": "Al Olaya",
        "city": "Riyadh",
        "postal_code": "12611",
        "country": "SA",
    },
}
BUYER = {
    "name": "Buyer", "vat": "399999997200003",
    "address": SELLER["address"],
}  # fmt: skip
S15 = {"category": "S", "rate": "15"}
Z = {"category": "Z", "reason_code": "VATEX-SA-35"}


def line(price: str, quantity: str = "1", vat: Json | None = None, **more: Any) -> Json:
    return {"name": "Item", "quantity": quantity, "price": price, "vat": vat or S15, **more}


def document_of(*lines: Json, **more: Any) -> ComputedDocument:
    document = {
        "kind": "invoice",
        "profile": "simplified",
        "number": "1",
        "issue_date": "2026-03-02",
        "issue_time": "09:15:00",
        "seller": SELLER,
        "lines": list(lines),
    }
    return compute(read_document(document | more))


def computed(*lines: Json, **more: Any) -> Json:
    return document_of(*lines, **more).as_expected()


def test_vat_is_computed_on_the_document_not_summed_from_lines() -> None:
    expected = computed(*[line("10.03")] * 3)
    assert [each["vat"] for each in expected["lines"]] == ["1.50"] * 3
    assert (expected["totals"]["vat"], expected["totals"]["payable"]) == ("4.51", "34.60")


@pytest.mark.parametrize(
    ("quantity", "price", "net"),
    [
        ("7", "0.245", "1.72"),
        ("1", "0.005", "0.01"),
        ("1", "0.004", "0.00"),
        ("3", "0.335", "1.01"),
        ("1", "1.015", "1.02"),
    ],
)
def test_half_cents_go_up(quantity: str, price: str, net: str) -> None:
    assert computed(line(price, quantity))["lines"][0]["net"] == net


def test_prices_and_quantities_are_never_rounded() -> None:
    expected = computed(line("0.123456789012345", "1000000"))
    assert (expected["lines"][0]["price"], expected["lines"][0]["net"]) == ("0.123456789012345", "123456.79")


def test_base_and_percentage_are_left_out_where_the_authoritys_doubles_give_another_amount() -> None:
    """8.50 at 15 % is 1.28 half up and 1.27 in the authority's binary floating point (section 5.3)."""
    discount = {"percent": "15", "reason": "r", "code": "95"}
    assert computed(line("8.50", discounts=[discount]))["lines"][0]["discounts"] == [
        {"amount": "1.28", "reason": "r", "code": "95"}
    ]
    assert computed(line("8.40", discounts=[discount]))["lines"][0]["discounts"] == [
        {"amount": "1.26", "base": "8.40", "percent": "15", "reason": "r", "code": "95"}
    ]


def test_the_percentage_of_a_named_base() -> None:
    discount = {"percent": "10.50", "base": "40"}
    assert computed(line("100", discounts=[discount]))["lines"][0]["discounts"] == [
        {"amount": "4.20", "base": "40.00", "percent": "10.5"}
    ]
    spread = computed(line("60"), line("40", vat=Z), discounts=[discount])
    assert spread["document_discounts"] == [
        {"category": "S", "rate": "15.00", "amount": "2.52"},
        {"category": "Z", "rate": "0.00", "amount": "1.68"},
    ]
    assert computed(line("60"), discounts=[discount])["document_discounts"] == [
        {"category": "S", "rate": "15.00", "amount": "4.20", "base": "40.00", "percent": "10.5"}
    ]


def test_shares_add_up_and_a_share_of_nothing_gives_no_entry() -> None:
    expected = computed(line("100"), line("0.01", vat=Z), discounts=[{"amount": "10"}])
    assert expected["document_discounts"] == [{"category": "S", "rate": "15.00", "amount": "10.00"}]
    thirds = computed(
        line("1"), line("1", vat=Z), line("1", vat={"category": "E", "reason_code": "VATEX-SA-30"}),
        discounts=[{"amount": "1"}],
    )  # fmt: skip
    assert [each["amount"] for each in thirds["document_discounts"]] == ["0.33", "0.34", "0.33"]


def test_the_official_payable_rounding_sample() -> None:
    expected = computed(line("1000", price_basis="gross"))
    assert expected["lines"][0] | {"discounts": [], "charges": []} == {
        "id": "1", "price": "869.5652173913", "discounts": [], "charges": [],
        "net": "869.57", "vat": "130.43", "gross": "1000.00",
    }  # fmt: skip
    totals = expected["totals"]
    assert (totals["vat"], totals["tax_inclusive"], totals["rounding"], totals["payable"]) == (
        "130.44",
        "1000.01",
        "-0.01",
        "1000.00",
    )


def test_what_is_left_over_of_inclusive_totals_is_as_often_as_the_standard_says() -> None:
    """Over all totals from 0.01 to 2000.00 at 15 %: 87.0 % need no rounding, 8.7 % -0.01, 4.3 % +0.01 (section 7.4)."""
    counts = {Decimal("0.00"): 0, Decimal("-0.01"): 0, Decimal("0.01"): 0}
    cent = Decimal("0.01")
    for halalas in range(1, 200_001):
        total = Decimal(halalas) / 100
        net = (total / Decimal("1.15")).quantize(cent, ROUND_HALF_UP)
        counts[total - net - (net * Decimal("0.15")).quantize(cent, ROUND_HALF_UP)] += 1
    assert [round(count / 2000, 1) for count in counts.values()] == [87.0, 8.7, 4.3]
    for halalas in range(1, 200_001, 997):
        totals = computed(line(f"{Decimal(halalas) / 100}", price_basis="gross"))["totals"]
        assert totals["payable"] == f"{Decimal(halalas) / 100:.2f}"
        assert abs(Decimal(totals["rounding"])) <= cent


def test_a_mixture_of_bases_has_no_residual() -> None:
    assert computed(line("1000", price_basis="gross"), line("1"))["totals"]["rounding"] == "0.00"
    net_charge = {"amount": "1", "reason": "r", "code": "FC"}
    assert computed(line("1000", price_basis="gross"), charges=[net_charge])["totals"]["rounding"] == "0.00"


def test_inclusive_lines_share_the_running_total_of_their_group() -> None:
    expected = computed(*[line("0.10", price_basis="gross")] * 10)
    nets = [Decimal(each["net"]) for each in expected["lines"]]
    assert sum(nets) == Decimal("0.87")  # 1.00 / 1.15
    assert set(nets) == {Decimal("0.08"), Decimal("0.09")}
    assert all(each["gross"] == "0.10" for each in expected["lines"])


def test_inclusive_discounts_and_charges_become_one_amount() -> None:
    adjusted = line(
        "115", price_basis="gross", price_discount="11.50",
        discounts=[{"amount": "5.75", "reason": "a", "code": "95"}, {"percent": "10", "reason": "b"}],
        charges=[{"amount": "2.30", "reason": "c", "code": "FC"}],
    )  # fmt: skip
    [result] = computed(adjusted)["lines"]
    # 103.50 - 5.75 - 10.35 + 2.30 = 89.70, and 78.00 without VAT; the price alone would be 90.00.
    assert (result["price"], result["net"], result["gross"]) == ("90.00", "78.00", "89.70")
    assert (result["discounts"], result["charges"]) == ([{"amount": "12.00", "reason": "a", "code": "95"}], [])
    raised = line(
        "115", price_basis="gross", discounts=[{"amount": "1"}], charges=[{"amount": "24", "reason": "c", "code": "FC"}]
    )
    [result] = computed(raised)["lines"]
    assert (result["discounts"], result["charges"]) == ([], [{"amount": "20.00", "reason": "c", "code": "FC"}])


def test_an_inclusive_document_discount_is_cut_from_the_running_totals() -> None:
    expected = computed(line("115", price_basis="gross"), discounts=[{"percent": "10", "basis": "gross"}])
    assert expected["document_discounts"] == [{"category": "S", "rate": "15.00", "amount": "10.00"}]
    assert expected["totals"]["payable"] == "103.50"


@pytest.mark.parametrize(
    ("step", "rounding", "payable"), [("0.05", "-0.02", "11.50"), ("1", "0.48", "12.00"), ("0.25", "-0.02", "11.50")]
)
def test_rounding_to_a_step(step: str, rounding: str, payable: str) -> None:
    totals = computed(line("10.02"), round_to=step)["totals"]  # 11.52 with VAT
    assert (totals["rounding"], totals["payable"]) == (rounding, payable)


def test_rounding_as_given() -> None:
    totals = computed(line("10"), rounding="-0.5")["totals"]
    assert (totals["rounding"], totals["payable"]) == ("-0.50", "11.00")


def test_the_riyal_total_of_a_foreign_document() -> None:
    totals = computed(line("10.03"), currency="USD", sar_rate="3.7501")["totals"]
    assert (totals["vat"], totals["vat_sar"]) == ("1.50", "5.63")  # 5.62515
    assert computed(line("10.03"), sar_rate="1.0")["totals"]["vat_sar"] == "1.50"


def prepayment(*parts: Json) -> Json:
    return {"number": "P-1", "issue_date": "2026-01-02", "issue_time": "10:00:00", "parts": list(parts)}


def test_prepaid_categories_get_a_row_of_zero_where_no_line_has_them() -> None:
    parts = [S15 | {"taxable": "10"}, Z | {"taxable": "5"}, {"category": "S", "rate": "5", "taxable": "1.10"}]
    expected = computed(line("100"), prepayments=[prepayment(*parts)])
    assert [(row["category"], row["rate"], row["taxable"]) for row in expected["vat_breakdown"]] == [
        ("S", "15.00", "100.00"),
        ("Z", "0.00", "0.00"),
    ]
    assert [(each["id"], each["tax"], each["reason_code"]) for each in expected["prepayment_lines"]] == [
        ("2", "1.50", None),
        ("3", "0.00", "VATEX-SA-35"),
        ("4", "0.06", None),
    ]
    assert (expected["totals"]["prepaid"], expected["totals"]["payable"]) == ("17.66", "97.34")


def test_the_first_rate_of_s_prepayments_makes_the_row_where_no_line_is_s() -> None:
    parts = [{"category": "S", "rate": "5", "taxable": "1"}, S15 | {"taxable": "1"}]
    expected = computed(line("100", vat=Z), prepayments=[prepayment(*parts)])
    assert [(row["category"], row["rate"]) for row in expected["vat_breakdown"]] == [("Z", "0.00"), ("S", "5.00")]


def test_a_charge_of_another_group_makes_its_row() -> None:
    charge = {"amount": "7.50", "reason": "r", "code": "FC", "vat": Z}
    expected = computed(line("100"), charges=[charge])
    assert [(row["category"], row["taxable"], row["tax"]) for row in expected["vat_breakdown"]] == [
        ("S", "100.00", "15.00"),
        ("Z", "7.50", "0.00"),
    ]


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        ([], "0200000"),
        (["third_party"], "0210000"),
        (["nominal"], "0201000"),
        (["export"], "0200100"),
        (["summary"], "0200010"),
        (["continuous"], "02000001"),
        (["b2g"], "020000001"),
        (["b2g", "third_party", "continuous"], "021000011"),
    ],
)
def test_transaction_codes_are_only_as_long_as_their_flags_need(flags: list[str], code: str) -> None:
    more = {"contract_ref": "C", "buyer": {"name": "Sara"}, "supply": {"date": "2026-03-01", "end": "2026-03-02"}}
    assert computed(line("1"), flags=flags, **more)["transaction_code"] == code


def test_rates_are_one_group_however_they_are_written() -> None:
    lines = [line("1", vat={"category": "S", "rate": rate}) for rate in ("15", "15.0", "15.00")]
    assert len(computed(*lines)["vat_breakdown"]) == 1


def refused(*lines: Json, **more: Any) -> list[tuple[str, str, str, str]]:
    """Return path, what was found, what is allowed and the code of each problem."""
    with pytest.raises(InvalidDocument) as caught:
        computed(*lines, **more)
    for problem in caught.value.problems:
        assert re.search(r"[\u0600-\u06ff]", problem.allowed_ar)
        assert not re.search(r"[a-zA-Z]", problem.allowed_ar)
    return [(each.path, each.found, each.allowed, each.code) for each in caught.value.problems]


def test_lines_below_zero_are_all_named() -> None:
    low = line("10", discounts=[{"amount": "15"}])
    allowed = "discounts that leave the line at zero or more"
    assert refused(line("1"), low, line("2"), low) == [
        ("lines[1].discounts", "a line amount of -5.00", allowed, "below-zero"),
        ("lines[3].discounts", "a line amount of -5.00", allowed, "below-zero"),
    ]
    assert computed(line("10", discounts=[{"amount": "10"}]))["lines"][0]["net"] == "0.00"


def test_a_group_below_zero_is_named() -> None:
    assert refused(line("10"), line("5", vat=Z), discounts=[{"amount": "7.50", "vat": Z}]) == [
        (
            "discounts",
            "discounts that bring the VAT group Z 0.00 to -2.50",
            "discounts that leave each VAT group at zero or more",
            "above-group",
        )
    ]
    assert computed(line("10"), line("5", vat=Z), discounts=[{"amount": "5", "vat": Z}])["totals"]["payable"] == "11.50"


@pytest.mark.parametrize(("member", "basis"), [("discounts", "net"), ("charges", "net"), ("charges", "gross")])
def test_an_amount_that_nothing_carries_cannot_be_spread(member: str, basis: str) -> None:
    free = line("0", price_basis=basis) if basis == "gross" else line("0")
    own = {"amount": "1", "reason": "r", "code": "FC", "vat": Z}
    entry = {"amount": "2.50", "basis": basis} | ({"reason": "r", "code": "FC"} if member == "charges" else {})
    more = {"charges": [own, entry]} if member == "charges" else {"discounts": [entry]}
    at = 1 if member == "charges" else 0
    allowed = "the VAT group that 2.50 belongs to: there is no line amount to spread it over"
    problems = [each for each in refused(free, **more) if each[3] == "spread"]
    assert problems == [(f"{member}[{at}].vat", "", allowed, "spread")]


def test_nothing_to_pay_back() -> None:
    paid = prepayment(S15 | {"taxable": "20"})
    assert refused(line("10"), prepayments=[paid]) == [
        (
            "prepayments",
            "a payable amount of -11.50",
            "prepayments and rounding that leave zero or more to pay",
            "below-zero",
        )
    ]
    assert refused(line("10"), rounding="-11.51")[0][:2] == ("rounding", "a payable amount of -0.01")
    assert computed(line("10"), rounding="-11.50")["totals"]["payable"] == "0.00"


@pytest.mark.parametrize(
    ("more", "date"),
    [
        ({}, None),
        ({"supply": {"date": "2026-03-01"}}, "2026-03-01"),
        ({"profile": "standard", "buyer": BUYER}, "2026-03-02"),
        ({"profile": "standard", "buyer": BUYER, "supply": {"date": "2026-02-28"}}, "2026-02-28"),
    ],
)
def test_the_supply_date_of_standard_invoices_is_the_issue_date_unless_given(more: Json, date: str | None) -> None:
    assert document_of(line("1"), **more).supply_date == date


def test_prepayments_keep_what_is_said_of_them() -> None:
    known = prepayment(S15 | {"taxable": "10.004", "tax": "1.495"}) | {"uuid": "8e6000cf-1a98-4174-b3e7-b5d5954bc10d"}
    [paid] = document_of(line("100"), prepayments=[known]).prepayment_lines
    assert (paid.taxable, paid.tax) == (Decimal("10.00"), Decimal("1.50"))
    assert (paid.uuid, paid.number, paid.id) == ("8e6000cf-1a98-4174-b3e7-b5d5954bc10d", "P-1", "2")


def test_the_price_of_a_shelf_price_has_at_most_fourteen_characters() -> None:
    """Ten decimals, or as many as fit; two at least, whatever the size (section 7.4)."""
    for shelf, price in {
        "1": "0.8695652174",
        "1000": "869.5652173913",
        "115000": "100000.00",
        "100000": "86956.52173913",
        "10000000": "8695652.173913",
        "100000000000": "86956521739.13",
        "999999999999": "869565217390.43",
    }.items():
        assert computed(line(shelf, price_basis="gross"))["lines"][0]["price"] == price, shelf


def test_an_inclusive_percentage_charge_is_of_the_line_before_it() -> None:
    raised = line("115", price_basis="gross", charges=[{"percent": "10", "reason": "c", "code": "FC"}])
    [result] = computed(raised)["lines"]
    assert (result["gross"], result["net"]) == ("126.50", "110.00")
    assert result["charges"] == [{"amount": "10.00", "reason": "c", "code": "FC"}]


def test_a_fall_of_less_than_a_riyal_is_a_discount_and_a_rise_a_charge() -> None:
    fallen = line("1.15", price_basis="gross", discounts=[{"amount": "0.23", "reason": "a"}])
    assert computed(fallen)["lines"][0]["discounts"] == [{"amount": "0.20", "reason": "a"}]
    raised = line("1.15", price_basis="gross", charges=[{"amount": "0.23", "reason": "c", "code": "FC"}])
    assert computed(raised)["lines"][0]["charges"] == [{"amount": "0.20", "reason": "c", "code": "FC"}]


def test_a_percentage_of_a_group_of_its_own_is_of_that_groups_lines() -> None:
    off = {"percent": "10", "vat": S15}
    assert computed(line("60"), line("40", vat=Z), discounts=[off])["document_discounts"] == [
        {"category": "S", "rate": "15.00", "amount": "6.00", "base": "60.00", "percent": "10"}
    ]


def test_an_inclusive_percentage_may_name_its_base_and_its_group() -> None:
    lines = [line("115", price_basis="gross"), line("40", vat=Z, price_basis="gross")]
    own = {"percent": "10", "basis": "gross", "vat": S15}
    assert computed(*lines, discounts=[own])["document_discounts"] == [
        {"category": "S", "rate": "15.00", "amount": "10.00"}
    ]
    based = own | {"base": "57.50"}
    assert computed(*lines, discounts=[based])["document_discounts"] == [
        {"category": "S", "rate": "15.00", "amount": "5.00"}
    ]


def test_what_inclusive_charges_leave_over_is_rounded_away_too() -> None:
    """1000.00 is told to the customer: 900 and 100 with VAT. 869.57 and its VAT make 1000.01."""
    charge = {"amount": "100", "basis": "gross", "reason": "r", "code": "FC"}
    totals = computed(line("900", price_basis="gross"), charges=[charge])["totals"]
    assert (totals["tax_inclusive"], totals["rounding"], totals["payable"]) == ("1000.01", "-0.01", "1000.00")


def test_half_a_step_goes_up() -> None:
    totals = computed(line("10"), round_to="1")["totals"]  # 11.50 with VAT
    assert (totals["rounding"], totals["payable"]) == ("0.50", "12.00")


def test_amounts_of_many_digits_are_exact() -> None:
    """More digits than the 28 of Python's default context: against whole numbers."""
    price, quantity = 999999999999_123456789012345, 987654321098_765
    product = price * quantity  # 15 + 3 places
    net = (2 * product + 10**16) // (2 * 10**16)  # halalas, half up
    vat = (2 * net * 15 + 100) // 200
    totals = computed(line("999999999999.123456789012345", "987654321098.765"))["totals"]
    assert totals["line_net"] == f"{net // 100}.{net % 100:02}"
    assert totals["payable"] == f"{(net + vat) // 100}.{(net + vat) % 100:02}"
