"""Write the generated parts of the documentation: `python docs/make.py` (a test fails when they are out of date)."""

import ast
import inspect
import json
import re
from dataclasses import asdict
from pathlib import Path

from khatm.document.model import json_schema
from khatm.environment import Environment
from khatm.simulator.switches import Switches, default_switches, shown_value

DOCS = Path(__file__).resolve().parent
_TABLE = re.compile(r"^\| Switch \|.*?(?=^\n|\n\n)", re.MULTILINE | re.DOTALL)
_SECTION = re.compile(r" \((?:client behaviour |stamp standard )?[0-9][0-9., item]*\)(?=[.;])")


def generated() -> dict[Path, str]:
    """Return the text of every file that has a generated part, by path."""
    page = DOCS / "simulator.md"
    schema = json.dumps(json_schema(), ensure_ascii=False, indent=1) + "\n"
    return {
        DOCS / "authoring.schema.json": schema,
        DOCS / "profile.toml": profile(),
        page: _TABLE.sub(lambda _: switches_table(), page.read_text(encoding="utf-8"), count=1),
    }


def switches_table() -> str:
    """Return the table of switches with values, defaults per environment, and the sentence beside each in the code."""
    defaults = [default_switches(each) for each in Environment]
    lines = ["| Switch | Values | Sandbox | Simulation | Production | What it does |", "|---|---|---|---|---|---|"]
    for name, told in _told().items():
        values = Switches.__dataclass_fields__[name].metadata["values"].allowed
        cells = " | ".join(f"`{shown_value(getattr(each, name))}`" for each in defaults)
        lines.append(f"| `{name}` | {values} | {cells} | {_SECTION.sub('', told)} |")
    return "\n".join(lines)


def profile() -> str:
    """Return a profile that says what is the case anyway: every switch of every environment with its default."""
    told = _told()
    lines = [
        "# Every switch of the simulator with its default: khatm simulator --profile FILE.toml",
        "# What is left out stays as it is. A table [all] sets a switch in every environment, before the others.",
    ]
    for environment in Environment:
        lines += ["", f"[{environment.value}]"]
        for name, value in asdict(default_switches(environment)).items():
            allowed = Switches.__dataclass_fields__[name].metadata["values"].allowed
            lines += [f"# {_SECTION.sub('', told[name])} ({allowed})", f"{name} = {_toml(value)}"]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else json.dumps(value)


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


if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")
