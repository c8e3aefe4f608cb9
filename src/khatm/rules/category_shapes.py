"""The usual VAT categories: one id, one scheme and its one id is VAT, at most one rate.

An invoice has one on every line and few that differ, so what depends on nothing else is judged once for each shape.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from khatm.rules.patterns import norm
from khatm.rules.reading import Node, Reading

_NAMES = ("cac:ClassifiedTaxCategory", "cac:TaxCategory")


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What usual categories with the same texts have in common."""

    code: str
    """The trimmed code."""


def shapes(reading: Reading) -> dict[Node, Shape]:
    """Return the shapes of all usual categories, wherever they stand."""
    return reading.fact(_shapes)


def _shapes(reading: Reading) -> dict[Node, Shape]:
    known: dict[tuple[str, str | None], Shape] = {}
    found: dict[Node, Shape] = {}
    for name in _NAMES:
        for category in reading.named(name):
            kids = category.kids
            ids, schemes, rates = category.all("cbc:ID"), category.all("cac:TaxScheme"), kids.get("cbc:Percent")
            if len(ids) != 1 or len(schemes) != 1 or (rates is not None and len(rates) != 1):
                continue
            names = schemes[0].all("cbc:ID")
            if len(names) != 1 or names[0].text != "VAT":
                continue
            texts = (ids[0].text, None if rates is None else rates[0].text)
            if texts not in known:
                known[texts] = Shape(norm(texts[0]))
            found[category] = known[texts]
    return found


def judged_by_shape(fires: Callable[[Node], bool], reading: Reading, categories: Iterable[Node]) -> list[Node]:
    """Return the categories for which `fires` is true, which looks at nothing but their ids, schemes and rates.

    It is asked once for each shape, at its first category, and at every unusual category; an Abort goes through.
    """
    usual = shapes(reading)
    verdicts: dict[Shape, bool] = {}
    found = []
    for category in categories:
        if category not in usual:
            verdict = fires(category)
        elif (shape := usual[category]) in verdicts:
            verdict = verdicts[shape]
        else:
            verdict = verdicts[shape] = fires(category)
        if verdict:
            found.append(category)
    return found
