"""A unit's life by the command line, in child processes that are watched, from its properties file to the auditor.

Answers are lost, cut in the middle of a secret, and wrong; processes are killed and fail. Everything that could hold a
secret afterwards is kept: what was printed, the arguments of every process, what was handed to the database.
"""

import base64
import json
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from khatm.simulator.embedded import EmbeddedSimulator
from khatm.simulator.recorder import Wanted
from tests.wire.cli_stage import EXAMPLES, Desk, Ran

ROOT = Path(__file__).resolve().parents[2]
VAT = "399999999900003"
PATIENCE = 60.0
DAYS = ("--from", "yesterday", "--to", "today")
WRONG = f"wrong {secrets.token_urlsafe(24)}"
"""A passphrase that opens nothing."""


class Life:
    """One installation, its authority, and everything that came out of it."""

    def __init__(self, folder: Path, simulator: EmbeddedSimulator, settings: dict[str, str]) -> None:
        self.desk = Desk(folder, {**settings, "KHATM_GATEWAY_URL": simulator.gateway_url})
        self.simulator = simulator
        self.output: list[bytes] = []
        self.arguments: set[bytes] = set()
        self.typed_otps: list[str] = []
        """One-time passwords that were given as arguments."""
        self.piped_otps: list[str] = []
        self.statements = folder / "statements"
        for made in (self.statements, folder / "temporary"):
            made.mkdir()

    def otp(self, purpose: str = "onboarding", *, piped: bool = False) -> str:
        """Return a fresh one-time password and note how it is going to be given."""
        otp = self.simulator.issue_otp("simulation", VAT, purpose)
        (self.piped_otps if piped else self.typed_otps).append(otp)
        return otp

    def arm(self, *faults: tuple[str, dict[str, object]]) -> None:
        """Let each endpoint misbehave once, in the order given; what is still armed is disarmed."""
        self.simulator.clear_faults()
        self.simulator.arm_faults({"faults": [{"endpoint": endpoint, "then": then} for endpoint, then in faults]})

    def answers(self) -> list[bytes]:
        """Return the true bodies of all answers, those that were lost or cut on the way included."""
        found = self.simulator.fatoora.recorder.find(Wanted(), 2000)
        return [each.exchange.response.body for each in found if each.exchange.response is not None]

    def issued_secrets(self) -> list[str]:
        """Return every CSID secret that the authority ever put into an answer, once."""
        members = [json.loads(body) for body in self.answers() if b'"secret"' in body]
        return list(dict.fromkeys(each["secret"] for each in members if each["secret"]))

    def authorization(self) -> str:
        """Return what the newest CSID is shown with, and its secret beside it."""
        newest = json.loads([body for body in self.answers() if b'"secret"' in body][-1])
        pair = f"{newest['binarySecurityToken']}:{newest['secret']}"
        return f"Basic {base64.b64encode(pair.encode()).decode()} ({newest['secret']})"

    def cut_in_secret(self) -> dict[str, object]:
        """Return the fault that ends an answer in the middle of its secret, measured on one that was given before."""
        body = next(body for body in self.answers() if b'"secret":"' in body)
        return {"truncate": "connection", "keep": body.index(b'"secret":"') + len(b'"secret":"') + 24}

    def khatm(self, *arguments: str, code: int, stdin: str = "", **settings: str) -> Ran:
        """Run one command to its end, which must be with this exit code."""
        process = self._start(arguments, settings)
        out, err = process.communicate(stdin.encode(), timeout=PATIENCE)
        return self._ended(process, out, err, code)

    def killed(self, *arguments: str, stdin: str = "", **settings: str) -> None:
        """Start a command and kill it once the authority has processed a call of it."""
        before = self.simulator.fatoora.recorder.last_number
        process = self._start(arguments, settings)
        assert process.stdin is not None
        process.stdin.write(stdin.encode())
        process.stdin.flush()
        until(lambda: self.simulator.fatoora.recorder.last_number > before, process)
        process.kill()
        out, err = process.communicate(timeout=PATIENCE)
        self._ended(process, out, err, -9)

    def _start(self, arguments: tuple[str, ...], settings: dict[str, str]) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "tests.crash.canary_child", *arguments]
        environment = self.desk.environment() | {
            "PYTHONPATH": os.pathsep.join((os.environ.get("PYTHONPATH", ""), str(ROOT))),
            "CANARY_STATEMENTS": str(self.statements),
            "TMPDIR": str(self.desk.folder / "temporary"),
            **settings,
        }
        # An empty text takes a setting away.
        environment = {name: value for name, value in environment.items() if value or name not in settings}
        self.arguments.add("\0".join(command).encode())
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, cwd=self.desk.folder, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0
        )

    def _ended(self, process: "subprocess.Popen[bytes]", out: bytes, err: bytes, code: int) -> Ran:
        self.output += [out, err]
        ran = Ran(process.returncode, out.decode(), err.decode())
        assert ran.code == code, ran.said
        return ran


