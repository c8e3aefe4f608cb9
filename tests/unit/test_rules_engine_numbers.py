"""Numbers and patterns as the stylesheets compute them; expectations from the specifications and from arithmetic."""

import math
import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khatm.document.xml import parse
from khatm.rules.abort import Abort, AbortKind
from khatm.rules.numbers import (
    boolean,
    dbl,
    dec,
    dsum,
    exactly,
    f2,
    frac,
    mul,
    number,
    r2,
    round_up,
    single,
    sub,
)
from khatm.rules.patterns import all_digits, is_word, norm
from khatm.rules.reading import read
from khatm.rules.xpath_regex import MAX_STATES, PatternSearch

decimals = st.from_regex(r"[+-]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})", fullmatch=True)


def fraction(value: Decimal | None) -> Fraction:
    assert value is not None
    return Fraction(value)


class TestDecimals:
    @pytest.mark.parametrize("text", ["", " ", ".", "+", "1e2", "INF", "NaN", "1,0", "1_0", "١", "1 0", "--1", "\xa01"])
    def test_what_is_no_decimal_aborts(self, text: str) -> None:
        with pytest.raises(Abort) as caught:
            dec(text)
        assert caught.value.kind is AbortKind.CAST

    @pytest.mark.parametrize("text", ["5.", ".5", "+1", " \t\r\n-0.10 ", "00"])
    def test_lexical_forms(self, text: str) -> None:
        assert dec(text) == Decimal(text.strip())

    @given(st.lists(decimals))
    def test_sums_are_exact(self, texts: list[str]) -> None:
        assert fraction(dsum(dec(text) for text in texts)) == sum((fraction(dec(text)) for text in texts), Fraction(0))

    @given(decimals, decimals)
    def test_differences_and_products_are_exact(self, left: str, right: str) -> None:
        a, b = dec(left), dec(right)
        assert fraction(sub(a, b)) == fraction(a) - fraction(b)
        assert fraction(mul(a, b)) == fraction(a) * fraction(b)

    @given(decimals)
    def test_rounding_is_the_floor_of_a_half_more(self, text: str) -> None:
        assert fraction(r2(dec(text))) == Fraction(math.floor(100 * fraction(dec(text)) + Fraction(1, 2)), 100)

    def test_thousands_of_digits(self) -> None:
        long = dec("0." + "9" * 20_000)
        assert fraction(dsum([long, dec("1" + "0" * 20_000)])) == fraction(long) + 10**20_000
        assert r2(long) == 1

    @pytest.mark.parametrize(
        ("text", "characters"), [("10", 0), ("10.", 0), ("10.000", 3), ("10.00 ", 3), ("1.2.3", 3), ("", 0)]
    )
    def test_fraction_characters(self, text: str, characters: int) -> None:
        assert frac(text) == characters


class TestDoubles:
    def test_lexical_forms(self) -> None:
        assert dbl(" 1.5e3\n") == 1500
        assert dbl("-INF") == -math.inf
        assert dbl("1e999") == math.inf
        assert math.isnan(dbl("NaN") or 0)
        for text in ("", "inf", "nan", "1_0", "0x1", "1e", "Infinity"):
            assert math.isnan(number(text))
            with pytest.raises(Abort):
                dbl(text)

    @given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300))
    def test_rounding_halves_goes_up(self, value: float) -> None:
        assert Fraction(round_up(value)) == math.floor(Fraction(value) + Fraction(1, 2))

    def test_rounding_keeps_the_zeros_sign(self) -> None:
        assert math.copysign(1, round_up(-0.4)) == -1
        assert round_up(0.49999999999999994) == 0
        assert math.isnan(round_up(math.nan))

    def test_a_double_becomes_its_full_expansion(self) -> None:
        assert exactly(1.005) < Decimal("1.005")
        with pytest.raises(Abort) as caught:
            exactly(math.inf)
        assert caught.value.kind is AbortKind.NOT_FINITE

    def test_single_precision(self) -> None:
        assert single(16777217.0) == 16777216.0
        assert single(0.01) == 0.009999999776482582
        assert single(1e300) == math.inf

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (0.125, ".12"), (2.675, "2.68"), (1.005, "1.00"), (-0.001, "-.00"), (-0.0, "-.00"), (0.0, ".00"),
            (Decimal("-0.00"), ".00"), (Decimal("-0.001"), "-.00"), (None, "NaN"), (1234.5, "1234.50"),
        ],
    )  # fmt: skip
    def test_two_decimals_text(self, value: float | Decimal | None, text: str) -> None:
        assert f2(value) == text

    def test_booleans(self) -> None:
        assert [boolean(text) for text in ("true", " 1 ", "false", "0\n")] == [True, True, False, False]
        with pytest.raises(Abort):
            boolean("yes")


