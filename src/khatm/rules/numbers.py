"""Numbers as the stylesheets compute them: exact decimals, IEEE doubles and single precision, never mixed.

Decimals are exact however long; `EXACT` never rounds. Doubles appear only where the executed rule uses them.
Source: XML Schema part 2 (xs:decimal, xs:double, xs:boolean), XPath functions, and the rule specifications on number
semantics (EN section 2, KSA section 4).
"""

import math
import re
import struct
from collections.abc import Iterable
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Final

from khatm.rules.abort import Abort, AbortKind
from khatm.rules.reading import Node, Nodes, one

EXACT: Final = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[InvalidOperation])
"""Adds, subtracts and multiplies without loss; not for division."""

ZERO: Final = Decimal(0)
CENT: Final = Decimal("0.01")
_HALF_CENT: Final = Decimal("0.005")

_SPACE = "[ \t\n\r]*"
_decimal = re.compile(rf"{_SPACE}([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)){_SPACE}").fullmatch
_double = re.compile(
    rf"{_SPACE}([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?INF|NaN){_SPACE}"
).fullmatch
_SPECIAL: Final = {"INF": math.inf, "+INF": math.inf, "-INF": -math.inf, "NaN": math.nan}
_BOOLEAN: Final = {"true": True, "1": True, "false": False, "0": False}
_single = struct.Struct("<f")


def dec(text: str | None) -> Decimal | None:
    """Return the exact xs:decimal, None for None; raises Abort (CAST) for anything else, "" and `1e2` included."""
    if text is None:
        return None
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return Decimal(text)
    match = _decimal(text)
    if match is None:
        raise Abort(AbortKind.CAST, text)
    return Decimal(match[1])


def dbl(text: str | None) -> float | None:
    """Return the xs:double, None for None; takes exponents, INF and NaN; raises Abort (CAST) otherwise."""
    if text is None:
        return None
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return float(text)
    match = _double(text)
    if match is None:
        raise Abort(AbortKind.CAST, text)
    special = _SPECIAL.get(match[1])
    return float(match[1]) if special is None else special


def number(text: str | None) -> float:
    """Return what XPath number() gives: the double, NaN for None or no number."""
    if text is None:
        return math.nan
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return float(text)
    match = _double(text)
    if match is None:
        return math.nan
    special = _SPECIAL.get(match[1])
    return float(match[1]) if special is None else special


def boolean(text: str) -> bool:
    """Return the xs:boolean: true, 1, false or 0 after trimming; raises Abort (CAST) otherwise."""
    value = _BOOLEAN.get(text)
    if value is None:
        value = _BOOLEAN.get(text.strip(" \t\n\r"))
        if value is None:
            raise Abort(AbortKind.CAST, text)
    return value


def decimal_of(nodes: Nodes) -> Decimal | None:
    """Return the exact decimal of the only node, None for no node; raises Abort (MULTIPLE, CAST)."""
    text = one(nodes)
    if text is None:
        return None
    try:
        return dec(text)
    except Abort as abort:
        raise abort.at(nodes[0]) from None


def double_of(nodes: Nodes) -> float | None:
    """Return the double of the only node, None for no node; raises Abort (MULTIPLE, CAST)."""
    text = one(nodes)
    if text is None:
        return None
    try:
        return dbl(text)
    except Abort as abort:
        raise abort.at(nodes[0]) from None


def boolean_of(node: Node) -> bool:
    """Return the truth value of the node's text; raises Abort (CAST)."""
    try:
        return boolean(node.text)
    except Abort as abort:
        raise abort.at(node) from None


def add(left: Decimal | None, right: Decimal | None) -> Decimal | None:
    """Return the exact sum; nothing when an operand is nothing."""
    return None if left is None or right is None else EXACT.add(left, right)


def sub(left: Decimal | None, right: Decimal | None) -> Decimal | None:
    """Return the exact difference; nothing when an operand is nothing."""
    return None if left is None or right is None else EXACT.subtract(left, right)


def mul(left: Decimal | None, right: Decimal | None) -> Decimal | None:
    """Return the exact product; nothing when an operand is nothing."""
    return None if left is None or right is None else EXACT.multiply(left, right)


def dsum(values: Iterable[Decimal | None]) -> Decimal:
    """Return the exact sum, skipping nothing; 0 for no value."""
    total = ZERO
    plus = EXACT.add
    for value in values:
        if value is not None:
            total = plus(total, value)
    return total


def r2(value: Decimal | None) -> Decimal | None:
    """Round exactly to 2 places, halves towards plus infinity: -0.125 gives -0.12."""
    if value is None:
        return None
    return EXACT.add(value, _HALF_CENT).quantize(CENT, ROUND_FLOOR, context=EXACT)


def equal(left: Decimal | None, right: Decimal | None) -> bool:
    """Tell whether both are there and numerically equal."""
    return left is not None and right is not None and left == right


def frac(text: str) -> int:
    """Return the number of characters after the first dot, blanks and zeros included; 0 without a dot."""
    dot = text.find(".")
    return 0 if dot < 0 else len(text) - dot - 1


def exactly(value: float) -> Decimal:
    """Return the double's full binary expansion; raises Abort (NOT_FINITE) for NaN and infinities."""
    if not math.isfinite(value):
        raise Abort(AbortKind.NOT_FINITE, str(value))
    return Decimal(value)


def round_up(value: float) -> float:
    """Round a double to a whole number, halves towards plus infinity, keeping the zero's sign (fn:round)."""
    if not math.isfinite(value) or abs(value) >= 2.0**52:
        return value
    below = math.floor(value)
    whole = float(below if value - below < 0.5 else below + 1)
    return math.copysign(whole, value) if whole == 0 else whole


def half_even(value: float) -> Decimal:
    """Round the shortest decimal form of a finite double to 2 places, halves to even."""
    return Decimal(repr(value)).quantize(CENT, ROUND_HALF_EVEN, context=EXACT)


def single(value: float) -> float:
    """Round a double to single precision, widened again."""
    if not math.isfinite(value):
        return value
    try:
        return float(_single.unpack(_single.pack(value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def f2(value: float | Decimal | None) -> str:
    """Write with the picture `#.00`: no leading zero, half even on the shortest form; "NaN" for nothing.

    0.125 gives `.12`; a negative double keeps its sign even as zero: -0.001 gives `-.00`.
    """
    if value is None:
        return "NaN"
    if isinstance(value, float):
        whole, dot, cents = repr(value).partition(".")
        if dot and len(cents) <= 2:  # nothing to round
            return f"{whole[:-1] if whole in ('0', '-0') else whole}.{cents:0<2}"
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        negative, rounded = math.copysign(1.0, value) < 0, half_even(value)
    else:
        negative, rounded = value < 0, value.quantize(CENT, ROUND_HALF_EVEN, context=EXACT)
    whole, _, cents = f"{rounded.copy_abs():f}".partition(".")
    return f"{'-' if negative else ''}{'' if whole == '0' else whole}.{cents}"