def until(holds: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    """Wait for something while a process lives."""
    ticks = threading.Event()
    for _ in range(int(PATIENCE / 0.02)):
        if holds():
            return
        assert process.poll() is None, process.communicate()
        ticks.wait(0.02)
    raise AssertionError("it never came")


def document(life: Life, profile: str, number: str) -> str:
    """Write an authoring file; return its name."""
    return life.desk.document(profile, "invoice", number).name


def added(life: Life) -> None:
    """Add the unit."""
    csr, seller = life.desk.properties(VAT, "1100"), life.desk.seller(VAT)
    where = ("--environment", "simulation", "--seller", str(seller))
    life.khatm("unit", "add", "till", "--csr", str(csr), *where, code=0)


def onboarded_with_losses(life: Life) -> None:
    """Lose the CCSID's answer, cut it in its secret, die and fail with it in hand; then lose the PCSID's likewise."""
    onboard = ("unit", "onboard", "till")
    life.khatm(*onboard, "--otp", "12345", code=2)
    life.arm(("compliance_csid", {"drop": "close", "when": "after"}))
    life.khatm(*onboard, "--otp", life.otp(), code=1)  # the same OTP again, which is used up
    life.arm(("compliance_csid", life.cut_in_secret()))
    life.khatm(*onboard, "--otp", life.otp(), "--format", "json", code=1)
    life.arm(("compliance_csid", {"delay": 60, "when": "after"}))
    life.killed(*onboard, "--otp", "-", stdin=life.otp(piped=True) + "\n")
    crashed = life.khatm(*onboard, "--otp", life.otp(), code=70, CANARY_FAULT="ccsid")
    assert "RuntimeError" in crashed.err
    life.arm(
        ("compliance_check", {"status": 504}),
        ("compliance_check", {"status": 500, "when": "after"}),
        ("production_csid", life.cut_in_secret()),
    )
    life.khatm(*onboard, "--otp", "-", stdin=life.otp(piped=True) + "\n", code=70, CANARY_FAULT="pcsid")
    life.khatm(*onboard, "--format", "json", code=0)


def onboarded(life: Life) -> None:
    """Onboard without any trouble."""
    life.khatm("unit", "onboard", "till", "--otp", life.otp(), code=0)


def issued(life: Life) -> str:
    """Issue the first document; return its UUID."""
    name = document(life, "standard", "A-2")
    [made] = life.khatm("issue", name, "--unit", "till", "--format", "json", "--out", "a-2.xml", code=0).records
    return str(made["uuid"])


def traded(life: Life) -> None:
    """Issue, one by one and in bulk, and send through faults until everything is decided."""
    issue = ("issue", "--unit", "till")
    life.khatm(*issue, document(life, "standard", "A-1"), code=70, CANARY_FAULT="key")
    life.khatm(*issue, document(life, "simplified", "A-3"), "--reference", "order-3", code=0)
    content = json.loads((EXAMPLES / "simplified-invoice.json").read_text("utf-8"))
    lines = [json.dumps({**content, "number": f"B-{number}"}, ensure_ascii=False) for number in range(4)]
    life.desk.write("lines.jsonl", "\n".join([*lines, '{"kind": "nothing"}']))
    life.khatm(*issue, "lines.jsonl", "--bulk", code=2)
    life.arm(("clearance", {"status": 401, "content": {"message": f"not welcome: {life.authorization()}"}}))
    life.khatm("submit", code=1)
    life.arm(
        ("clearance", {"drop": "close", "when": "after"}),
        ("reporting", {"reject": "BR-KSA-15"}),
        ("reporting", {"truncate": "json"}),
    )
    life.khatm("submit", "--resume", "--format", "json", code=1)
    life.khatm("worker", "--until-idle", code=0)
    [refused] = [each for each in life.khatm("status", "--format", "json", code=1).records if each.get("uuid")]
    life.khatm("document", refused["uuid"], code=0)
    life.khatm("correct", refused["uuid"], "--out", "draft.json", code=0)
    life.khatm(*issue, "draft.json", code=0)


def refused(life: Life, database: str | None) -> None:
    """Call with a wrong passphrase and wrong addresses, each of which says so."""
    life.khatm("submit", "--format", "json", code=2, KHATM_PASSPHRASE=WRONG, KHATM_PASSPHRASE_FILE="")
    life.khatm("unit", "renew", "nobody", "--otp", "654321", code=2)
    if database is not None:
        password, elsewhere = database.partition("://")[2].partition("@")[::2]
        for wrong in (f"mysql://{password}@localhost/x", f"postgresql://{password}@localhost:port/x"):
            life.khatm("unit", "list", code=2, KHATM_DATABASE_URL=wrong)
        missing = f"postgresql://{password}@{elsewhere.replace('/khatm_test_', '/khatm_gone_')}"
        life.khatm("unit", "list", code=3, KHATM_DATABASE_URL=missing)


def renewed_with_losses(life: Life) -> None:
    """Renew; the first answer with its secret is cut, and so the next OTP is needed."""
    renew = ("unit", "renew", "till", "--otp")
    life.arm(("renewal", life.cut_in_secret()), ("production_csid", {"drop": "close", "when": "after"}))
    life.khatm(*renew, life.otp("renewal"), code=1)
    life.khatm(*renew, "-", "--format", "json", stdin=life.otp("renewal", piped=True) + "\n", code=0)


def exported(life: Life) -> None:
    """Write the auditor's pack."""
    life.khatm("export", "--unit", "till", *DAYS, "--out", "pack.zip", code=0)


def audited(life: Life) -> None:
    """Prove the chain, write the pack and the statement, and end with a worker that is killed while it sends."""
    life.khatm("chain", "verify", "--format", "json", code=0)
    exported(life)
    life.khatm("chain", "verify", "pack.zip", code=0)
    life.khatm("statement", *DAYS, code=0)
    life.khatm("issue", "--unit", "till", document(life, "simplified", "C-1"), code=0)
    life.arm(("reporting", {"delay": 60, "when": "after"}))
    life.killed("worker")


def migrated(life: Life) -> None:
    """Let a newer program open a ledger file, of which it makes a copy first."""
    life.khatm("unit", "list", code=0, CANARY_MIGRATION="yes")
    assert list(life.desk.home.glob("ledger.db.before-*"))
