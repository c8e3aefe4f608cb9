"""Write the generated parts of the documentation: `python docs/make.py` (a test fails when they are out of date)."""

import ast
import inspect
import json
import re
import sys
from pathlib import Path

from khatm.document.model import json_schema
from khatm.environment import Environment
from khatm.simulator.switches import Switches, default_switches

DOCS = Path(__file__).resolve().parent
_TABLE = re.compile(r"^\| Switch \|.*?(?=^\n|\n\n)", re.MULTILINE | re.DOTALL)
_FIGURES = re.compile(r"(<!-- [^>]*: figures -->\n).*(<!-- end of figures -->)", re.DOTALL)
_SECTION = re.compile(r" \((?:client behaviour |stamp standard )?[0-9][0-9., item]*\)(?=[.;])")


def generated() -> dict[Path, str]:
    """Return the text of every file that has a generated part, by path."""
    page, opinion = DOCS / "simulator.md", DOCS / "second-opinion.md"
    schema = json.dumps(json_schema(), ensure_ascii=False, indent=1) + "\n"
    return {
        DOCS / "authoring.schema.json": schema,
        page: _TABLE.sub(lambda _: switches_table(), page.read_text(encoding="utf-8"), count=1),
        opinion: _FIGURES.sub(lambda found: found[1] + figures() + found[2], opinion.read_text(encoding="utf-8")),
    }


def figures() -> str:
    """Return the figures and reasons of the campaigns against another validator, as the tests recorded them."""
    if str(DOCS.parent) not in sys.path:
        sys.path.insert(0, str(DOCS.parent))
    from tests.differential.page import tables

    return f"\n{tables()}\n"


def switches_table() -> str:
    """Return the table of switches with values, defaults per environment, and the sentence beside each in the code."""
    defaults = [default_switches(each) for each in Environment]
    lines = ["| Switch | Values | Sandbox | Simulation | Production | What it does |", "|---|---|---|---|---|---|"]
    for name, told in _told().items():
        values = Switches.__dataclass_fields__[name].metadata["values"].allowed
        cells = " | ".join(f"`{_word(getattr(each, name))}`" for each in defaults)
        lines.append(f"| `{name}` | {values} | {cells} | {_SECTION.sub('', told)} |")
    return "\n".join(lines)


def _told() -> dict[str, str]:
    [body] = ast.parse(inspect.getsource(Switches)).body
    assert isinstance(body, ast.ClassDef)
    told, name = {}, ""
    for node in body.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
        elif name and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            told[name], name = " ".join(str(node.value.value).split()), ""
    return told


def _word(value: object) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")
