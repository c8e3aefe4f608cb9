"""Claim: `khatm --help` and each command of `fatoora` on an invoice of 5 lines are done within 150 ms.

Beside them: the bare interpreter, click, and other small commands.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.invoices import authored, new_identity
from benchmarks.measuring import Missing, Row, milliseconds

AIM = 0.150
BARE = "python -c pass"
CLICK = 'python -c "import click"'
HELP = "khatm --help"
FATOORA = ("-csr", "-generateHash", "-invoiceRequest", "-qr", "-sign", "-validate")


def measure(*, rounds: int, turn: float) -> list[Row | Missing]:
    """Wall time of whole processes, taken in turns."""
    scripts = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as folder:
        invoice, stamped, options = _files(Path(folder))
        fatoora = {name: [str(scripts / "fatoora"), name, *options[name]] for name in FATOORA}
        commands = {
            BARE: [sys.executable, "-c", "pass"],
            CLICK: [sys.executable, "-c", "import click"],
            'python -c "import khatm"': [sys.executable, "-c", "import khatm"],
            HELP: [str(scripts / "khatm"), "--help"],
            "fatoora -help": [str(scripts / "fatoora"), "-help"],
            "khatm hash invoice.xml": [str(scripts / "khatm"), "hash", str(invoice)],
            "khatm validate stamped.xml": [str(scripts / "khatm"), "validate", str(stamped)],
            **{f"fatoora {name}": command for name, command in fatoora.items()},
        }
        taken = wall_times(commands, max(rounds // 3, 3))
    rows: list[Row | Missing] = [
        Row(f"{name}, seconds", milliseconds(taken[name]), "", taken[name], AIM, at_least=False)
        for name in (HELP, *(f"fatoora {name}" for name in FATOORA))
    ]
    rows += [
        Row(
            f"{name}, times the bare interpreter",
            milliseconds(seconds),
            milliseconds(taken[BARE]),
            seconds / taken[BARE],
        )
        for name, seconds in taken.items()
        if name != BARE
    ]
    return rows


def _files(folder: Path) -> tuple[Path, Path, dict[str, list[str]]]:
    """Write an invoice, the same stamped, key, certificate and properties; return them and each command's options."""
    from benchmarks.khatm_side import signer_of, stamp_existing, unstamped_of
    from khatm.stamp.keys import sec1_base64

    identity = new_identity()
    unstamped = unstamped_of(authored(5))
    contents = {
        "invoice.xml": unstamped,
        "stamped.xml": stamp_existing(unstamped, signer_of(identity)),
        "cert.der": identity.certificate_der,
        "unit.key": sec1_base64(identity.key),
        "unit.properties": _PROPERTIES.encode(),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    at = {name: str(folder / name) for name in (*contents, "out.xml", "out.json", "out.key", "out.csr")}
    options = {name: ["-invoice", at["stamped.xml"]] for name in FATOORA}
    options["-invoiceRequest"] += ["-apiRequest", at["out.json"]]
    options["-sign"] = ["-invoice", at["invoice.xml"], "-signedInvoice", at["out.xml"]]
    options["-sign"] += ["--cert", at["cert.der"], "--key", at["unit.key"]]
    options["-csr"] = [
        "-csrConfig",
        at["unit.properties"],
        "-privateKey",
        at["out.key"],
        "-generatedCsr",
        at["out.csr"],
    ]
    return folder / "invoice.xml", folder / "stamped.xml", options


_PROPERTIES = """\
csr.common.name=till-1
csr.serial.number=1-Khatm|2-1|3-0b6c1f5e-7d5a-4c8e-9a34-5f1c0d7e0a01
csr.organization.identifier=310123456700003
csr.organization.unit.name=Riyadh
csr.organization.name=Khatm Test Est.
csr.country.name=SA
csr.invoice.type=1100
csr.location.address=RRRD2929
csr.industry.business.category=Retail
"""


def wall_times(commands: dict[str, list[str]], rounds: int) -> dict[str, float]:
    """Return the median wall time of each command in seconds, taken in turns.

    Modules are compiled once, as an installer does it, whatever the environment says about writing bytecode.
    """
    samples: dict[str, list[float]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as compiled:
        settings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        settings["PYTHONPYCACHEPREFIX"] = compiled
        for turn in range(rounds + 1):
            for name, command in commands.items():
                began = time.perf_counter()
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=settings)
                if turn:  # the first turn compiles, and fills the file cache
                    samples[name].append(time.perf_counter() - began)
    return {name: statistics.median(each) for name, each in samples.items()}
