"""`fatoora -csr` and `-help`: what they print and write. Source: stamp standard 1.5 and 13."""

import base64
import json
import re
import stat
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from khatm.cli import fatoora
from khatm.clock import SAUDI
from khatm.stamp import keys
from khatm.stamp.csr import read_csr_file
from tests.unit.fatoora_stage import SIGNED, UNSIGNED, sdk_folder
from tests.vectors.entries import OWN, own

CONFIG = str(OWN / "csr" / "own-ar.properties")
NOW = datetime(2026, 1, 15, 21, 5, 9, 7000, tzinfo=SAUDI)
LINE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \[(INFO|WARN|ERROR)\] CsrGenerationService - ")


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> int:
    return fatoora.run(arguments, lambda: NOW)


OFFICIAL = (
    "-csr", "-csrConfig", "-privateKey", "-generatedCsr", "-pem", "-sim", "-nonprod", "-sign", "-invoice",
    "-signedInvoice", "-invoiceRequest", "-apiRequest", "-generateHash", "-qr", "-validate", "-help",
)  # fmt: skip
"""The options of the SDK's readme and usage file."""


def test_help_and_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("-Help") == 0
    text = capsys.readouterr().out
    for option in (*OFFICIAL, "--json", "--out-dir", "--jobs"):
        assert option in text
    assert run() == 2


def test_default_names_use_the_24_hour_clock(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("-csr", "-csrConfig", CONFIG) == 0
    names = sorted(path.name for path in Path().iterdir())
    assert names == ["generated-csr-20260115210509.csr", "generated-private-key-20260115210509.key"]
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"\*{10} Welcome to ZATCA E-Invoice Java SDK .+ \*{21}", lines[0])
    success = (
        "2026-01-15 21:05:09,007 [INFO] CsrGenerationService - csr and private key have been generated successfully. "
    )
    assert lines[-1] == success
    assert not any(LINE.match(line) for line in lines[:2])


@pytest.mark.parametrize("pem", [True, False])
def test_forms_of_the_files(pem: bool) -> None:
    assert run("-csr", "-csrConfig", CONFIG, "-privateKey", "k", "-generatedCsr", "c", *(["-pem"] if pem else [])) == 0
    key_text, csr_text = Path("k").read_bytes(), Path("c").read_bytes()
    if pem:
        assert key_text.startswith(b"-----BEGIN EC PRIVATE KEY-----\n") and key_text.endswith(b"-----\n")
        assert csr_text.startswith(b"-----BEGIN CERTIFICATE REQUEST-----\n") and csr_text.endswith(b"-----\n")
    else:
        assert b"\n" not in key_text + csr_text
        assert base64.b64decode(csr_text).startswith(b"-----BEGIN CERTIFICATE REQUEST-----\n")
    assert keys.public_point(keys.load_key(key_text)) in read_csr_file(csr_text).tbs
    assert stat.S_IMODE(Path("k").stat().st_mode) == 0o600 or sys.platform == "win32"


def test_a_key_that_is_there_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    Path("unit.key").write_text("first")
    for _ in range(2):
        assert run("-csr", "-csrConfig", CONFIG, "-privateKey", "unit.key", "-generatedCsr", "unit.csr") == 0
    kept = sorted(Path().glob("unit.key.*"))
    assert [path.name for path in kept] == ["unit.key.20260115210509.kept", "unit.key.20260115210509.kept2"]
    assert kept[0].read_text() == "first"
    assert keys.load_key(kept[1].read_bytes()) is not None
    said = capsys.readouterr().out
    assert "[WARN] CsrGenerationService - the private key that was in unit.key is kept as" in said


@pytest.mark.parametrize("existing", [True, False])
def test_a_csr_that_cannot_be_written_changes_nothing(existing: bool, capsys: pytest.CaptureFixture[str]) -> None:
    if existing:
        Path("unit.key").write_text("first")
    assert run("-csr", "-csrConfig", CONFIG, "-privateKey", "unit.key", "-generatedCsr", "no/such/place.csr") == 2
    assert [path.name for path in Path().iterdir()] == (["unit.key"] if existing else [])
    assert not existing or Path("unit.key").read_text() == "first"
    assert "place.csr cannot be written: No such file or directory" in capsys.readouterr().out


def test_two_runs_in_one_second_make_two_pairs() -> None:
    for _ in range(2):
        assert run("-csr", "-csrConfig", CONFIG) == 0
    names = sorted(path.name for path in Path().iterdir())
    assert names == [
        "generated-csr-20260115210509-2.csr",
        "generated-csr-20260115210509.csr",
        "generated-private-key-20260115210509-2.key",
        "generated-private-key-20260115210509.key",
    ]
    for end in ("-2", ""):
        request = read_csr_file(Path(f"generated-csr-20260115210509{end}.csr").read_bytes())
        private = keys.load_key(Path(f"generated-private-key-20260115210509{end}.key").read_bytes())
        assert keys.public_point(private) in request.tbs


