"""Halala arithmetic against whole-number arithmetic. Source: document standard 7.2 (half up, away from zero at 5)."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khatm import money

SCALED = st.tuples(st.integers(-(10**30), 10**30), st.integers(0, 12))
"""A number as its digits and how many of them stand after the point."""


def number(scaled: tuple[int, int]) -> Decimal:
    digits, places = scaled
    sign = "-" if digits < 0 else ""
    text = str(abs(digits)).rjust(places + 1, "0")
    return Decimal(sign + (f"{text[:-places]}.{text[-places:]}" if places else text))


def halalas(numerator: int, denominator: int) -> int:
    """Return the quotient in whole numbers, half up away from zero."""
    whole, rest = divmod(abs(numerator), denominator)
    whole += 2 * rest >= denominator
    return -whole if numerator < 0 else whole


@given(SCALED)
def test_rounding_is_half_up_away_from_zero(scaled: tuple[int, int]) -> None:
    digits, places = scaled
    rounded = money.round2(number(scaled))
    assert rounded.as_tuple().exponent == -2
    assert int(rounded.scaleb(2, context=money._WIDE)) == halalas(digits * 100, 10**places)


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("0.005", "0.01"),
        ("-0.005", "-0.01"),
        ("2.675", "2.68"),
        ("0.0049999", "0.00"),
        ("1E+3", "1000.00"),
        ("7", "7.00"),
    ],
)
def test_amounts_as_text(given: str, written: str) -> None:
    assert money.text2(Decimal(given)) == written


@pytest.mark.parametrize("given", ["-0.00", "-0.004", "-0"])
def test_there_is_no_negative_zero(given: str) -> None:
    assert money.text2(Decimal(given)) == "0.00"
    assert not money.round2(Decimal(given)).is_signed()


def test_a_caller_with_few_digits_changes_nothing() -> None:
    with localcontext(prec=3, rounding="ROUND_DOWN"):
        assert money.round2(Decimal("123456.785")) == Decimal("123456.79")
        assert money.total([Decimal("123456.78"), Decimal("0.01")]) == Decimal("123456.79")
        assert money.multiply(Decimal("123456.78"), Decimal("1.5")) == Decimal("185185.170")
        assert money.divide(Decimal(1), Decimal(8)) == Decimal("0.125")
        assert money.percent_of(Decimal("123456.70"), Decimal(15)) == Decimal("18518.51")


@given(st.lists(st.integers(-(10**20), 10**20), max_size=9))
def test_sums_are_exact_and_have_two_places(parts: list[int]) -> None:
    summed = money.total(Decimal(part).scaleb(-2) for part in parts)
    assert int(summed.scaleb(2)) == sum(parts)
    assert len(format(summed, "f").partition(".")[2]) == 2


@given(SCALED, st.integers(0, 10_000))
def test_percentages(base: tuple[int, int], hundredths: int) -> None:
    digits, places = base
    amount = money.percent_of(number(base), Decimal(hundredths).scaleb(-2))
    assert int(amount.scaleb(2, context=money._WIDE)) == halalas(digits * hundredths, 10 ** (places + 2))


@pytest.mark.parametrize("text", ["1", "+1", "-1.", ".5", "-.5", "001.50", "123456789012345678901234567890.12"])
def test_plain_decimals_are_read(text: str) -> None:
    assert money.decimal(text) == Decimal(text)


@pytest.mark.parametrize("text", ["", ".", "-", "1e3", "1E3", "NaN", "Infinity", "1,5", " 1", "1\n", "١", "1_0", "--1"])
def test_other_texts_are_refused_and_named(text: str) -> None:
    with pytest.raises(ValueError, match="not a plain decimal number") as caught:
        money.decimal(text)
    assert str(caught.value).endswith(repr(text))


def test_numbers_are_written_as_given_without_exponent() -> None:
    assert money.plain(Decimal("1E+3")) == "1000"
    assert money.plain(Decimal("1E-7")) == "0.0000001"
    assert money.plain(Decimal("1.500")) == "1.500"


@pytest.mark.parametrize(
    ("given", "at_least", "written"),
    [
        ("1.500", 0, "1.5"),
        ("1.500", 2, "1.50"),
        ("1.000", 0, "1"),
        ("1.000", 2, "1.00"),
        ("100", 0, "100"),
        ("100", 2, "100.00"),
        ("1E+2", 1, "100.0"),
        ("1E-7", 0, "0.0000001"),
        ("0.12345", 2, "0.12345"),
    ],
)
def test_trailing_zeros_are_dropped_down_to_what_is_wanted(given: str, at_least: int, written: str) -> None:
    assert money.trimmed(Decimal(given), at_least) == written
    if not at_least:
        assert money.trimmed(Decimal(given)) == written