class TestPatterns:
    def test_white_space(self) -> None:
        assert norm(" a \t\r\n b ") == "a b"
        assert norm("\xa0a\xa0") == "\xa0a\xa0"

    def test_characters(self) -> None:
        assert [is_word(character) for character in "a٣$€😀_- ."] == [True] * 5 + [False] * 4
        assert all_digits("12٣")
        assert not any(map(all_digits, ("", "1²", "①", "-1", "1 ")))

    @pytest.mark.parametrize(
        ("pattern", "text"),
        [
            ("", "SAR"), ("S", "SAR"), ("S.R", "SAR"), ("USD|SAR", "SAR"), (r"\p{Lu}{3}", "SAR"), ("^SAR$", "SAR"),
            (r"\p{IsBasicLatin}+$", "SAR"), ("^[A-Z-[AEIOU]]", "SAR"), (r"(A)\1", "AA"), ("(?:S)A", "SAR"),
            ("A+?R", "SAR"), (r"^\i\c*$", "SAR"), (r"\d", "٣"), (r"\w", "€"), ("[a-]", "-"), ("A{1,}", "SAR"),
        ],
    )  # fmt: skip
    def test_found(self, pattern: str, text: str) -> None:
        assert search(pattern, text)

    @pytest.mark.parametrize(
        ("pattern", "text"),
        [
            ("^SAR$", "SAR\n"),
            ("[^SAR]", "SAR"),
            (r"(A)\1", "AB"),
            (r"\w", "_"),
            (".", "\n"),
            (r"\P{Lu}", "SAR"),
            ("B", ""),
        ],
    )
    def test_not_found(self, pattern: str, text: str) -> None:
        assert not search(pattern, text)

    @pytest.mark.parametrize(
        "pattern",
        [
            "[",
            "*",
            "(",
            ")",
            "(?=S)",
            "A++",
            r"\2",
            r"(A\1)",
            "A}",
            "A{2,1}",
            "[]",
            "[^]",
            r"\e",
            r"\p{No",
            r"\p{Xx}",
            "[b-a]",
        ],
    )
    def test_no_pattern(self, pattern: str) -> None:
        with pytest.raises(Abort) as caught:
            search(pattern, "SAR")
        assert caught.value.kind is AbortKind.PATTERN

    @pytest.mark.parametrize(
        ("pattern", "text"),
        [("(" * 1000, "a"), ("(a|aa|a?)*c", "a" * MAX_STATES), ("a{99999}", "a"), ("[a-" * 500, "a")],
    )
    def test_too_hard(self, pattern: str, text: str) -> None:
        with pytest.raises(Abort) as caught:
            search(pattern, text)
        assert caught.value.kind is AbortKind.LIMIT

    @given(
        st.recursive(
            st.sampled_from(["a", "b", "c", "[ab]", "[^a]", "^", "$"]),
            lambda inner: st.one_of(
                st.tuples(inner, inner).map("".join),
                st.tuples(inner, inner).map(lambda pair: f"({pair[0]}|{pair[1]})"),
                st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "*?"])).map(
                    lambda p: f"({p[0]}){p[1]}"
                ),
            ),
            max_leaves=12,
        ),
        st.text("abcd", max_size=6),
    )
    def test_as_another_engine_finds(self, pattern: str, text: str) -> None:
        assert search(pattern, text) == bool(re.search(pattern.replace("$", r"\Z"), text))


def search(pattern: str, text: str) -> bool:
    return PatternSearch(read(parse(b"<x/>"))).found(pattern, text)
