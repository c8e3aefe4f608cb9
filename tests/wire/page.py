"""Pages of docs/ as tests run them."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
PORTS = ("8080", "8081")
"""The ports that the pages name; tests take free ones."""


def blocks(page: str, language: str) -> list[str]:
    """The page's blocks in a language, in order."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run_in_order(commands: Sequence[str], folder: Path, elsewhere: Path) -> str:
    """Run blocks of commands in one shell in `folder`, which stops at the first that fails; return what they print.

    Programs of this checkout stand in a folder below `elsewhere`, as does the home folder.
    """
    script = "".join(commands)
    for written, free in zip(PORTS, _free_ports(len(PORTS)), strict=True):
        assert f"-port {written}" in script
        script = re.sub(rf"\b{written}\b", free, script)
    with subprocess.Popen(
        ["sh", "-eu", "-c", script],
        cwd=folder,
        env=_environ(elsewhere),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said, errors = process.communicate(timeout=240)
        finally:
            if process.poll() != 0:
                os.killpg(process.pid, signal.SIGTERM)
    assert process.returncode == 0, errors
    return said


def _environ(elsewhere: Path) -> dict[str, str]:
    program = elsewhere / "bin" / "khatm"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "from khatm.cli.khatm import main; main()" "$@"\n')
    program.chmod(0o755)
    home = elsewhere / "home"
    home.mkdir()
    return os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}", "HOME": str(home)}


def _free_ports(count: int) -> list[str]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(each.getsockname()[1]) for each in listeners]
    for each in listeners:
        each.close()
    return ports
