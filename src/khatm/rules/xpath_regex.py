"""XPath regular expressions over document text: the stylesheet uses currency codes as patterns.

The language is that of XML Schema with XPath's additions (anchors, reluctant quantifiers, back-references,
non-capturing groups), not Python's. Only "does it occur" is asked, so the search keeps a set of states instead of
backtracking: its cost is bounded by pattern times text, and by a budget over the whole document.
Source: XML Schema part 2, appendix F; XPath functions, section 5.6.1.
"""

import re
from typing import Final

from khatm.rules.abort import Abort, AbortKind
from khatm.rules.reading import Reading
from khatm.rules.xpath_classes import Takes, category_or_block, escaped_class, one_of, single_escape

MAX_STATES: Final = 200_000
"""Steps for all searches in one document, less than a fifth of a second; beyond, the stage ends (LIMIT)."""
_MAX_PROGRAM: Final = 5_000
_MAX_NESTING: Final = 100

_plain = re.compile(r"[^.\\?*+{}()|\[\]^$]*").fullmatch
_quantity = re.compile(r"\{([0-9]{1,9})(,([0-9]{1,9})?)?\}")

# A program is a list of steps: a character test, or a tuple of an operation and its operand.
_Step = Takes | tuple[str, int] | tuple[str, int, int]


def _not_line_end(found: str) -> bool:
    return found not in "\n\r"


_SIGNS: Final[dict[str, _Step]] = {".": _not_line_end, "^": ("start", 0), "$": ("end", 0)}


class PatternSearch:
    """Searches with document text as patterns; one per document (`reading.fact(PatternSearch)`), sharing a budget."""

    def __init__(self, reading: Reading) -> None:
        self._found: dict[tuple[str, str], bool] = {}
        self._left = MAX_STATES

    def found(self, pattern: str, text: str) -> bool:
        """Tell whether the pattern occurs in the text; raises Abort (PATTERN) if it is none, (LIMIT) if too hard."""
        if _plain(pattern):
            return pattern in text
        key = (pattern, text)
        if key not in self._found:
            self._found[key] = self._search(pattern, text)
        return self._found[key]

    def _search(self, pattern: str, text: str) -> bool:
        self._spend(len(pattern), pattern)
        program, references = compile_pattern(pattern)
        self._spend(len(program), pattern)
        seen: set[tuple[object, ...]] = set()
        waiting: list[tuple[int, int, tuple[int, ...]]] = [(0, start, ()) for start in range(len(text), -1, -1)]
        self._spend(len(waiting), pattern)
        while waiting:
            state = waiting.pop()
            if state in seen:
                continue
            seen.add(state)
            self._spend(1, pattern)
            at, place, groups = state
            if at == len(program):
                return True
            step = program[at]
            if not isinstance(step, tuple):
                if place < len(text) and step(text[place]):
                    waiting.append((at + 1, place + 1, groups))
            elif step[0] == "split":
                waiting.extend(((step[1], place, groups), (step[2], place, groups)))  # type: ignore[misc]
            else:
                waiting.extend(_advance(step, at, place, groups, text, references))
        return False

    def _spend(self, states: int, pattern: str) -> None:
        self._left -= states
        if self._left < 0:
            raise Abort(AbortKind.LIMIT, pattern)


def _advance(
    step: tuple[str, int] | tuple[str, int, int],
    at: int,
    place: int,
    groups: tuple[int, ...],
    text: str,
    references: bool,
) -> list[tuple[int, int, tuple[int, ...]]]:
    operation, operand = step[0], step[1]
    if operation == "jump":
        return [(operand, place, groups)]
    if operation == "start":
        return [(at + 1, place, groups)] if place == 0 else []
    if operation == "end":
        return [(at + 1, place, groups)] if place == len(text) else []
    if operation == "mark":  # where a group begins or ends: kept only if the pattern refers back
        if references:
            marks = [*groups, *[-1] * (operand + 1 - len(groups))]
            marks[operand] = place
            groups = tuple(marks)
        return [(at + 1, place, groups)]
    first, last = groups[2 * operand : 2 * operand + 2] if len(groups) > 2 * operand + 1 else (-1, -1)
    held = text[first:last] if 0 <= first <= last else ""
    return [(at + 1, place + len(held), groups)] if text.startswith(held, place) else []


def compile_pattern(pattern: str) -> tuple[list[_Step], bool]:
    """Return the pattern's program, and whether it refers back to groups; raises Abort (PATTERN, LIMIT)."""
    parser = _Parser(pattern)
    program = parser.branches(0)
    if parser.at < len(pattern):
        raise parser.wrong()
    return program, parser.references


