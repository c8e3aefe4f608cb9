"""Advice on VAT: the breakdown to the halala, rates, reasons and tax schemes.

The official rules leave a halala per line on a category's VAT, compare the base of category S in one sum for all rates,
and take any reason text. Source: the document standard, sections 5.2, 6, 7.1 to 7.3; written rules BR-KSA-54, CL-05.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Final

from khatm.document.codes import EXEMPTION_REASONS
from khatm.money import HALALA, total
from khatm.rules.advice.facts import (
    CATEGORY,
    CHARGE,
    PERCENT,
    TAX,
    advise,
    amount,
    document_categories,
    group,
    is_charge,
    line_nodes,
    line_subtotals,
    lines,
    number,
    rows,
    text,
    vat_off,
)
from khatm.rules.category_shapes import shapes
from khatm.rules.numbers import EXACT, ZERO
from khatm.rules.reading import Node, Nodes, Reading, descend

_REASON: Final = "cbc:TaxExemptionReason"
_CODES: Final = {code: term for terms in EXEMPTION_REASONS.values() for code, term in terms.items()}
_FREE: Final = "VATEX-SA-OOS"
_ALSO: Final = {"VATEX-SA-EDU": ("التعليم الأهلي للمواطنين",), "VATEX-SA-HEA": ("الرعاية الصحية الأهلية للمواطنين",)}
"""Arabic texts that public code lists give beside ours."""
_letters = re.compile(r"[^\W\d_]+")
_latin = re.compile("[A-Za-z]{3}").search


def _category_vat(reading: Reading) -> Iterator[Node]:
    for row in rows(reading):
        off = vat_off(row)
        if off and abs(off) <= HALALA * len(line_nodes(reading)):
            yield row


def _category_base(reading: Reading) -> Nodes:
    """Compare each rate of category S, if its sum over all rates is right and no rate stands in two rows."""
    found = [(row, group(row.path(CATEGORY)[0])) for row in rows(reading) if len(row.path(CATEGORY)) == 1]
    bases = {key: amount(row.all("cbc:TaxableAmount")) for row, key in found if key[0] == "S"}
    if len(bases) < 2 or None in bases.values() or len(bases) != sum(1 for _, key in found if key[0] == "S"):
        return []
    sums = _bases(reading)
    if sums is None or total(filter(None, bases.values())) != total(sums.get(key, ZERO) for key in bases):
        return []
    return [row for row, key in found if key in bases and bases[key] != sums.get(key, ZERO)]


_Group = tuple[str, Decimal | None]


def _bases(reading: Reading) -> dict[_Group, Decimal] | None:
    """Return lines + charges - allowances by category and rate, None if one cannot be read."""
    sums: dict[_Group, Decimal] = {}
    parts = [((line.category, line.rate), line.net) for line in lines(reading)]
    for node in reading.root.all(CHARGE):
        categories, value = node.all(CATEGORY), amount(node.all("cbc:Amount"))
        if not categories or value is None:
            return None
        parts.append((group(categories[0]), value if is_charge(node) else -value))
    for key, value in parts:
        if value is None or not key[0] or key[1] is None:
            return None
        sums[key] = EXACT.add(sums.get(key, ZERO), value)
    return sums


def _row_repeated(reading: Reading) -> Iterator[Node]:
    """Two rows of Z, E or O break official rules."""
    seen = set()
    for row in rows(reading):
        for category in row.path(CATEGORY)[:1]:
            key = group(category)
            if key in seen and key[0] == "S":
                yield row
            seen.add(key)


def _rate(reading: Reading) -> Iterator[Node]:
    """The official test of S takes 5, and 15 up to 16; a rate of 0 at one charge hides that of Z and E at others."""
    if any(map(_is_odd, map(number, reading.texts(PERCENT)))):
        for category in document_categories(reading):
            code, rate = group(category)
            if code == "S" and _is_odd(rate):
                yield category
    levies = reading.root.all(CHARGE)
    levied = [(is_charge(node), category, *group(category)) for node in levies for category in node.all(CATEGORY)]
    if any(rate == 0 for *_, rate in levied):
        yield from (category for charge, category, code, rate in levied if charge and rate and code in ("Z", "E"))


def _is_odd(rate: Decimal | None) -> bool:
    return rate is not None and 15 < rate < 16


def _reason_text(reading: Reading) -> Iterator[Node]:
    for category in document_categories(reading):
        for node in category.all(_REASON):
            code = text(category.all("cbc:TaxExemptionReasonCode"))
            if code in _CODES and code != _FREE and _is_other(node.text, code):
                yield node


def _is_other(found: str, code: str) -> bool:
    """Tell whether a text is not that of the code.

    Arabic texts differ between sources, so an Arabic text alone is refused only where it is another code's.
    """
    said, own = _squeezed(found), _texts()[code]
    if not said or any(each in said for each in own):
        return False
    return _latin(found) is not None or any(each in said for texts in _texts().values() for each in texts)


@cache
def _texts() -> dict[str, tuple[str, ...]]:
    """Return the texts of each code but the free one, letters only."""
    return {
        code: tuple(_squeezed(each) for each in (term.en, term.ar, *_ALSO.get(code, ())))
        for code, term in _CODES.items()
        if code != _FREE
    }


def _squeezed(words: str) -> str:
    """Keep letters only, so that punctuation, digits, blanks and Arabic vowel signs make no difference."""
    return "".join(_letters.findall(words)).casefold().replace("\u0640", "")


def _scheme(reading: Reading) -> Iterator[Node]:
    """Lower case passes everywhere; any other scheme passes at charges and prepayments."""
    free = {id(category) for node in reading.root.all(CHARGE) if is_charge(node) for category in node.all(CATEGORY)}
    free |= {id(category) for category in descend(line_subtotals(reading), CATEGORY)}
    usual = shapes(reading)  # their scheme is VAT
    for category in document_categories(reading):
        if category in usual:
            continue
        for node in category.path("cac:TaxScheme", "cbc:ID"):
            said = node.text.strip()
            if said and said != "VAT" and (said.upper() == "VAT" or id(category) in free):
                yield node


def _two_categories(reading: Reading) -> Iterator[Node]:
    for node in reading.root.all(CHARGE):
        if len(node.all(CATEGORY)) > 1:
            yield node


SITES = (
    advise("CATEGORY-VAT", _category_vat, TAX),
    advise("CATEGORY-BASE", _category_base, "cbc:TaxableAmount"),
    advise("CATEGORY-REPEATED", _row_repeated, CATEGORY, "cbc:ID"),
    advise("RATE", _rate, PERCENT),
    advise("REASON-TEXT", _reason_text),
    advise("TAX-SCHEME", _scheme),
    advise("CHARGE-CATEGORIES", _two_categories, CATEGORY, "cbc:ID"),
)
