"""Make the packaged UBL 2.1 structure table from the schema facts file of the specification.

    python -m khatm.document.schema_table ubl21-invoice-schema.json [TARGET]

writes `ubl21.table` (or TARGET): one line per fact group, read by `schema_model`. Lines are words separated by blanks:

    ns PREFIX URI
    el TYPE ELEMENT…        global elements of that type
    gl ELEMENT…             global elements `p:Name` whose type is `p:NameType`
    st TYPE BASE [VALUE…]   named simple type, with its enumeration
    ty TYPE [PART…]         complex type

The parts of a type are, in order: flags (`mixed`, `abstract`, `restricts=TYPE`), `text=SIMPLETYPE` for simple content,
attributes (`@name:SIMPLETYPE`, `@name!:SIMPLETYPE` when required, `@*` for a strict wildcard), and the content model:
`p:Name`, `p:Name=TYPE` for a local element, `%any/lax` for a wildcard, `(,` or `(|` … `)` for a group, each with an
occurrence suffix `?`, `*` or `+`.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("ubl21.table")


def compact(facts: dict[str, Any]) -> str:
    """Return the table's text for the parsed facts file."""
    lines = [f"ns {prefix} {uri}" for prefix, uri in facts["namespaces"].items()]
    by_type: dict[str, list[str]] = defaultdict(list)
    for element, type_name in facts["elements"].items():
        if type_name != f"{element}Type":
            by_type[type_name].append(element)
    lines += [f"el {type_name} {' '.join(names)}" for type_name, names in sorted(by_type.items())]
    lines += [" ".join(["st", name, st["base"], *st.get("enum", [])]) for name, st in facts["simpleTypes"].items()]
    lines += [" ".join(["ty", name, *_parts(type_)]) for name, type_ in facts["types"].items()]
    implied = [element for element, type_name in facts["elements"].items() if type_name == f"{element}Type"]
    lines.append(f"gl {' '.join(implied)}")
    return "\n".join(lines) + "\n"


def _parts(type_: dict[str, Any]) -> Iterator[str]:
    for flag in ("mixed", "abstract"):
        if type_.get(flag):
            yield flag
    if "restricts" in type_:
        yield f"restricts={type_['restricts']}"
    if "text" in type_:
        yield f"text={type_['text']}"
    for name, simple in type_.get("attrs", {}).items():
        if name == "*":
            yield "@*"
        else:
            yield f"@{name}:{simple[:-1]}" if simple.endswith("?") else f"@{name}!:{simple}"
    children = type_.get("children", [])
    yield from _group(children) if type_.get("model") == "group" else _particles(children)


def _particles(children: list[Any]) -> Iterator[str]:
    for child in children:
        if isinstance(child, list):
            yield from _group(child)
        else:
            yield child


def _group(group: list[Any]) -> Iterator[str]:
    operator, occurs = group[0][0], group[0][1:]
    yield f"({operator}"
    yield from _particles(group[1:])
    yield f"){occurs}"


def main(arguments: list[str]) -> int:
    """Read the facts file named first, write the table to the second name or into the package."""
    if not 1 <= len(arguments) <= 2:
        print("usage: python -m khatm.document.schema_table FACTS.json [TARGET]", file=sys.stderr)
        return 2
    facts = json.loads(Path(arguments[0]).read_text("utf-8"))
    target = Path(arguments[1]) if len(arguments) == 2 else TABLE
    target.write_text(compact(facts), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
