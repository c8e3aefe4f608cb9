"""The simulator as a program: it says when it is ready, ends at a signal, and goes on from its state."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from khatm.environment import Environment
from khatm.errors import KhatmError
from khatm.simulator.embedded import EmbeddedSimulator
from khatm.simulator.errors import AddressTaken, ForeignStore, UnreadableCannedCertificate, UnusableStore
from khatm.simulator.listening import listen
from khatm.simulator.server import run
from tests.simulator_process import SimulatorProcess
from tests.wire.simulator_caller import SELLER, Caller, Csid, Unit, http

PROGRAM = """
import sys
from pathlib import Path
from khatm.simulator.server import run
run(port=int(sys.argv[1]), data=Path(sys.argv[2]) if sys.argv[2] else None, settings=sys.argv[3:])
"""


@contextmanager
def serving(data: Path | None, settings: Sequence[str] = ()) -> Iterator[tuple[subprocess.Popen[str], str]]:
    arguments = [sys.executable, "-c", PROGRAM, "0", str(data or ""), *settings]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline()
        finally:
            process.kill()


def stop(process: subprocess.Popen[str], number: int) -> tuple[int, str]:
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    return process.returncode, errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_when_it_is_ready_and_ends_cleanly(number: int) -> None:
    with serving(None) as (process, line):
        word, _, url = line.rstrip("\n").rpartition(": ")
        assert word == "simulator ready"
        answer = http().post(f"{url}/manage/otp", json={"environment": "sandbox", "vat_number": SELLER})
        assert answer.json()["otps"][0]["otp"] == "123345"
        assert stop(process, number) == (0, "")


def test_a_restart_loses_nothing(tmp_path: Path) -> None:
    with SimulatorProcess(data=tmp_path / "state" / "deeper") as simulator:
        http().post(f"{simulator.url}/manage/clock", json={"advance_seconds": 86400 * 30})
        body = {"environment": "production", "vat_number": SELLER, "count": 2}
        first, second = (each["otp"] for each in http().post(f"{simulator.url}/manage/otp", json=body).json()["otps"])
        unit = Unit(Caller(simulator, Environment.PRODUCTION), "1000")
        asked = unit.caller.call("POST", "/compliance", {"csr": unit.csr}, OTP=first)
        unit.ccsid = Csid.of(asked.json())
        simulator.kill()
        simulator.restart()
        assert unit.caller.call("POST", "/compliance", {"csr": unit.csr}, OTP=first).status_code == 400
        assert unit.caller.call("POST", "/compliance", {"csr": unit.csr}, OTP=second).status_code == 200
        assert "Missing-ComplianceSteps" in unit.finish().text, "the CCSID is known, and the clock is still ahead"
        devices = http().get(f"{simulator.url}/manage/devices").json()["devices"]
        assert [each["status"] for each in devices] == ["Onboarding", "Onboarding"]


def test_settings_reach_the_program_and_wrong_ones_end_it() -> None:
    with serving(None, ["simulation.otp=pattern"]) as (process, line):
        url = line.rpartition(": ")[2].strip()
        body = {"environment": "simulation", "vat_number": SELLER}
        assert http().post(f"{url}/manage/otp", json=body).json()["otps"][0]["otp"] == "123345"
        stop(process, signal.SIGTERM)
    with pytest.raises(KhatmError, match="no switch 'otps'"):
        run(port=0, settings=["simulation.otps=pattern"])


def test_a_taken_port_is_named() -> None:
    with EmbeddedSimulator() as simulator:
        port = int(simulator.url.rpartition(":")[2])
        with pytest.raises(AddressTaken) as raised:
            run(port=port)
    assert raised.value.port == port
    with pytest.raises(AddressTaken):
        listen("256.256.256.256", 0)


def test_state_that_is_none_of_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "simulator.sqlite3").write_bytes(b"not a database at all" * 100)
    with pytest.raises(UnusableStore):
        run(port=0, data=tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    import sqlite3

    with sqlite3.connect(other / "simulator.sqlite3") as connection:
        connection.execute("CREATE TABLE notes (text)")
    connection.close()
    with pytest.raises(ForeignStore):
        run(port=0, data=other)
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(UnusableStore):
        run(port=0, data=file / "below")


def test_a_configured_certificate_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for content in (b"", b"hello", b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", b"\x30\x00"):
        path = tmp_path / "cert.pem"
        path.write_bytes(content)
        monkeypatch.setenv("KHATM_SIMULATOR_CANNED_CERTIFICATE", str(path))
        with pytest.raises(UnreadableCannedCertificate):
            run(port=0)
    monkeypatch.setenv("KHATM_SIMULATOR_CANNED_CERTIFICATE", os.fspath(tmp_path / "absent"))
    with pytest.raises(UnreadableCannedCertificate):
        run(port=0)


def test_many_embedded_simulators_do_not_know_each_other() -> None:
    with EmbeddedSimulator() as one, EmbeddedSimulator() as other:
        assert one.url != other.url
        unit = Unit(Caller(one, Environment.SIMULATION), "1000").onboarded()
        unit.caller = Caller(other, Environment.SIMULATION)
        unit.counter = 0
        assert unit.submit("standard-invoice").status_code == 401


def test_an_embedded_simulator_leaves_nothing_behind() -> None:
    with EmbeddedSimulator() as simulator:
        host, port = simulator.url.removeprefix("http://").split(":")
        http().get(f"{simulator.url}/manage/clock")
    with pytest.raises(ConnectionRefusedError), socket.create_connection((host, int(port)), timeout=5):
        pass


def test_a_call_that_a_fault_holds_back_does_not_keep_the_program_alive() -> None:
    with serving(None) as (process, line):
        url = line.rpartition(": ")[2].strip()
        fault = {"endpoint": "*", "then": {"delay": 600}}
        http().post(f"{url}/manage/faults", json=fault)
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            head = "POST /e-invoicing/simulation/compliance HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
            connection.sendall(head.encode())
            while not http().get(f"{url}/manage/faults").json()["faults"][0]["fired"]:
                pass
            code, errors = stop(process, signal.SIGTERM)
            assert connection.recv(100) == b""
    assert code == 0
    assert "Traceback" not in errors
