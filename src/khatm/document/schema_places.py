"""Where in the source text an element's tags end: the parser keeps lines, validators also tell columns."""

import re
from bisect import bisect_right
from collections.abc import Collection
from itertools import islice

from lxml import etree

_MARKUP = re.compile(
    r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>"
    r"|<(?P<close>/)?[^\s/>!?](?:[^>\"']|\"[^\"]*\"|'[^']*')*?(?P<empty>/)?>",
    re.DOTALL,
)


class Places:
    """Line and column (both from 1) just behind the start tag or the end tag of the wanted elements."""

    def __init__(self, tree: etree._ElementTree, source: bytes, wanted: Collection[etree._Element]) -> None:
        places = ((element, at) for at, element in enumerate(tree.getroot().iter("*")) if element in wanted)
        self._order = dict(islice(places, len(wanted)))  # no further than the last one
        numbers = set(self._order.values())
        text = source.decode(tree.docinfo.encoding or "utf-8", "replace").removeprefix("\ufeff")
        self._lines = [0, *(match.end() for match in re.finditer(r"\r\n|\n|\r", text))]
        self._starts: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        open_elements: list[int] = []
        number, left = -1, len(numbers)
        for match in _MARKUP.finditer(text):
            if not left:
                break
            if match[0].startswith(("<!", "<?")):
                continue
            if match["close"]:
                closed = open_elements.pop()
                if closed in numbers:
                    self._ends[closed] = match.end()
                    left -= 1
                continue
            number += 1
            if number in numbers:
                self._starts[number] = self._ends[number] = match.end()
            if not match["empty"]:
                open_elements.append(number)
            elif number in numbers:
                left -= 1

    def of(self, element: etree._Element, *, at_end: bool) -> tuple[int, int] | None:
        """Return line and column behind the element's start tag, or behind its end tag."""
        order = self._order.get(element)
        if order is None or order not in self._starts:
            return None
        place = self._ends[order] if at_end else self._starts[order]
        line = bisect_right(self._lines, place)
        return line, place - self._lines[line - 1] + 1
