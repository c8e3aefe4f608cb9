"""The UBL 2.1 structure table, read once, with content models compiled when a document first needs them.

A content model is an automaton whose state is the place reached among the children. The packaged table is made by
`schema_table`. Source: the document standard, section 16.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from khatm.document.schema_types import BUILTIN, SimpleCheck, anything, enumerated

START = -1
"""The state before the first child."""

_REPEATING = frozenset("*+")
_OPTIONAL = frozenset("?*")


@dataclass(frozen=True, slots=True)
class Wildcard:
    """A place for any element: of any namespace, or of any but `excluded` (and none); strict or lax."""

    excluded: str | None
    strict: bool

    def admits(self, namespace: str | None) -> bool:
        """Tell whether an element of this namespace may stand here."""
        return self.excluded is None or (namespace is not None and namespace != self.excluded)


@dataclass(slots=True)
class Arc:
    """The way on over one element: its name, its type and the state behind it, all found when first gone."""

    place: int
    type_name: str
    name: str = ""
    step: "Step | None" = None
    type: "Type | None" = None


@dataclass(frozen=True, slots=True)
class Step:
    """What may follow in one state of a content model."""

    elements: dict[str, Arc]
    """By tag in Clark form."""
    wildcard: tuple[int, Wildcard] | None
    complete: bool
    """Whether the content may end here."""
    expected: tuple[str, ...]
    """What may follow, in schema order, in the notation of the schema messages."""


@dataclass(frozen=True, slots=True)
class _Particle:
    tag: str
    type_name: str
    wildcard: Wildcard | None
    shown: str


@dataclass(slots=True)
class ContentModel:
    """The children a type may have: particles, where each may be first, what may follow each, where it may end."""

    particles: list[_Particle] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    follow: dict[int, list[int]] = field(default_factory=dict)
    last: set[int] = field(default_factory=set)
    nullable: bool = True
    declared: dict[str, str] = field(default_factory=dict)
    """The type name of a child by its tag, wherever the model has it, for going on after an error."""
    start: Step = field(init=False)
    """What may come first."""
    _steps: dict[int, Step] = field(default_factory=dict)

    def step(self, state: int) -> Step:
        """Return what may follow in a state (START before the first child)."""
        step = self._steps.get(state)
        if step is None:
            step = self._steps[state] = self._compile(state)
        return step

    def _compile(self, state: int) -> Step:
        following = sorted(set(self.first if state == START else self.follow[state]))
        elements: dict[str, Arc] = {}
        wildcard = None
        for place in following:
            particle = self.particles[place]
            if particle.wildcard is not None:
                wildcard = (place, particle.wildcard)
            else:
                elements[particle.tag] = Arc(place, particle.type_name)
        complete = self.nullable if state == START else state in self.last
        return Step(elements, wildcard, complete, tuple(self.particles[place].shown for place in following))


@dataclass(slots=True)
class Type:
    """One type of the table, complex or simple."""

    name: str
    text: SimpleCheck | None = None
    """The check of simple content; None for a type with element content."""
    text_type: str = ""
    free: bool = False
    """Simple content that allows any text."""
    attributes: dict[str, tuple[SimpleCheck, str]] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    any_attribute: bool = False
    mixed: bool = False
    abstract: bool = False
    restricts: str | None = None
    content: ContentModel | None = None
    anything: bool = False
    """The type that allows any content and attributes (xs:anyType)."""
    empty: bool = False
    """Whether the type allows no content at all."""
    nests: bool = False
    """Whether the type allows nothing but a list of elements, as most do that have any inside."""
    usual: dict[tuple[tuple[str, str], ...], dict[str, str]] = field(default_factory=dict)
    """Attributes that an element of this type had, and nothing was wrong with them: looked at once."""

    @property
    def simple(self) -> bool:
        """Whether this is a simple type itself, not a complex type with simple content."""
        return self.text_type == self.name


class Table:
    """The types and global elements of UBL 2.1 Invoice and of its signature parts."""

    def __init__(self, text: str) -> None:
        self.namespaces: dict[str, str] = {}
        self._lines: dict[str, str] = {}
        self._types: dict[str, Type] = {}
        self._simple: dict[str, tuple[str, ...]] = {}
        elements: dict[str, str] = {}
        for line in text.splitlines():
            kind, name, *rest = line.split(" ", 2)
            content = rest[0] if rest else ""
            if kind == "ty":
                self._lines[name] = content
            elif kind == "el":
                elements.update(dict.fromkeys(content.split(" "), name))
            elif kind == "gl":
                elements.update((element, f"{element}Type") for element in [name, *content.split(" ")])
            elif kind == "st":
                self._simple[name] = tuple(content.split(" "))
            else:
                self.namespaces[name] = content
        self.elements = {self.clark(element): type_name for element, type_name in elements.items()}
        """Global elements in Clark form, with their type names."""

    def clark(self, name: str) -> str:
        """Return `{namespace}local` for `prefix:local`."""
        prefix, local = name.split(":")
        return f"{{{self.namespaces[prefix]}}}{local}"

    def type(self, name: str) -> Type:
        """Return the type of that name, compiling it at its first use; KeyError when there is none."""
        found = self._types.get(name)
        if found is None:
            found = self._types[name] = self._compile(name)
        return found

    def simple(self, name: str) -> SimpleCheck:
        """Return the check of a simple type, builtin or named; KeyError when there is none."""
        if name in BUILTIN:
            return BUILTIN[name]
        base, *values = self._simple[name]
        return enumerated(BUILTIN[base], tuple(values)) if values else BUILTIN[base]

    def _compile(self, name: str) -> Type:
        if name == "anyType":
            return Type(name, anything=True, mixed=True)
        if name not in self._lines:
            check = self.simple(name)
            return Type(name, text=check, text_type=name, free=check is anything)
        type_ = Type(name)
        words = self._lines[name].split()
        at = 0
        for at, word in enumerate([*words, ""]):  # noqa: B007 - the place where the flags end is wanted
            if not self._flag(type_, word):
                break
        if type_.text is None:
            type_.content = _Reader(self, name.partition(":")[0]).read(words[at:])
            type_.empty = not type_.content.particles and not type_.mixed
            type_.nests = not (type_.empty or type_.mixed or type_.abstract)
        return type_

    def _flag(self, type_: Type, word: str) -> bool:
        if word in ("mixed", "abstract"):
            setattr(type_, word, True)
        elif word.startswith("restricts="):
            type_.restricts = word.partition("=")[2]
        elif word.startswith("text="):
            type_.text_type = word.partition("=")[2]
            type_.text = self.simple(type_.text_type)
            type_.free = type_.text is anything
        elif word == "@*":
            type_.any_attribute = True
        elif word.startswith("@"):
            attribute, _, simple = word[1:].partition(":")
            if attribute.endswith("!"):
                attribute = attribute[:-1]
                type_.required += (attribute,)
            type_.attributes[attribute] = (self.simple(simple), simple)
        else:
            return False
        return True


@dataclass(slots=True)
class _Part:
    """A sub-expression: the places where it can begin and end, and whether it can be empty."""

    first: list[int]
    last: list[int]
    nullable: bool


class _Reader:
    """Turns the words of a content model into its automaton (one state per particle)."""

    def __init__(self, table: Table, prefix: str) -> None:
        self._table = table
        self._namespace = table.namespaces[prefix]
        self._model = ContentModel()

    def read(self, words: list[str]) -> ContentModel:
        whole = self._sequence(self._parts(iter(words)))
        model = self._model
        model.first, model.last, model.nullable = whole.first, set(whole.last), whole.nullable
        for particle in reversed(model.particles):  # the first of several counts
            model.declared[particle.tag] = particle.type_name
        model.start = model.step(START)
        return model

    def _parts(self, words: Iterator[str]) -> list[_Part]:
        """Read parts up to the closing word of the group; the closing suffix is left in `_closing`."""
        parts: list[_Part] = []
        for word in words:
            if word.startswith(")"):
                self._closing = word[1:]
                return parts
            if word.startswith("("):
                inner = self._parts(words)
                suffix = self._closing
                part = self._choice(inner) if word[1] == "|" else self._sequence(inner)
            else:
                suffix = word[-1] if word[-1] in "?*+" else ""
                part = self._particle(word[: len(word) - len(suffix)])
            parts.append(self._repeated(part, suffix))
        self._closing = ""
        return parts

    def _particle(self, word: str) -> _Part:
        place = len(self._model.particles)
        self._model.particles.append(self._wildcard(word) if word[0] == "%" else self._element(word))
        self._model.follow[place] = []
        return _Part([place], [place], False)

    def _element(self, word: str) -> _Particle:
        name, _, type_name = word.partition("=")
        tag = self._table.clark(name)
        namespace, local = tag[1:].split("}")
        return _Particle(tag, type_name or self._table.elements[tag], None, f'"{namespace}":{local}')

    def _wildcard(self, word: str) -> _Particle:
        scope, _, process = word[1:].partition("/")
        excluded = self._namespace if scope == "other" else None
        shown = "WC[##any]" if excluded is None else f'WC[##other:"{excluded}"]'
        return _Particle("", "", Wildcard(excluded, process == "strict"), shown)

    def _repeated(self, part: _Part, suffix: str) -> _Part:
        if suffix in _REPEATING:
            for place in part.last:
                self._model.follow[place] += part.first
        return _Part(part.first, part.last, part.nullable or suffix in _OPTIONAL)

    def _choice(self, parts: list[_Part]) -> _Part:
        first = [place for part in parts for place in part.first]
        last = [place for part in parts for place in part.last]
        return _Part(first, last, any(part.nullable for part in parts))

    def _sequence(self, parts: list[_Part]) -> _Part:
        first: list[int] = []
        last: list[int] = []
        nullable = True
        for part in parts:
            for place in last:
                self._model.follow[place] += part.first
            if nullable:
                first = first + part.first
            last = (last + part.last) if part.nullable else list(part.last)
            nullable = nullable and part.nullable
        return _Part(first, last, nullable)


@cache
def ubl21() -> Table:
    """Return the packaged table."""
    return Table(Path(__file__).with_name("ubl21.table").read_text("utf-8"))
