"""The pages of this repository as tests run them: README.md, CONTRIBUTING.md and everything below docs/.

A page's commands run in order, in one shell, in an empty folder. What a page writes that cannot be the same in a
test is replaced before: ports by free ones, days by days about today. Four signs in a page speak to the tests:

- `$ ` before a command in a text: a transcript, the command and what it prints;
- `# exit 3` behind a command: it ends with this code, which a reader wants to know too;
- `…` in the output under a command: any text, and as a whole line any lines;
- `<!-- not executed: REASON -->` before a block: nothing runs it.
"""

import functools
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from markdown_it import MarkdownIt

from khatm.clock import SystemClock, saudi_time

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PORTS = ("8080", "8081")
"""The ports that the pages name; tests take free ones."""
DAYS = ("2026-03-01", "2026-03-31")
"""The days that the pages name."""

_EXCUSE = re.compile(r"<!-- not executed: (.+?) -->")
_END_OF_BLOCK = "\x1e"


@dataclass(frozen=True)
class Block:
    """One block of a page: its language (empty if it has none), text, first line, and why nothing runs it."""

    language: str
    text: str
    line: int
    excuse: str | None


def pages() -> list[Path]:
    """Every page whose blocks must hold."""
    return sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")])


@functools.cache
def all_blocks(page: Path) -> tuple[Block, ...]:
    """The page's blocks in order, fenced and indented ones, in lists too."""
    found: list[Block] = []
    excuse = None
    for token in MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8")):
        if token.type in ("fence", "code_block"):
            assert token.map is not None
            found.append(Block(token.info.strip(), token.content, token.map[0] + 1, excuse))
        if token.type == "html_block" and (said := _EXCUSE.search(token.content)):
            excuse = said[1]
        elif token.nesting == 0:
            excuse = None
    return tuple(found)


def commands_and_outputs(block: Block) -> list[Block]:
    """Split a transcript (`$ ` before each command) into its commands and what they print; other blocks stay whole."""
    if not block.text.startswith("$ "):
        return [block]
    parts: list[Block] = []
    for command, output in re.findall(r"^\$ (.*\n)((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE):
        parts += [replace(block, language="sh", text=command), replace(block, language="text", text=output)]
    return parts


def blocks(page: str, language: str) -> list[str]:
    """The blocks of a page of docs/ in a language, in order."""
    return [each.text for each in all_blocks(DOCS / page) if each.language == language]


def run_in_order(commands: Sequence[str], folder: Path, elsewhere: Path) -> str:
    """Run blocks of commands in one shell in `folder`, which stops at the first that fails; return what they print.

    Programs of this checkout stand in a folder below `elsewhere`, as does the home folder.
    """
    return "".join(run_each(commands, folder, elsewhere))


def run_each(commands: Sequence[str], folder: Path, elsewhere: Path) -> list[str]:
    """Run blocks as `run_in_order` does; return what each of them prints on standard output."""
    ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
    script = f"printf '{_END_OF_BLOCK}'\n".join(_runnable(each, ports) for each in commands)
    said, errors = elsewhere / "said", elsewhere / "errors"
    with (
        said.open("wb") as out,
        errors.open("wb") as err,
        subprocess.Popen(
            ["sh", "-eu", "-c", script],
            cwd=folder,
            env=_environ(elsewhere) | {"KHATM_SIMULATOR_URL": f"http://127.0.0.1:{ports['8080']}"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        ) as process,
    ):
        try:
            process.wait(timeout=240)
        finally:
            _end(process.pid)
    text = said.read_text(encoding="utf-8")
    assert process.returncode == 0, f"{text}\n{errors.read_text(encoding='utf-8')}"
    return text.split(_END_OF_BLOCK)


def _end(group: int) -> None:
    """End what a page left running."""
    try:
        os.killpg(group, signal.SIGTERM)
    except ProcessLookupError:
        return


def _runnable(text: str, ports: dict[str, str]) -> str:
    for written, free in ports.items():
        text = re.sub(rf"\b{written}\b", free, text)
    today = saudi_time(SystemClock().now()).date()
    for written, shift in zip(DAYS, (-1, 1), strict=True):
        text = text.replace(written, str(today + timedelta(days=shift)))
    # A reader waits for the line that says "ready"; so does a shell.
    text = re.sub(
        r"^(khatm simulator [^<>|&\n]*)&$",
        r'\1> simulator.log &\nuntil grep -q "simulator ready" simulator.log; do sleep 0.05; done',
        text,
        flags=re.MULTILINE,
    )
    text = re.sub(r"^(\w.*?) +# exit (\d+)\b.*$", r"code=0; { \1; } || code=$?; test $code = \2", text, flags=re.M)
    return text if text.endswith("\n") else f"{text}\n"


def matches(expected: str, said: str) -> bool:
    """Say whether an output is the one that a page shows."""
    lines = [
        "(?:.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + "\n" for line in expected.splitlines()
    ]
    return re.fullmatch("".join(lines), said) is not None


def _environ(elsewhere: Path) -> dict[str, str]:
    programs = elsewhere / "bin"
    programs.mkdir()
    interpreter = shlex.quote(sys.executable)
    for name in ("khatm", "fatoora"):
        _program(programs / name, f'{interpreter} -c "from khatm.cli.{name} import main; main()"')
    _program(programs / "python", interpreter)
    home = elsewhere / "home"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KHATM_")}
    return kept | {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(home)}


def _program(path: Path, command: str) -> None:
    path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    path.chmod(0o755)


def _free_ports(count: int) -> list[str]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(each.getsockname()[1]) for each in listeners]
    for each in listeners:
        each.close()
    return ports