def test_json_is_one_record(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("-csr", "-csrConfig", CONFIG, "-nonprod", "--json") == 0
    written = capsys.readouterr()
    record = json.loads(written.out)
    assert (record["command"], record["ok"], record["environment"]) == ("csr", True, "sandbox")
    assert Path(record["csr"]).is_file() and Path(record["key"]).is_file()
    assert run("-csr", "-csrConfig", "none", "--json") == 2
    record = json.loads(capsys.readouterr().out)
    assert (record["command"], record["ok"], record["error"]) == ("csr", False, "file-unreadable")


def test_key_and_csr_cannot_be_one_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("-csr", "-csrConfig", CONFIG, "-privateKey", "x", "-generatedCsr", "./x") == 2
    assert "the same file" in capsys.readouterr().out
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file"),
        ("csr.country.name=شركة\n".encode("windows-1256"), "not UTF-8 text (line 1"),
        ("csr.country.name=SA\n".encode("utf-16"), "UTF-16"),
        (b"csr.country.name=\\u00\n", "broken escape"),
    ],
)
def test_bad_property_files_are_one_line(content: bytes | None, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    if content is not None:
        Path("unit.properties").write_bytes(content)
    assert run("-csr", "-csrConfig", "unit.properties") == 2
    lines = [line for line in capsys.readouterr().out.splitlines() if LINE.match(line)]
    assert len(lines) == 1
    assert "[ERROR] CsrGenerationService - failed to generate csr [" in lines[0]
    assert said in lines[0]


@pytest.mark.parametrize("number", range(len(own()["csr_rejections"]["cases"])))
def test_each_broken_field_is_named(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    rejections = own()["csr_rejections"]
    case = rejections["cases"][number]
    fields = rejections["base"] | case["set"]
    Path("unit.properties").write_text("".join(f"{name}={value}\n" for name, value in fields.items()), encoding="utf-8")
    assert run("-csr", "-csrConfig", "unit.properties") == 2
    said = capsys.readouterr().out
    assert case["message"] in said
    assert "Allowed: " in said
    assert [path.name for path in Path().iterdir()] == ["unit.properties"]


def test_warnings_are_said_and_do_not_stop(capsys: pytest.CaptureFixture[str]) -> None:
    text = Path(CONFIG).read_text(encoding="utf-8") + "\ncsr.location.address=A&B\n"
    Path("unit.properties").write_text(text, encoding="utf-8")
    assert run("-csr", "-csrConfig", "unit.properties") == 0
    assert "[WARN] CsrGenerationService - csr.location.address: The value holds &" in capsys.readouterr().out


WEB = ["click", "httpx", "sqlalchemy", "starlette", "pydantic", "uvicorn", "urllib.request"]
SIGNING = ["cryptography", "btclib_libsecp256k1", "lxml"]


@pytest.mark.parametrize(
    ("arguments", "also"),
    [
        (["-help"], [*SIGNING, "khatm.stamp"]),
        (["-csr", "-csrConfig", CONFIG], ["lxml"]),
        (["-generateHash", "-invoice", UNSIGNED], ["cryptography", "khatm.rules", "concurrent.futures"]),
        (["-invoiceRequest", "-invoice", UNSIGNED], ["cryptography", "khatm.rules", "concurrent.futures"]),
        (["-qr", "-invoice", SIGNED], ["khatm.rules", "concurrent.futures"]),
        (["-sign", "-invoice", UNSIGNED], ["khatm.rules", "concurrent.futures"]),
        (["-validate", "-invoice", SIGNED], ["concurrent.futures", "khatm.document.writer"]),
    ],
)
def test_the_process_loads_nothing_heavy(
    arguments: list[str], also: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SDK_CONFIG", str(sdk_folder(tmp_path / "sdk")))
    program = (
        "import sys\nfrom khatm.cli.fatoora import run\n"
        f"code = run({arguments!r})\nprint('LOADED', [m for m in {WEB + also!r} if m in sys.modules])\nsys.exit(code)"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.splitlines()[-1] == "LOADED []"


def test_a_fault_of_ours_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(arguments: list[str]) -> int:
        raise RuntimeError("secret text")

    monkeypatch.setenv("KHATM_HOME", str(Path("home").absolute()))
    monkeypatch.setattr(fatoora, "run", broken)
    with pytest.raises(SystemExit) as caught:
        fatoora.main()
    assert caught.value.code == 70
    assert "secret text" not in capsys.readouterr().err
