"""Every block of every page holds: commands and Python run, what they print is printed, JSON, XML and TOML are read."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from khatm.errors import KhatmError
from tests.wire.page import ROOT, Block, all_blocks, commands_and_outputs, matches, pages, run_each
from tests.wire.page_readers import READERS, read_csr_properties, read_json, read_synopsis, read_toml, read_xml
from tests.wire.page_stages import STAGES
from tests.wire.test_pytest_plugin import INSTALLED, MODULE

README_COMMANDS = 2
"""README.md has two indented lines: `.ci/run` runs them as they stand."""
ELSEWHERE = {
    "five-minutes.md": {"sh", "php", "csharp"},  # test_five_minutes
    "five-minutes.ar.md": {"sh", "php", "csharp"},  # test_five_minutes: the same blocks, byte for byte
    "doctor.md": {"text"},  # test_doctor_cli: what the command prints about a document with a planted mistake
}
"""Blocks that another test runs, and looks at more closely."""
MOST_EXCUSES = 9
PROGRAM_NAMES = ("khatm ", "fatoora ")
"""How a synopsis begins, and no output."""


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def runs(page: Path) -> list[Block]:
    """What is run of a page here, in order: its commands, and the outputs shown under them."""
    others = ELSEWHERE.get(page.name, set())
    return [
        part
        for each in all_blocks(page)
        if each.language in ("sh", "text") and each.language not in others and each.excuse is None
        for part in commands_and_outputs(each)
    ]


PAGES = pages()
WITH_COMMANDS = [page for page in PAGES if any(each.language == "sh" for each in runs(page))]
NAMES: dict[str, Any] = {"ids": name_of}


@pytest.mark.parametrize("page", PAGES, **NAMES)
def test_every_block_has_a_language_that_is_run_or_read(page: Path) -> None:
    found = all_blocks(page)
    bare = [each.text for each in found if not each.language]
    if name_of(page) == "README.md":
        assert [line.count("\n") for line in bare] == [1] * README_COMMANDS
        assert all(".venv/bin/" in line for line in bare)
    else:
        assert bare == []
    known = {"sh", "text", "python", *READERS} | ELSEWHERE.get(page.name, set())
    for each in found:
        assert each.language in {"", *known}, f"{name_of(page)}:{each.line}: nothing runs or reads {each.language!r}"


def test_few_blocks_are_excused_and_none_without_a_reason() -> None:
    excused = [(name_of(page), each.line, each.excuse) for page in PAGES for each in all_blocks(page) if each.excuse]
    assert len(excused) <= MOST_EXCUSES, excused


@pytest.mark.parametrize("page", WITH_COMMANDS, **NAMES)
def test_commands_run_in_order_and_print_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    shutil.copytree(ROOT / "examples", folder / "examples")
    commands = [STAGES.get(name_of(page), "")]
    shown: dict[int, Block] = {}
    for before, each in zip([None, *runs(page)], runs(page), strict=False):
        if each.language == "sh":
            commands.append(each.text)
        elif before is not None and before.language == "sh" and not each.text.startswith(PROGRAM_NAMES):
            shown[len(commands) - 1] = each
    said = run_each([*commands, *commands_of_tables(page)], folder, tmp_path)
    for number, each in shown.items():
        assert matches(each.text, said[number]), f"{name_of(page)}:{each.line}: it printed\n{said[number]}"


def commands_of_tables(page: Path) -> list[str]:
    """README.md has a table of commands, which take the files that its blocks have made."""
    rows = re.findall(r"^\| `((?:khatm|fatoora) [^`]+)` \|", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert page.name != "README.md" or len(rows) >= 9
    return rows if page.name == "README.md" else []


@pytest.mark.parametrize("page", PAGES, **NAMES)
def test_texts_that_are_no_output_are_synopses_of_commands(page: Path, tmp_path: Path) -> None:
    before = None
    shown = [
        each for each in all_blocks(page) if each.language == "text" and "text" not in ELSEWHERE.get(page.name, ())
    ]
    for each in all_blocks(page):
        if each in shown and not each.text.startswith("$ "):
            if each.text.startswith(PROGRAM_NAMES):
                read_synopsis(each.text, tmp_path)
            else:
                assert before is not None, "a text that is neither"
                assert before.language == "sh", f"{name_of(page)}:{each.line}: neither an output nor a synopsis"
        before = each


PROGRAMS = [
    pytest.param(each, id=f"{name_of(page)}:{each.line}")
    for page in PAGES
    for each in all_blocks(page)
    if each.language == "python" and each.excuse is None
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_python_runs(program: Block, tmp_path: Path) -> None:
    """A program with tests in it is run by pytest, in an empty folder."""
    path = tmp_path / "test_page.py"
    path.write_text(program.text, encoding="utf-8")
    loading = () if INSTALLED else ("-p", MODULE)
    runner = ["-m", "pytest", "-q", *loading] if "\ndef test_" in program.text else []
    done = subprocess.run(
        [sys.executable, *runner, path.name], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, **NAMES)
@pytest.mark.parametrize("language", READERS)
def test_what_nothing_runs_is_read(page: Path, language: str, tmp_path: Path) -> None:
    reader = READERS[language]
    for each in all_blocks(page):
        if each.language == language:
            reader(each.text, tmp_path)


def test_an_output_is_compared_line_by_line() -> None:
    assert matches("a … c\n…\nz\n", "a b c\nx\ny\nz\n")
    assert matches("a\n…\n", "a\n")
    assert not matches("a\n", "a\nb\n")
    assert not matches("a.c\n", "abc\n")


def test_blocks_are_found_where_markdown_has_them(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "1. one\n\n   ```sh\n   echo 1\n   ```\n\n       echo 2\n\n"
        "<!-- not executed: it needs root -->\n```sh\necho 3\n```\n\n```text\n3\n```\n",
        encoding="utf-8",
    )
    found = all_blocks(page)
    assert [(each.language, each.text, each.excuse) for each in found] == [
        ("sh", "echo 1\n", None),
        ("", "echo 2\n", None),
        ("sh", "echo 3\n", "it needs root"),
        ("text", "3\n", None),
    ]


def test_a_transcript_is_split_into_commands_and_outputs() -> None:
    parts = commands_and_outputs(Block("text", "$ echo 1\n1\n$ true\n$ echo 2; echo 3\n2\n3\n", 7, None))
    assert [(each.language, each.text) for each in parts] == [
        ("sh", "echo 1\n"),
        ("text", "1\n"),
        ("sh", "true\n"),
        ("text", ""),
        ("sh", "echo 2; echo 3\n"),
        ("text", "2\n3\n"),
    ]


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        (read_json, '{"unknown": 1}'),
        (read_json, '{"faults": [{"endpoint": "nowhere", "then": {"drop": "close"}}]}'),
        (read_json, '{"kind": "invoice", "lines": [], "colour": "red"}'),
        (read_xml, "<cbc:Colour>red</cbc:Colour>"),
        (read_xml, "<cac:Delivery><cbc:UUID>1</cbc:UUID></cac:Delivery>"),
        (read_xml, "<cbc:IssueDate>2 March 2026</cbc:IssueDate>"),
        (read_toml, '[simulation]\ncolour = "red"\n'),
        (read_csr_properties, "csr.common.name=till-1\n"),
        (read_synopsis, "khatm validate [--colour RED] FILE…\n"),
        (read_synopsis, "khatm paint FILE\n"),
    ],
)
def test_a_block_that_is_wrong_is_not_read(reader: Callable[[str, Path], None], text: str, tmp_path: Path) -> None:
    with pytest.raises((AssertionError, KhatmError, KeyError)):
        reader(text, tmp_path)


@pytest.mark.parametrize("script", ["false\n", "false\ntrue\n", "true # exit 1\n", "nothing-of-that-name\n"])
def test_a_command_that_fails_fails_its_page(script: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        run_each(["echo 1\n", script], tmp_path, tmp_path)


def test_an_exit_code_that_the_page_tells_is_held_to(tmp_path: Path) -> None:
    assert run_each(["echo 1\n", "sh -c 'echo 2; exit 3' # exit 3: it waits\necho 4\n"], tmp_path, tmp_path) == [
        "1\n",
        "2\n4\n",
    ]
