"""What commands do when the standard streams are closed, full, broken or not in UTF-8; each a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.wire.cli_stage import EXAMPLES, Desk

_KHATM = "from khatm.cli.khatm import main; main()"


def _shell(desk: Desk, line: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a shell line in which `khatm` is the command line; no traceback may come out of it."""
    finished = subprocess.run(
        ["bash", "-c", f'khatm() {{ "{sys.executable}" -c "{_KHATM}" "$@"; }}; {line}'],
        cwd=desk.folder,
        env=desk.environment() | settings,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in finished.stderr, finished.stderr
    assert "Exception ignored" not in finished.stderr, finished.stderr
    return finished


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    csr = EXAMPLES / "till.properties"
    assert made.khatm("unit", "add", "till", "--csr", str(csr), "--environment", "simulation").code == 0
    return made


@pytest.mark.parametrize("command", ["unit list", "unit show till --format json"])
def test_a_full_output_ends_the_command_with_3(desk: Desk, command: str) -> None:
    finished = _shell(desk, f"khatm {command} > /dev/full")
    assert finished.returncode == 3
    assert "No space left on device" in finished.stderr


def test_a_reader_that_goes_away_is_no_success(desk: Desk) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    finished = subprocess.run(
        [sys.executable, "-c", _KHATM, "unit", "show", "till"],
        env=desk.environment(),
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )
    os.close(writer)
    assert finished.returncode == 3
    assert finished.stderr.startswith("error: Standard output cannot be written: Broken pipe."), finished.stderr
    assert "Exception" not in finished.stderr


def test_closed_streams_are_empty_streams(desk: Desk) -> None:
    assert _shell(desk, "khatm unit list >&-").returncode == 0
    assert _shell(desk, "khatm unit show nobody 2>&-").returncode == 2
    for command, word in (("totals -", "no JSON"), ("unit onboard till", "OTP"), ("unit onboard till --otp -", "OTP")):
        finished = _shell(desk, f"khatm {command} <&-")
        assert finished.returncode == 2, finished.stderr
        assert word in finished.stderr


def test_bytes_that_are_no_text_are_no_otp(desk: Desk) -> None:
    finished = _shell(
        desk, r"printf '\xff\xfe123\n' | khatm unit onboard till --otp -", PYTHONIOENCODING="utf-8:strict"
    )
    assert finished.returncode == 2
    assert "digits" in finished.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_json_is_json_in_every_encoding(desk: Desk, encoding: str) -> None:
    finished = _shell(desk, "khatm submit --unit nobody --format=json", PYTHONIOENCODING=f"{encoding}:strict")
    assert finished.returncode == 2
    (line,) = finished.stdout.splitlines()
    assert "لا توجد وحدة" in json.loads(line)["message"]["ar"]


def test_a_file_name_that_is_no_text_is_shown_all_the_same(desk: Desk) -> None:
    finished = _shell(desk, r"khatm hash --format json $'\xff.xml'", PYTHONIOENCODING="utf-8:strict")
    assert finished.returncode == 2
    (line,) = finished.stdout.splitlines()
    assert os.fsencode(json.loads(line)["file"]) == b"\xff.xml"


@pytest.mark.parametrize("spelling", [("--format", "json"), ("--format=json",)])
def test_an_error_is_a_record_however_the_option_is_spelt(desk: Desk, spelling: tuple[str, ...]) -> None:
    ran = desk.khatm("unit", "show", "nobody", *spelling)
    assert (ran.code, ran.records[0]["error"]) == (2, "unknown-unit")


def test_the_word_json_alone_asks_for_no_record(desk: Desk) -> None:
    assert desk.khatm("unit", "show", "json", "--format", "text").out == ""
