"""A working directory as users of the SDK have it: key, certificate and pih.txt in its forms, and its config.json."""

import base64
import contextlib
import io
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from khatm.cli import fatoora
from khatm.clock import SAUDI
from khatm.stamp import curve
from tests.stamp_vectors import FOLDER, file
from tests.vectors.entries import key

NOW = datetime(2026, 1, 15, 13, 0, 9, 7000, tzinfo=SAUDI)
"""What the command's clock shows; within 24 hours of every document of the vectors."""
AT = "2026-01-15T12:30:06+03:00"
"""The signing time of the vectors' simplified invoice."""
TIME = "2026-01-15 13:00:09,007"
UNSIGNED = str(FOLDER / "unsigned" / "simplified-invoice.xml")
SIGNED = str(FOLDER / "signed" / "simplified-invoice.xml")
STANDARD = str(FOLDER / "signed" / "standard-invoice.xml")
FIRST_PIH = "NWZlY2ViNjZmZmM4NmYzOGQ5NTI3ODZjNmQ2OTZjNzljMmRiYzIzOWRkNGU5MWI0NjcyOWQ3M2EyN2ZiNTdlOQ=="


@dataclass(frozen=True)
class Ran:
    """What one command line did."""

    code: int
    out: str
    err: str

    @property
    def log(self) -> list[str]:
        """The log lines without their time, banner left out."""
        return [line.removeprefix(f"{TIME} ") for line in self.out.splitlines() if line.startswith(TIME)]

    @property
    def records(self) -> list[dict[str, Any]]:
        """The JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


def run(*words: object) -> Ran:
    """Run `fatoora` in this process, at NOW."""
    curve.backend()  # chosen before the command could choose for a process that lives shortly
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = fatoora.run([str(word) for word in words], lambda: NOW)
    return Ran(code, out.getvalue(), err.getvalue())


def sdk_folder(folder: Path, *, pih: str = FIRST_PIH) -> Path:
    """Lay out an SDK's folder with our own key and certificate in its forms; return its config.json."""
    certificates = folder / "Data" / "Certificates"
    for each in (certificates, folder / "Data" / "PIH", folder / "Configuration", folder / "Apps"):
        each.mkdir(parents=True)
    (certificates / "cert.pem").write_bytes(base64.b64encode(file("certificates/own-pcsid-en.der")))
    (certificates / "ec-secp256k1-priv-key.pem").write_text(key("egs")["sec1_der_base64"])
    (folder / "Data" / "PIH" / "pih.txt").write_text(pih)
    config = folder / "Configuration" / "config.json"
    members = {
        "xsdPath": "unused.xsd",
        "certPath": str(certificates / "cert.pem"),
        "privateKeyPath": str(certificates / "ec-secp256k1-priv-key.pem"),
        "pihPath": str(folder / "Data" / "PIH" / "pih.txt"),
        "inputPath": str(folder / "Data" / "Input"),
        "usagePathFile": "usage.txt",
    }
    config.write_text(json.dumps(members))
    return config
