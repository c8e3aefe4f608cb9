"""The command line as a user runs it: child processes, a home, and a simulator served by `khatm simulator`."""

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import httpx

from tests.simulator_process import start

SEGMENTS = {"sandbox": "developer-portal", "simulation": "simulation", "production": "core"}
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@dataclass(frozen=True)
class Ran:
    """What one command did."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """The JSON lines on standard output."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def said(self) -> str:
        """Everything that was printed; a traceback in it is a defect wherever it stands."""
        return self.out + self.err


@dataclass
class Desk:
    """A folder with KHATM_HOME in it, from which commands are run."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """KHATM_HOME of the commands run here."""
        return self.folder / "home"

    def environment(self) -> dict[str, str]:
        """The environment variables of the commands run here."""
        return {**os.environ, "KHATM_HOME": str(self.home), **self.settings}

    def khatm(self, *arguments: str, stdin: str = "", own_process: bool = False, **options: Any) -> Ran:
        """Run `khatm` and return what it did; no known error may end in a traceback.

        It runs inside this process, which spares a second of imports, unless a process of its own matters.
        """
        ran = self._child(arguments, stdin, options) if own_process or options else self._inside(arguments, stdin)
        assert "Traceback" not in ran.said, ran.said
        return ran

    def _child(self, arguments: tuple[str, ...], stdin: str, options: dict[str, Any]) -> Ran:
        finished = subprocess.run(
            [sys.executable, "-c", "from khatm.cli.khatm import main; main()", *arguments],
            cwd=self.folder,
            env=self.environment(),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **options,
        )
        return Ran(finished.returncode, finished.stdout, finished.stderr)

    def _inside(self, arguments: tuple[str, ...], stdin: str) -> Ran:
        from khatm.cli.khatm import main

        out, err = io.StringIO(), io.StringIO()
        given = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
        with (
            mock.patch.dict(os.environ, self.environment(), clear=True),
            mock.patch.object(sys, "argv", ["khatm", *arguments]),
            mock.patch.object(sys, "stdin", given),
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            try:
                main()
            except SystemExit as leaving:
                code = leaving.code
        return Ran(code if isinstance(code, int) else 0, out.getvalue(), err.getvalue())

    def write(self, name: str, content: object) -> Path:
        """Write a file of text, bytes or JSON into the folder."""
        path = self.folder / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
            path.write_text(text, encoding="utf-8")
        return path

    def properties(self, vat_number: str, type_map: str, name: str = "till.properties") -> Path:
        """Write the properties file of a till of a taxpayer."""
        lines = {
            "csr.common.name": f"TILL-{vat_number}",
            "csr.serial.number": "1-Khatm|2-1.0|3-5f0b7c62-7a34-4a56-9d3e-2f4f0d9b1c01",
            "csr.organization.identifier": vat_number,
            "csr.organization.unit.name": "فرع الأندلس",
            "csr.organization.name": "مقهى غيمة",
            "csr.country.name": "SA",
            "csr.invoice.type": type_map,
            "csr.location.address": "JEA7215",
            "csr.industry.business.category": "Food and beverages",
        }
        return self.write(name, "".join(f"{key}={value}\n" for key, value in lines.items()))

    def seller(self, vat_number: str, name: str = "seller.json") -> Path:
        """Write the seller block of a taxpayer."""
        block = json.loads((EXAMPLES / "seller.json").read_text(encoding="utf-8"))
        return self.write(name, {**block, "vat": vat_number})

    def document(self, profile: str, kind: str, number: str) -> Path:
        """Write an authoring file of a profile and kind."""
        content = json.loads((EXAMPLES / f"{profile}-invoice.json").read_text(encoding="utf-8"))
        content |= {"kind": kind, "number": number}
        if kind != "invoice":
            content |= {"references": [{"number": "T1-000001"}], "reasons": ["Return of goods | إرجاع سلع"]}
        return self.write(f"{number}.json", content)


@dataclass(frozen=True)
class ServedSimulator:
    """A simulator served by its own program."""

    url: str
    process: subprocess.Popen[str]

    @property
    def gateway(self) -> str:
        """What KHATM_GATEWAY_URL is set to."""
        return f"{self.url}/e-invoicing"

    def manage(self, method: str, path: str, body: object = None, **params: str) -> dict[str, Any]:
        """Call the management interface."""
        answer = httpx.request(method, f"{self.url}/manage{path}", json=body, params=params, trust_env=False)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def otp(self, environment: str, vat_number: str, purpose: str = "onboarding") -> str:
        """Return a fresh one-time password."""
        body = {"environment": environment, "vat_number": vat_number, "purpose": purpose}
        return str(self.manage("POST", "/otp", body)["otps"][0]["otp"])

    def device(self, environment: str, vat_number: str) -> dict[str, Any]:
        """Return the newest device of a taxpayer."""
        found = self.manage("GET", "/devices", environment=environment, vat_number=vat_number)["devices"]
        assert found
        newest: dict[str, Any] = found[-1]
        return newest


@contextmanager
def served_simulator(*settings: str, options: Sequence[str] = ()) -> Iterator[ServedSimulator]:
    """Start `khatm simulator` on a free port and stop it by SIGTERM, which must end it with 0."""
    arguments = [argument for setting in settings for argument in ("--set", setting)]
    process, url = start("--port", "0", *options, *arguments)
    assert process.stdout is not None
    try:
        yield ServedSimulator(url, process)
    finally:
        process.terminate()
        process.stdout.close()
        assert process.wait(timeout=20) == 0
