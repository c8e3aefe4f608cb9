"""Halala arithmetic: decimal amounts, rounded half up to two places, and their text forms.

Source: invoice-document standard, section 7.2 (half up, away from zero at exactly 5, on final results only).
"""

import re
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext

HALALA = Decimal("0.01")
ZERO = Decimal("0.00")

# Wide enough that no product or quotient of realistic amounts is rounded before we round it ourselves.
_WIDE = Context(prec=60, rounding=ROUND_HALF_UP)
_PLAIN_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)\Z")


def decimal(text: str) -> Decimal:
    """Read a plain decimal (ASCII digits, optional sign and point); ValueError for exponents, NaN or other scripts."""
    if not _PLAIN_DECIMAL.match(text):
        raise ValueError(f"not a plain decimal number: {text!r}")
    return Decimal(text)


def round2(amount: Decimal) -> Decimal:
    """Round to two decimals, half up (away from zero); never returns negative zero."""
    return amount.quantize(HALALA, None, _WIDE) or ZERO


def add(one: Decimal, other: Decimal) -> Decimal:
    """Add exactly (60 significant digits)."""
    return _WIDE.add(one, other)


def divide(dividend: Decimal, divisor: Decimal) -> Decimal:
    """Divide with 60 significant digits, so that a later `round2` sees the exact half-way points."""
    return _WIDE.divide(dividend, divisor)


def multiply(*factors: Decimal) -> Decimal:
    """Multiply exactly (60 significant digits)."""
    product = Decimal(1)
    for factor in factors:
        product = _WIDE.multiply(product, factor)
    return product


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Sum amounts exactly, starting from 0.00."""
    with localcontext(_WIDE):
        return sum(amounts, ZERO)


def percent_of(base: Decimal, percent: Decimal) -> Decimal:
    """Return `percent` % of `base`, rounded half up to two decimals."""
    return round2(divide(multiply(base, percent), Decimal(100)))


def text2(amount: Decimal) -> str:
    """Write an amount with exactly two decimals, no exponent, no separators."""
    return format(round2(amount), "f")


def plain(number: Decimal) -> str:
    """Write a number as given: no exponent, digits unchanged."""
    return format(number, "f")


def trimmed(number: Decimal, at_least: int = 0) -> str:
    """Write a number without trailing zeros after the point, keeping at least `at_least` decimals."""
    text = format(number, "f")
    if "." in text:
        whole, fraction = text.split(".")
        fraction = fraction.rstrip("0").ljust(at_least, "0")
    else:
        whole, fraction = text, "0" * at_least
    return f"{whole}.{fraction}" if fraction else whole