class _Parser:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.references = False
        self.opened = 0
        self.closed: set[int] = set()

    def wrong(self) -> Abort:
        return Abort(AbortKind.PATTERN, self.pattern)

    def next(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def take(self, text: str) -> bool:
        if not self.pattern.startswith(text, self.at):
            return False
        self.at += len(text)
        return True

    def branches(self, depth: int) -> list[_Step]:
        if depth > _MAX_NESTING:
            raise Abort(AbortKind.LIMIT, self.pattern)
        alternatives = [self.branch(depth)]
        size = len(alternatives[0])
        while self.take("|"):
            alternatives.append(self.branch(depth))
            size += len(alternatives[-1]) + 2
            self.check(size)
        program: list[_Step] = []
        for alternative in alternatives[:-1]:
            here = len(program)
            program += [
                ("split", here + 1, here + len(alternative) + 2),
                *_moved(alternative, here + 1),
                ("jump", size),
            ]
        return program + _moved(alternatives[-1], len(program))

    def branch(self, depth: int) -> list[_Step]:
        program: list[_Step] = []
        while self.next() not in ("", "|", ")"):
            program += _moved(self.quantified(self.atom(depth)), len(program))
            self.check(len(program))
        return program

    def check(self, size: int) -> None:
        if size > _MAX_PROGRAM:
            raise Abort(AbortKind.LIMIT, self.pattern)

    def atom(self, depth: int) -> list[_Step]:
        character = self.next()
        self.at += 1
        if character == "(":
            return self.group(depth)
        if character == "[":
            return [self.character_class(depth)]
        if character == "\\":
            return [self.escape()]
        if character in _SIGNS:
            return [_SIGNS[character]]
        if character in "?*+{}]":
            raise self.wrong()
        return [one_of(character)]

    def group(self, depth: int) -> list[_Step]:
        if self.take("?"):
            if not self.take(":"):
                raise self.wrong()
            program = self.branches(depth + 1)
        else:
            self.opened += 1
            number = self.opened
            inside = self.branches(depth + 1)
            self.closed.add(number)
            program = [("mark", 2 * number), *_moved(inside, 1), ("mark", 2 * number + 1)]
        if not self.take(")"):
            raise self.wrong()
        return program

    def escape(self) -> _Step:
        character = self.next()
        if character.isascii() and character.isdigit():
            return self.back_reference()
        self.at += 1
        if character in ("p", "P"):
            end = self.pattern.find("}", self.at)
            takes = category_or_block(self.pattern[self.at + 1 : end]) if self.next() == "{" and end > 0 else None
            if takes is None:
                raise self.wrong()
            self.at = end + 1
            return takes if character == "p" else _not(takes)
        takes = escaped_class(character) or single_escape(character)
        if takes is None:
            raise self.wrong()
        return takes

    def back_reference(self) -> _Step:
        number = int(self.next())
        self.at += 1
        while self.next().isascii() and self.next().isdigit() and number * 10 + int(self.next()) <= self.opened:
            number = number * 10 + int(self.next())
            self.at += 1
        if number not in self.closed:
            raise self.wrong()
        self.references = True
        return ("held", number)

    def quantified(self, program: list[_Step]) -> list[_Step]:
        least, most = 1, 1
        bounds: int | None = most
        if self.take("?"):
            least = 0
        elif self.take("*"):
            least, bounds = 0, None
        elif self.take("+"):
            bounds = None
        elif match := _quantity.match(self.pattern, self.at):
            self.at = match.end()
            least = int(match[1])
            bounds = least if match[2] is None else None if match[3] is None else int(match[3])
            if bounds is not None and bounds < least:
                raise self.wrong()
        else:
            return program
        self.take("?")  # reluctance changes what is matched, not whether
        if self.next() in ("?", "*", "+"):
            raise self.wrong()
        return self.repeated(program, least, bounds)

    def repeated(self, program: list[_Step], least: int, most: int | None) -> list[_Step]:
        size = len(program) + 1
        if (max(least, most or 0) + 1) * size > _MAX_PROGRAM:
            raise Abort(AbortKind.LIMIT, self.pattern)
        repeated: list[_Step] = []
        for _ in range(least):
            repeated += _moved(program, len(repeated))
        if most is None:
            loop = len(repeated)
            return [*repeated, ("split", loop + 1, loop + size + 1), *_moved(program, loop + 1), ("jump", loop)]
        end = len(repeated) + (most - least) * size
        for _ in range(most - least):
            here = len(repeated)
            repeated += [("split", here + 1, end), *_moved(program, here + 1)]
        return repeated

    def character_class(self, depth: int) -> Takes:
        if depth > _MAX_NESTING:
            raise Abort(AbortKind.LIMIT, self.pattern)
        negative = self.take("^")
        parts: list[Takes] = []
        without: Takes | None = None
        while not self.take("]"):
            if parts and self.take("-["):
                without = self.character_class(depth + 1)
                if not self.take("]"):
                    raise self.wrong()
                break
            parts.append(self.class_part(bool(parts)))
        if not parts:
            raise self.wrong()

        def takes(found: str) -> bool:
            inside = any(part(found) for part in parts) is not negative
            return inside and not (without is not None and without(found))

        return takes

    def class_part(self, follows: bool) -> Takes:
        first = self.class_character()
        if not isinstance(first, str):
            return first
        if first == "-" and follows and self.next() != "]":
            raise self.wrong()
        if self.next() != "-" or self.pattern[self.at + 1 : self.at + 2] in ("]", "["):
            return one_of(first)
        self.at += 1
        last = self.class_character()
        if not isinstance(last, str) or last < first:
            raise self.wrong()
        return lambda found: first <= found <= last

    def class_character(self) -> str | Takes:
        character = self.next()
        self.at += 1
        if character in ("", "["):
            raise self.wrong()
        if character != "\\":
            return character
        if self.next().isdigit():
            raise self.wrong()
        at = self.at
        takes = self.escape()
        if isinstance(takes, tuple):
            raise self.wrong()
        name = self.pattern[at]
        return {"n": "\n", "r": "\r", "t": "\t"}.get(name, name) if single_escape(name) else takes


def _not(takes: Takes) -> Takes:
    return lambda found: not takes(found)


def _moved(program: list[_Step], by: int) -> list[_Step]:
    moved: list[_Step] = []
    for step in program:
        if isinstance(step, tuple) and step[0] == "jump":
            moved.append(("jump", step[1] + by))
        elif isinstance(step, tuple) and len(step) == 3:
            moved.append(("split", step[1] + by, step[2] + by))
        else:
            moved.append(step)
    return moved
