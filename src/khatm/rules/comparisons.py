"""How the engine compares untyped text with a number literal, which is not how numbers compare.

An integer literal and a text of 1 to 15 digits compare as integers. Otherwise both become doubles in a total order:
-0.0 is below 0.0 and NaN is above everything. Source: Saudi rule specification, section 4; both stylesheets run on the
same engine.
"""

import math
import re

from khatm.rules.numbers import double_of
from khatm.rules.reading import Node, Nodes

_whole = re.compile("-?[0-9]{1,15}").fullmatch


def compare_whole(node: Node, literal: int) -> int:
    """Return -1, 0 or 1 for a text below, equal to or above an integer literal; raises Abort (CAST) for no number."""
    text = node.text
    if _whole(text):
        number = int(text)
        return (number > literal) - (number < literal)
    return compare_total(node, float(literal))


def compare_total(node: Node, literal: float) -> int:
    """Return -1, 0 or 1 for a text below, equal to or above a decimal literal; raises Abort (CAST) for no number."""
    value = number_of(node)
    if math.isnan(value):
        return 1
    if value == literal:
        return int(math.copysign(1.0, value) - math.copysign(1.0, literal)) // 2
    return 1 if value > literal else -1


def number_of(node: Node) -> float:
    """Return the double of the node's text; raises Abort (CAST) at the node."""
    value = double_of([node])
    return math.nan if value is None else value


def some_above_zero(nodes: Nodes) -> bool:
    """Tell whether some amount is above 0; raises Abort (CAST) for a text met before one that is."""
    return any(compare_whole(node, 0) > 0 for node in nodes)


def some_zero(nodes: Nodes) -> bool:
    """Tell whether some amount equals the decimal literal 0.00, which neither -0 nor -0.00 does."""
    return any(compare_total(node, 0.0) == 0 for node in nodes)
