"""docs/five-minutes.md does what it says: commands in order in an empty folder, PHP and C# as they are."""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from khatm.simulator.embedded import EmbeddedSimulator
from tests.wire.page import DOCS, blocks, run_in_order

PAGE = "five-minutes.md"
ARABIC_PAGE = "five-minutes.ar.md"
VAT_NUMBER = "399999999900003"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder."""
    made = tmp_path / "empty"
    made.mkdir()
    return made


@pytest.fixture
def simulator() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator(proxy=True) as opened:
        yield opened


def test_the_commands_run_in_order_in_an_empty_folder(tmp_path: Path, folder: Path) -> None:
    said = run_in_order(blocks(PAGE, "sh"), folder, tmp_path)
    lines = said.splitlines()
    order = [lines.index(each) for each in ("CLEARED REPORTED", "no answer: send again", "409: reported before")]
    assert order == sorted(order)
    assert lines[-1] == "REPORTED"
    assert lines[-2].split()[-3:] == ["409", "duplicate", "Invoice-Errors"]
    for name in ("check-01-388", "check-02-383", "cleared", "reported"):
        results = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["validationResults"]
        assert (results["status"], results["warningMessages"]) == ("PASS", []), name


def test_the_arabic_page_has_the_same_blocks_and_nothing_else_outside_its_text() -> None:
    pages = {name: (DOCS / name).read_text(encoding="utf-8") for name in (PAGE, ARABIC_PAGE)}
    fences = {name: re.findall(r"^```\w+\n.*?^```$", text, re.MULTILINE | re.DOTALL) for name, text in pages.items()}
    assert fences[ARABIC_PAGE] == fences[PAGE]
    assert len(fences[PAGE]) > 8
    rest = pages[ARABIC_PAGE]
    for fence in fences[ARABIC_PAGE]:
        rest = rest.replace(fence, "", 1)
    texts = re.findall(r'^<div dir="rtl">\n\n(.*?)\n\n</div>$', rest, re.MULTILINE | re.DOTALL)
    assert re.sub(r'^<div dir="rtl">\n\n.*?\n\n</div>$', "", rest, flags=re.MULTILINE | re.DOTALL).strip() == ""
    count = [len(re.findall(r"^## ", text, re.MULTILINE)) for text in ("\n".join(texts), pages[PAGE])]
    assert count == [10, 10]
    english = re.sub(r"(?ms)^```.*?^```$", "", pages[PAGE])
    inline = [re.findall(r"`[^`\n]+`", text) for text in ("\n".join(texts), english)]
    assert sorted(inline[0]) == sorted(inline[1]), "the two pages name different commands, members or variables"
    assert f"]({PAGE})" in texts[0]
    assert f"]({ARABIC_PAGE})" in pages[PAGE]


def csr_in(folder: Path) -> None:
    """Run the page's second step: key and CSR."""
    [step] = [each for each in blocks(PAGE, "sh") if "openssl req" in each]
    subprocess.run(["sh", "-eu", "-c", step], cwd=folder, check=True, capture_output=True)


def php(folder: Path, otp: str, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the page's program in PHP; skip without PHP, but never where CI is true."""
    modules = subprocess.run(["php", "-m"], capture_output=True, text=True, check=False).stdout if _has_php() else ""
    if "curl" not in modules.split():
        reason = "PHP with its curl extension is not on this machine"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    [program] = blocks(PAGE, "php")
    (folder / "onboard.php").write_text(program, encoding="utf-8")
    return subprocess.run(
        ["php", *options, "onboard.php", otp],
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _has_php() -> bool:
    return shutil.which("php") is not None


@pytest.mark.parametrize("way", ["base address", "fixed address"])
def test_php_gets_its_compliance_csid(simulator: EmbeddedSimulator, folder: Path, way: str) -> None:
    csr_in(folder)
    otp = simulator.issue_otp("simulation", VAT_NUMBER)
    if way == "base address":
        done = php(folder, otp, GATEWAY=f"{simulator.gateway_url}/simulation")
    else:
        done = php(folder, otp, "-d", f"curl.cainfo={simulator.tls_root_file}", HTTPS_PROXY=str(simulator.proxy_url))
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.fullmatch(r"[0-9]{13}\n", done.stdout)
    used = php(folder, otp, GATEWAY=f"{simulator.gateway_url}/simulation")
    assert used.returncode != 0
    assert "HTTP 400" in used.stdout + used.stderr


def c_sharp(folder: Path) -> str:
    """Build the page's program in C# with the page's own commands; return the one that runs it.

    `dotnet` builds it, else Mono's compiler. Skip without either, but never where CI is true.
    """
    text = (DOCS / PAGE).read_text(encoding="utf-8")
    said = re.findall(r"`((?:dotnet|mcs|mono) [^`]+)`", text.partition("```csharp")[0])
    new, run, compile_, start = said
    [program] = blocks(PAGE, "csharp")
    if _has_dotnet():
        _c_sharp_command(new, folder, check=True)
    (folder / "Program.cs").write_text(program, encoding="utf-8")
    if _has_dotnet():
        return run
    if not all(map(shutil.which, ("mcs", "mono"))):
        reason = "neither dotnet nor Mono's mcs and mono are on this machine"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    compiled = _c_sharp_command(compile_, folder, check=True)
    assert "warning" not in compiled.stdout + compiled.stderr
    return start


def _has_dotnet() -> bool:
    return shutil.which("dotnet") is not None


def _c_sharp_command(
    command: str, folder: Path, *, check: bool = False, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run one of the page's commands for C#, with nothing sent elsewhere and no server of the compiler left behind.

    In about one run of a hundred, Mono 6.8 waits up to a minute for an idle thread before it ends, whatever it ran.
    """
    quiet = {
        "DOTNET_CLI_HOME": str(folder.parent),
        "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
        "DOTNET_CLI_WORKLOAD_UPDATE_NOTIFY_DISABLE": "1",
        "DOTNET_GENERATE_ASPNET_CERTIFICATE": "false",
        "DOTNET_NOLOGO": "1",
        "MSBUILDDISABLENODEREUSE": "1",
        "NuGetAudit": "false",
        "UseSharedCompilation": "false",
    }
    done = subprocess.run(
        shlex.split(command),
        cwd=folder,
        env=os.environ | quiet | variables,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done


def test_c_sharp_gets_its_compliance_csid(simulator: EmbeddedSimulator, folder: Path) -> None:
    csr_in(folder)
    run = c_sharp(folder)
    command = run.replace("OTP", simulator.issue_otp("simulation", VAT_NUMBER))
    done = _c_sharp_command(command, folder, check=True, GATEWAY=f"{simulator.gateway_url}/simulation")
    assert re.fullmatch(r"[0-9]{13}\n", done.stdout)
    used = _c_sharp_command(command, folder, GATEWAY=f"{simulator.gateway_url}/simulation")
    assert used.returncode != 0
    assert "HTTP 400" in used.stdout + used.stderr


def test_c_sharp_with_a_fixed_address_gets_its_compliance_csid(simulator: EmbeddedSimulator, folder: Path) -> None:
    if not _has_dotnet():
        pytest.skip("no dotnet on this machine; Mono's TLS does not know the constraints of the simulator's root")
    csr_in(folder)
    command = c_sharp(folder).replace("OTP", simulator.issue_otp("simulation", VAT_NUMBER))
    reach = {"HTTPS_PROXY": str(simulator.proxy_url), "SSL_CERT_FILE": str(simulator.tls_root_file)}
    done = _c_sharp_command(command, folder, check=True, **reach)
    assert re.fullmatch(r"[0-9]{13}\n", done.stdout)
