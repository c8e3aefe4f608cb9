"""The doctor for a unit: what does not belong together is named, and nothing secret is told."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from khatm.cli.doctor_text import unit_lines, unit_record
from khatm.clock import FixedClock
from khatm.doctor.causes import severity
from khatm.environment import Environment
from khatm.gateway.transport import Fault, WireAnswer, WireRequest
from khatm.ledger.ledger import Ledger
from khatm.unit_doctor import Told, UnitExamination, examine_unit, gateway_time
from tests import stamp_vectors
from tests.stamp_planter import private_key
from tests.unit.ledger_stage import csr_fields, fresh_ledger, simplified, tamper

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
SECRET = base64.b64encode(bytes(range(100, 132))).decode()
TOKEN = base64.b64encode(base64.b64encode(stamp_vectors.file("certificates/own-pcsid-en.der"))).decode()
CCSID = base64.b64encode(base64.b64encode(stamp_vectors.file("certificates/own-ccsid-en.der"))).decode()
CSR = stamp_vectors.file("csr/own-en.simulation.csr.pem")


def key_pem(name: str = "egs") -> bytes:
    return private_key(name).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def onboarded(
    path: Path,
    *,
    key: str = "egs",
    environment: Environment = Environment.SIMULATION,
    vat_number: str = stamp_vectors.SELLER,
    type_map: str = "1100",
    secret: str = SECRET,
    foreign: bool = False,
) -> Ledger:
    ledger = fresh_ledger(path, FixedClock(NOW))
    ledger.add_unit("till-1", environment, csr_fields(type_map, vat_number))
    generation = ledger.begin_generation("till-1", key_pem(key), CSR)
    generation = ledger.record_ccsid(generation, CCSID, SECRET, "1234567890123")
    ledger.record_pcsid(generation, TOKEN, secret, "30368", foreign_certificate=foreign)
    return ledger


def seen(ledger: Ledger, told: Told | None = None, now: datetime = NOW) -> UnitExamination:
    return examine_unit(ledger, FixedClock(now), "till-1", None if told is None else lambda: told)


def wrong(found: UnitExamination) -> list[str]:
    return [each.code for each in found.findings if each.severity == "error"]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with onboarded(tmp_path) as opened:
        yield opened


def test_unit_whose_parts_belong_together_is_sound(ledger: Ledger) -> None:
    found = seen(ledger, Told(0.4, "gateway"))
    assert [each.code for each in found.findings] == []
    assert found.exit_code == 0
    [(label, kind, identity)] = found.certificates
    assert (label, kind, identity.kind) == ("G1", "PCSID", "simulation")
    assert (identity.vat_number, identity.type_map) == (stamp_vectors.SELLER, "1100")
    assert identity.not_after == datetime(2031, 1, 14, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("planted", "code"),
    [
        ({"vat_number": "399999999900003"}, "DOCTOR-UNIT-VAT"),
        ({"type_map": "0100"}, "DOCTOR-UNIT-TYPE-MAP"),
        ({"environment": Environment.PRODUCTION}, "DOCTOR-UNIT-ENVIRONMENT"),
    ],
)
def test_certificate_of_another_unit_is_named(tmp_path: Path, planted: dict[str, object], code: str) -> None:
    with onboarded(tmp_path, **planted) as ledger:  # type: ignore[arg-type]
        found = seen(ledger)
    assert set(wrong(found)) == {code}
    assert found.exit_code == 1


def test_key_that_is_not_the_certificates_is_named(tmp_path: Path) -> None:
    with onboarded(tmp_path, key="egs-2", foreign=True) as ledger:
        assert [each.code for each in seen(ledger).findings] == ["DOCTOR-UNIT-CSR", "DOCTOR-UNIT-FOREIGN"]
        tamper(ledger, "UPDATE generation SET foreign_certificate = ?", False)
        assert wrong(seen(ledger)) == ["DOCTOR-UNIT-CSR", "DOCTOR-UNIT-KEY"]


def test_unusual_secret_is_warned_of_and_not_told(tmp_path: Path) -> None:
    with onboarded(tmp_path, secret="hunter2-hunter2") as ledger:
        found = seen(ledger)
    assert [each.code for each in found.findings] == ["DOCTOR-UNIT-SECRET"]
    assert severity("DOCTOR-UNIT-SECRET") == "warning"
    assert "hunter2" not in json.dumps(unit_record(found), default=str)


def test_passphrase_that_opens_nothing_is_named(tmp_path: Path) -> None:
    ledger = fresh_ledger(tmp_path, FixedClock(NOW), KHATM_PASSPHRASE="the right one")
    ledger.add_unit("till-1", Environment.SIMULATION, csr_fields("1100", stamp_vectors.SELLER))
    generation = ledger.record_ccsid(ledger.begin_generation("till-1", key_pem(), CSR), CCSID, SECRET, "1")
    ledger.record_pcsid(generation, TOKEN, SECRET, "2")
    ledger.close()
    with fresh_ledger(tmp_path, FixedClock(NOW), KHATM_PASSPHRASE="another one") as other:
        found = seen(other)
    assert wrong(found) == ["DOCTOR-UNIT-SEALED", "DOCTOR-UNIT-SEALED"]
    assert [each.facts["found"] for each in found.findings] == ["part-key", "part-secret"]


def test_stopped_unit_and_unit_without_credentials(ledger: Ledger) -> None:
    ledger.stop_unit("till-1", "401: the certificate was revoked")
    [finding] = seen(ledger).findings
    assert finding.code == "DOCTOR-UNIT-STOPPED"
    assert "401: the certificate was revoked" in finding.cause("en")
    ledger.add_unit("till-2", Environment.SIMULATION, csr_fields())
    assert [each.code for each in examine_unit(ledger, FixedClock(NOW), "till-2").findings] == [
        "DOCTOR-UNIT-NOT-ONBOARDED"
    ]


@pytest.mark.parametrize(
    ("now", "code"),
    [
        (datetime(2031, 2, 1, tzinfo=UTC), "DOCTOR-CERTIFICATE-ENDED"),
        (datetime(2031, 1, 1, tzinfo=UTC), "DOCTOR-CERTIFICATE-ENDS-SOON"),
        (datetime(2026, 1, 1, tzinfo=UTC), "DOCTOR-CERTIFICATE-NOT-YET"),
    ],
)
def test_validity_is_judged_by_the_clock(ledger: Ledger, now: datetime, code: str) -> None:
    assert [each.code for each in seen(ledger, now=now).findings] == [code]


def test_token_that_is_no_certificate_is_named(ledger: Ledger) -> None:
    tamper(ledger, "UPDATE generation SET pcsid_token = ?, ccsid_token = NULL", base64.b64encode(b"nothing").decode())
    assert wrong(seen(ledger)) == ["DOCTOR-CERTIFICATE-UNREADABLE"]


def test_chain_head_is_compared_with_the_last_document(ledger: Ledger) -> None:
    ledger.issue("till-1", simplified)
    issued = ledger.issue("till-1", simplified).document
    found = seen(ledger)
    assert [each.code for each in found.findings] == ["DOCTOR-UNIT-WAITING"]
    assert (found.waiting, found.refused) == (2, 0)
    tamper(ledger, "UPDATE unit SET last_hash = ?", "bm90IHRoaXM=")
    [finding] = [each for each in seen(ledger).findings if each.severity == "error"]
    assert finding.code == "DOCTOR-UNIT-CHAIN"
    assert finding.facts["expected"] == issued.invoice_hash
    late = seen(ledger, now=NOW + timedelta(days=3))
    assert {"DOCTOR-UNIT-OVERDUE": "2"}.items() <= {
        each.code: each.facts.get("found") for each in late.findings
    }.items()


class Answering:
    """A gateway that gives one answer."""

    def __init__(self, answer: WireAnswer) -> None:
        self.answer = answer
        self.asked: list[WireRequest] = []

    def send(self, request: WireRequest) -> WireAnswer:
        self.asked.append(request)
        return self.answer

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("date", "seconds"), [("Sun, 01 Mar 2026 08:58:00 GMT", 120), ("Sun, 01 Mar 2026 09:00:00 GMT", 0)]
)
def test_clock_is_compared_with_the_date_of_any_answer(ledger: Ledger, date: str, seconds: float) -> None:
    gateway = Answering(WireAnswer(404, (("DATE", date),)))
    told = gateway_time(gateway, "http://127.0.0.1/e-invoicing/simulation", FixedClock(NOW))
    assert told.seconds == seconds
    assert [name for name, _ in gateway.asked[0].headers] == ["Accept", "Accept-Version"], "no credentials"
    assert wrong(seen(ledger, told)) == (["DOCTOR-UNIT-CLOCK"] if seconds else [])


@pytest.mark.parametrize(
    "answer",
    [
        WireAnswer(None, fault=Fault.UNREACHABLE, fault_text="refused"),
        WireAnswer(200, ()),
        WireAnswer(200, (("Date", "yesterday"),)),
    ],
)
def test_clock_that_cannot_be_compared_is_said_to_be_unknown(ledger: Ledger, answer: WireAnswer) -> None:
    found = seen(ledger, gateway_time(Answering(answer), "http://127.0.0.1", FixedClock(NOW)))
    assert [each.code for each in found.findings] == ["DOCTOR-UNIT-CLOCK-UNKNOWN"]
    assert found.exit_code == 3


def test_nothing_secret_is_told(ledger: Ledger) -> None:
    ledger.issue("till-1", simplified)
    found = seen(ledger, Told(100.0, "gateway"))
    told = json.dumps(unit_record(found), default=str, ensure_ascii=False)
    told += "\n".join([*unit_lines(found, "en"), *unit_lines(found, "ar")])
    scalar = stamp_vectors.key_scalar("egs")
    for canary in (SECRET[:12], SECRET[-13:], scalar.hex()[:16], base64.b64encode(scalar).decode()[:12], TOKEN[:40]):
        assert canary not in told
    assert "PRIVATE" not in told
