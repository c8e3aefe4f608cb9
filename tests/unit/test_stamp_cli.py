"""The commands csr, sign, hash, qr, request: outputs, exit codes, refusals. Source: the design's contracts."""

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from khatm.cli.khatm import khatm
from khatm.stamp import keys
from khatm.stamp.csr import read_csr_file
from khatm.stamp.verify import verify
from tests.vectors.entries import OWN, key, own

CERTIFICATE = str(OWN / "certificates" / "own-pcsid-en.der")
INVOICE = OWN / "unsigned" / "simplified-invoice.xml"
SIGNED = OWN / "signed" / "simplified-invoice.xml"
AT = "2026-01-15T12:30:06+03:00"


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("unit.key").write_text(key("egs")["sec1_pem"])
    Path("other.key").write_text(key("egs-2")["sec1_pem"])


def run(*arguments: object) -> Result:
    return CliRunner().invoke(khatm, [str(each) for each in arguments])


def sign(*arguments: object) -> Result:
    return run("sign", "--cert", CERTIFICATE, "--key", "unit.key", *arguments)


def records(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_sign_gives_the_vectors_file() -> None:
    result = sign("--at", AT, "--out", "out.xml", "--verify", "--format", "json", INVOICE)
    assert result.exit_code == 0, result.output
    assert Path("out.xml").read_bytes() == SIGNED.read_bytes()
    (record,) = records(result)
    assert record["file"] == str(INVOICE) and record["out"] == "out.xml" and record["ok"] is True
    assert record["invoice_hash"] == verify(SIGNED.read_bytes()).invoice_hash
    assert record["warnings"] == []


def test_sign_without_a_place_writes_beside_the_caller() -> None:
    assert sign(INVOICE).exit_code == 0
    assert verify(Path("simplified-invoice_signed.xml").read_bytes()).failing == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_many_files_into_a_folder(jobs: int) -> None:
    """Through the real command, so that the processes are made as they are for users."""
    inputs = sorted((OWN / "unsigned").iterdir())
    command = [sys.executable, "-c", "from khatm.cli.khatm import main; main()", "sign", "--cert", CERTIFICATE]
    options = ["--key", "unit.key", "--out-dir", "out/deep", "--jobs", str(jobs), "--verify", "--format", "json"]
    finished = subprocess.run(
        [*command, *options, *map(str, inputs)], capture_output=True, text=True, timeout=120, check=False
    )
    assert finished.returncode == 0, finished.stderr
    lines = [json.loads(line) for line in finished.stdout.splitlines()]
    assert [line["file"] for line in lines] == [str(path) for path in inputs]
    for path in inputs:
        assert verify(Path("out/deep", path.name).read_bytes()).failing == []


def test_one_bad_file_stops_no_other() -> None:
    Path("bad.xml").write_text("<a/>")
    Path("late.xml").write_bytes(INVOICE.read_bytes().replace(b"09:30:05", b"09:30:05Z"))
    result = sign("--out-dir", "out", "--format", "json", "bad.xml", "late.xml", "missing.xml", INVOICE)
    assert result.exit_code == 2
    lines = records(result)
    assert [line["ok"] for line in lines] == [False, False, False, True]
    assert [line.get("error") for line in lines] == ["missing-element", "utc-issue-time", "file-unreadable", None]
    assert "--allow-utc" in lines[1]["message"]["en"]
    assert [path.name for path in Path("out").iterdir()] == [INVOICE.name]
    assert sign("--allow-utc", "--out", "late-signed.xml", "late.xml").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "x.xml", INVOICE, SIGNED], "--out is for one file"),
        (["--out", "x.xml", "--out-dir", "y", INVOICE], "--out is for one file"),
        (["--out-dir", OWN / "unsigned", INVOICE], "would be written over"),
        (["--out-dir", "y", INVOICE, OWN / "hash" / ".." / "unsigned" / INVOICE.name], "would be written over"),
        (["--at", "2026-01-15T12:30:06", INVOICE], "no time with a zone"),
        (["--at", "soon", INVOICE], "no time with a zone"),
        (["--at", "0001-01-01T00:00:00+23:00", INVOICE], "no time with a zone"),
        (["--at", "9999-12-31T23:59:59-12:00", INVOICE], "no time with a zone"),
        (["--jobs", "0", INVOICE], "0 is not in the range"),
        ([], "Missing argument"),
    ],
)
def test_usage_errors(arguments: list[object], said: str) -> None:
    result = sign(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


def refused(*arguments: object) -> tuple[int, str, str]:
    """Run a command that ends with one error, and return exit code, the error's code and its English sentence."""
    result = run(*arguments, "--format", "json")
    (record,) = records(result)
    assert result.stderr == f"error: {record['message']['en']}\n"
    return result.exit_code, record["error"], record["message"]["en"]


def test_a_wrong_key_ends_the_command_before_any_file() -> None:
    code, error, _ = refused("sign", "--cert", CERTIFICATE, "--key", "other.key", "--out", "x.xml", INVOICE)
    assert (code, error) == (2, "foreign-certificate")
    assert not Path("x.xml").exists()
    allowed = run(
        "sign",
        "--cert",
        CERTIFICATE,
        "--key",
        "other.key",
        "--foreign-certificate",
        "--verify",
        "--out",
        "x.xml",
        INVOICE,
    )
    assert allowed.exit_code == 0
    assert verify(Path("x.xml").read_bytes()).failing == ["signature_value"]


def test_an_expired_certificate_is_said() -> None:
    result = sign("--at", "2031-02-01T00:00:00+03:00", "--format", "json", INVOICE)
    assert result.exit_code == 2
    assert records(result)[0]["error"] == "expired-certificate"


def test_hash() -> None:
    expected = own()["hash_variants"]["plain_hash"]
    assert run("hash", INVOICE).stdout == f"{expected}  {INVOICE}\n"
    result = run("hash", "--format", "json", INVOICE, "missing.xml", SIGNED)
    assert result.exit_code == 2
    lines = records(result)
    assert [line.get("invoice_hash") for line in lines] == [expected, None, expected]
    assert "missing.xml" in result.stderr


def test_qr() -> None:
    (record,) = records(run("qr", "--format", "json", SIGNED))
    assert [tag["tag"] for tag in record["tags"]] == list(range(1, 10))
    assert record["tags"][3]["value"] == "115.00"
    assert "115.00" in run("qr", SIGNED).stdout
    assert refused("qr", INVOICE)[0] == 1
    assert refused("qr", OWN / "mutated" / "qr-truncated.xml")[1] == "unreadable-qr"
    plain = run("qr", OWN / "mutated" / "long-name-plain-length.xml")
    assert plain.exit_code == 0 and "single octets" in plain.stderr


def test_request() -> None:
    result = run("request", SIGNED)
    body = json.loads(result.stdout)
    assert list(body) == ["invoiceHash", "uuid", "invoice"]
    assert run("request", "--out", "body.json", SIGNED).exit_code == 0
    assert Path("body.json").read_text() == result.stdout.rstrip("\n")


def test_csr_with_a_new_key() -> None:
    result = run(
        "csr", "--config", OWN / "csr" / "own-en.properties", "--environment", "simulation",
        "--key-out", "new.key", "--out", "new.csr", "--format", "json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    (record,) = records(result)
    assert (record["csr"], record["key"], record["kept_key"]) == ("new.csr", "new.key", None)
    made = keys.load_key(Path("new.key").read_bytes())
    assert keys.public_point(made) in read_csr_file(Path("new.csr").read_bytes()).tbs
    assert stat.S_IMODE(Path("new.key").stat().st_mode) == 0o600 or sys.platform == "win32"


def test_csr_with_a_key_that_is_there() -> None:
    entry = next(each for each in own()["csr"] if each["environment"] == "sandbox")
    result = run(
        "csr",
        "--config",
        OWN / entry["config"],
        "--environment",
        "sandbox",
        "--key",
        "unit.key",
        "--out",
        "x.csr",
        "--pem",
    )
    assert result.exit_code == 0, result.output
    assert read_csr_file(Path("x.csr").read_bytes()).tbs.hex() == entry["tbs_hex"]
    assert sorted(path.name for path in Path().iterdir()) == ["other.key", "unit.key", "x.csr"]


def test_csr_refusals() -> None:
    config = OWN / "csr" / "own-en.properties"
    both = run("csr", "--config", config, "--environment", "sandbox", "--key", "unit.key", "--key-out", "b")
    assert both.exit_code == 2 and "give one of them" in both.stderr
    assert run("csr", "--config", config, "--environment", "core").exit_code == 2
    Path("empty.properties").touch()
    code, error, sentence = refused("csr", "--config", "empty.properties", "--environment", "production")
    assert (code, error) == (2, "invalid-csr-fields")
    assert len(sentence.splitlines()) == 10


@pytest.mark.parametrize("arguments", [["hash", str(INVOICE)], ["qr", str(SIGNED)], ["request", str(SIGNED)]])
def test_stateless_commands_load_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys\nfrom khatm.cli.khatm import khatm\n"
        f"khatm({arguments!r}, standalone_mode=False)" if arguments[0] != "hash" else
        "import sys\nfrom khatm.cli.khatm import khatm\n"
        f"try:\n    khatm({arguments!r}, standalone_mode=False)\nexcept SystemExit:\n    pass"
    )  # fmt: skip
    heavy = ["httpx", "sqlalchemy", "starlette", "pydantic", "uvicorn"]
    check = f"\nprint('LOADED', [m for m in {heavy!r} if m in sys.modules])"
    finished = subprocess.run(
        [sys.executable, "-c", program + check], capture_output=True, text=True, timeout=60, check=False
    )
    assert finished.stdout.splitlines()[-1] == "LOADED []", finished.stderr
