"""Where in the source text an element's tags end: the parser keeps lines, validators also tell columns."""

import re
from bisect import bisect_right

from lxml import etree

_MARKUP = re.compile(
    r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>"
    r"|<(?P<close>/)?[^\s/>!?](?:[^>\"']|\"[^\"]*\"|'[^']*')*?(?P<empty>/)?>",
    re.DOTALL,
)


class Places:
    """Line and column (both from 1) just behind the start tag or the end tag of each element."""

    def __init__(self, tree: etree._ElementTree, source: bytes) -> None:
        text = source.decode(tree.docinfo.encoding or "utf-8", "replace").removeprefix("\ufeff")
        self._lines = [0, *(match.end() for match in re.finditer(r"\r\n|\n|\r", text))]
        self._starts: list[int] = []
        self._ends: dict[int, int] = {}
        open_elements: list[int] = []
        for match in _MARKUP.finditer(text):
            if match[0].startswith(("<!", "<?")):
                continue
            if match["close"]:
                self._ends[open_elements.pop()] = match.end()
                continue
            self._starts.append(match.end())
            if match["empty"]:
                self._ends[len(self._starts) - 1] = match.end()
            else:
                open_elements.append(len(self._starts) - 1)
        self._order = {element: at for at, element in enumerate(tree.getroot().iter("*"))}

    def of(self, element: etree._Element, *, at_end: bool) -> tuple[int, int] | None:
        """Return line and column behind the element's start tag, or behind its end tag."""
        order = self._order.get(element)
        if order is None or order >= len(self._starts):
            return None
        place = self._ends[order] if at_end else self._starts[order]
        line = bisect_right(self._lines, place)
        return line, place - self._lines[line - 1] + 1
