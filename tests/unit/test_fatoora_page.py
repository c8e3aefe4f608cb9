"""docs/fatoora.md: its options are those of the usage text, its settings are read, its commands run as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from khatm.cli.fatoora_arguments import USAGE
from khatm.cli.fatoora_settings import read_toml
from khatm.stamp.csr import read_csr_file

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "fatoora.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_table_has_every_option_of_the_usage_text() -> None:
    table = PAGE.partition("| Option |")[2].partition("\n\n")[0]
    options = set(re.findall(r"`(--?[A-Za-z-]+)", "".join(row.split("|")[1] for row in table.splitlines()[2:])))
    assert options == set(re.findall(r"(?<![\w-])--?[a-z][A-Za-z-]+", USAGE))


def test_every_setting_is_named() -> None:
    named = set(re.findall(r"KHATM_FATOORA_([A-Z]+)", PAGE))
    assert named == {"CERT", "KEY", "PIH", "EDITION", "JOBS", "CONFIG"}


def test_the_toml_is_read(tmp_path: Path) -> None:
    [block] = blocks("toml")
    (tmp_path / "fatoora.toml").write_text(block, encoding="utf-8")
    assert sorted(read_toml(tmp_path / "fatoora.toml")) == ["cert", "edition", "jobs", "key", "pih"]


@pytest.mark.skipif(sys.platform == "win32", reason="the page's commands are for a POSIX shell")
def test_the_commands_run_in_an_empty_folder(tmp_path: Path) -> None:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    script = scripts / "fatoora"
    script.write_text(f"#!{sys.executable}\nfrom khatm.cli.fatoora import main\nmain()\n", encoding="utf-8")
    script.chmod(0o755)
    here = tmp_path / "here"
    here.mkdir()
    environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    block = blocks("sh")[0]  # the others go on from what this test has not
    finished = subprocess.run(
        ["sh", "-eu", "-c", block], cwd=here, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "csr and private key have been generated successfully. " in finished.stdout
    request = read_csr_file((here / "till.csr").read_bytes())
    assert "شركة ختم".encode() in request.tbs
    assert b"TSTZATCA-Code-Signing" in request.tbs
