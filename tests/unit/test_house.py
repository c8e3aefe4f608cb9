"""The house keeps its rules: every room has a floor and a purpose, no module is too long, the page knows them all."""

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOUSE = ROOT / "src" / "khatm"
LONGEST_MODULE = 500
NO_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}


def rooms() -> set[str]:
    packages = {path.parent.name for path in HOUSE.glob("*/__init__.py")}
    return packages | {path.stem for path in HOUSE.glob("*.py") if path.stem != "__init__"}


def floors() -> list[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    [contract] = [each for each in settings["contracts"] if each["type"] == "layers"]
    assert contract["exhaustive"]
    assert contract["containers"] == ["khatm"]
    found: list[str] = contract["layers"]
    return found


def test_every_room_stands_on_one_floor_and_no_floor_is_of_air() -> None:
    standing = [room for floor in floors() for room in re.split(r"\s*[|:]\s*", floor)]
    assert sorted(standing) == sorted(rooms())


def test_every_room_is_on_the_page_and_in_the_picture() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = page.partition("## The rooms")[2].partition("\n## ")[0]
    named = {name for row in re.findall(r"^\| (`[^|]+) \|", rows, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert named == rooms()
    picture = (ROOT / "docs" / "architecture.svg").read_text(encoding="utf-8")
    assert (
        set(re.split(r" · ", " · ".join(re.findall(r'font-weight="600" fill="#20302a">([^<]+)<', picture)))) == rooms()
    )


def test_every_place_on_the_page_is_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for place in re.findall(r"`(src/khatm/[^`*]+)`", page):
        assert (ROOT / place).exists(), place


def test_every_folder_and_module_says_what_it_is_for() -> None:
    for path in HOUSE.rglob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


def test_no_module_is_too_long_or_named_after_nothing() -> None:
    for path in HOUSE.rglob("*.py"):
        assert path.read_text(encoding="utf-8").count("\n") <= LONGEST_MODULE, path
        assert NO_NAMES.isdisjoint({path.stem, path.parent.name}), path
