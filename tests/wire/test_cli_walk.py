"""The mission by the command line: from a properties file to accepted documents, on every environment and type map."""

import base64
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from khatm.clock import SystemClock
from khatm.environment import Environment
from khatm.gateway.client import Gateway
from khatm.gateway.transport import HttpTransport, WireAnswer, WireRequest
from khatm.ledger.home import Home
from khatm.ledger.ledger import open_ledger
from khatm.onboarding.errors import NoAnswer
from khatm.onboarding.onboard import Onboarding
from khatm.onboarding.otp import one_otp
from khatm.onboarding.patience import Patience
from tests.wire.cli_stage import SEGMENTS, Desk, ServedSimulator, served_simulator

CHECKS = {"1000": 3, "0100": 3, "1100": 6}
PROFILES = {"1000": ("standard",), "0100": ("simplified",), "1100": ("standard", "simplified")}


@pytest.fixture(scope="module")
def authority() -> Iterator[ServedSimulator]:
    with served_simulator() as served:
        yield served


@pytest.fixture
def desk(tmp_path: Path, authority: ServedSimulator) -> Desk:
    return Desk(tmp_path, {"KHATM_GATEWAY_URL": authority.gateway})


def _add(desk: Desk, environment: str, vat_number: str, type_map: str) -> None:
    csr, seller = desk.properties(vat_number, type_map), desk.seller(vat_number)
    added = desk.khatm("unit", "add", "till", "--csr", str(csr), "--environment", environment, "--seller", str(seller))
    assert added.code == 0, added.said


@pytest.mark.parametrize("environment", ["simulation", "production"])
@pytest.mark.parametrize("type_map", list(CHECKS))
def test_unit_goes_from_csr_to_accepted_documents_and_renewal(
    desk: Desk, authority: ServedSimulator, environment: str, type_map: str
) -> None:
    vat_number = f"3{int(type_map):04d}{len(environment):05d}00003"
    _add(desk, environment, vat_number, type_map)

    onboarded = desk.khatm(
        "unit", "onboard", "till", "--otp", authority.otp(environment, vat_number), "--format", "json"
    )
    assert onboarded.code == 0, onboarded.said
    steps = [record["step"] for record in onboarded.records]
    assert steps.count("check") == CHECKS[type_map]
    assert [step for step in steps if step != "check"] == ["csr", "otp", "ccsid", "pcsid", "summary"]
    assert all(record["ok"] for record in onboarded.records)
    assert authority.device(environment, vat_number)["status"] == "Active"
    again = desk.khatm("unit", "onboard", "till", "--format", "json")
    assert again.code == 0
    assert again.records == [onboarded.records[-1] | {"already_live": True}]
    assert "live production CSID already" in again.err

    for profile in PROFILES[type_map]:
        for kind in ("invoice", "credit_note", "debit_note"):
            document = desk.document(profile, kind, f"{profile[:2]}-{kind[:2]}")
            issued = desk.khatm("issue", str(document), "--unit", "till", "--format", "json")
            assert issued.code == 0, issued.said
    sent = desk.khatm("submit", "--format", "json")
    assert sent.code == 0, sent.said
    assert [record["state"] for record in sent.records] == ["accepted"] * CHECKS[type_map]
    assert [record["http_status"] for record in sent.records] == [200] * CHECKS[type_map]

    unsent = desk.document(PROFILES[type_map][0], "invoice", "before-renewal")
    assert desk.khatm("issue", str(unsent), "--unit", "till").code == 0
    renewed = desk.khatm(
        "unit", "renew", "till", "--otp", authority.otp(environment, vat_number, "renewal"), "--format", "json"
    )
    assert renewed.code == 0, renewed.said
    assert [record["step"] for record in renewed.records].count("check") == CHECKS[type_map]  # 428 asks for them again
    # What was stamped before goes out before the old CSID may die, and is spoken of.
    sent_before = [record["icv"] for record in renewed.records if record["step"] in ("clear", "report")]
    assert sent_before == [CHECKS[type_map] + 1]
    [unit] = desk.khatm("unit", "show", "till", "--format", "json").records
    assert (unit["live_generation"], unit["next_icv"]) == ("G2", CHECKS[type_map] + 2)
    document = desk.document(PROFILES[type_map][0], "invoice", "after-renewal")
    assert desk.khatm("issue", str(document), "--unit", "till").code == 0
    assert desk.khatm("submit").code == 0


def test_sandbox_gives_a_pcsid_and_renews_at_once(desk: Desk, authority: ServedSimulator) -> None:
    vat_number = "311111111101113"
    _add(desk, "sandbox", vat_number, "1100")
    onboarded = desk.khatm("unit", "onboard", "till", "--otp", "123345", "--format", "json")
    assert onboarded.code == 0, onboarded.said
    facts = {record["step"]: record for record in onboarded.records}
    assert str(facts["ccsid"]["request_id"]) == "1234567890123"
    assert str(facts["pcsid"]["request_id"]) == "30368"
    document = desk.document("simplified", "invoice", "sandbox-1")
    assert desk.khatm("issue", str(document), "--unit", "till").code == 0
    assert desk.khatm("submit").code == 0
    renewed = desk.khatm("unit", "renew", "till", "--otp", "123456", "--format", "json")
    assert renewed.code == 0, renewed.said
    assert "check" not in [record["step"] for record in renewed.records]
    [unit] = desk.khatm("unit", "show", "till", "--format", "json").records
    assert unit["live_generation"] == "G2"


class _StopsAtTheChecks:
    """A transport whose line is cut whenever a compliance check is sent."""

    def __init__(self) -> None:
        self._inner = HttpTransport()

    def send(self, request: WireRequest) -> WireAnswer:
        if request.url.endswith("/compliance/invoices"):
            raise _LineCut
        return self._inner.send(request)

    def close(self) -> None:
        self._inner.close()


class _LineCut(Exception):
    pass


@pytest.mark.parametrize("environment", ["simulation", "production"])
def test_unit_with_only_a_ccsid_sends_nothing_and_is_told_what_is_missing(
    desk: Desk, authority: ServedSimulator, environment: str
) -> None:
    vat_number = f"3{len(environment):05d}77777" + "0003"
    _add(desk, environment, vat_number, "1100")
    home, clock = Home(desk.home, environ={}), SystemClock()
    with open_ledger(home, clock) as ledger:
        gateway = Gateway(Environment(environment), base_url=authority.gateway, transport=_StopsAtTheChecks())
        walk = Onboarding(ledger, gateway, clock, home=home)
        with pytest.raises(_LineCut):
            walk.run("till", one_otp(authority.otp(environment, vat_number)))
        generation = ledger.open_generation("till")
        assert generation is not None
        credentials = ledger.ccsid_credentials(generation)
        gateway.close()

    assert authority.device(environment, vat_number)["status"] == "Onboarding"
    before = len(authority.manage("GET", "/exchanges", limit="1000")["exchanges"])
    sent = desk.khatm("submit", "--unit", "till")
    assert sent.code == 1
    assert "production CSID missing" in sent.said and "khatm unit onboard till" in sent.said
    for step in ("standard-compliant", "simplified-debit-note-compliant"):
        assert step in sent.said
    assert len(authority.manage("GET", "/exchanges", limit="1000")["exchanges"]) == before

    basic = base64.b64encode(f"{credentials.token}:{credentials.secret}".encode()).decode()
    for route in ("reporting", "clearance"):
        answer = httpx.post(
            f"{authority.gateway}/{SEGMENTS[environment]}/invoices/{route}/single",
            json={"invoiceHash": "", "uuid": "", "invoice": ""},
            headers={"Accept-Version": "V2", "Authorization": f"Basic {basic}"},
            trust_env=False,
        )
        assert answer.status_code == 401

    resumed = desk.khatm("unit", "onboard", "till", "--format", "json")  # no OTP: the CCSID is stored
    assert resumed.code == 0, resumed.said
    assert "otp" not in [record["step"] for record in resumed.records]
    assert authority.device(environment, vat_number)["status"] == "Active"
    assert desk.khatm("issue", str(desk.document("standard", "invoice", "first")), "--unit", "till").code == 0
    assert desk.khatm("submit").code == 0
    device = authority.device(environment, vat_number)
    assert device["accepted_documents"] == 1, device


def test_demo_prints_the_lines_of_the_contract(tmp_path: Path) -> None:
    ran = Desk(tmp_path).khatm("demo", "--format", "json")
    assert ran.code == 0, ran.said
    records = ran.records
    assert all(record["ok"] is True for record in records)
    steps = [record["step"] for record in records]
    assert steps == (
        ["csr", "otp", "ccsid"] + ["check"] * 6 + ["pcsid"] + ["issue"] * 6 + ["clear"] * 3 + ["report"] * 3
        + ["chain", "summary"]
    )  # fmt: skip
    assert records[-1] == {"step": "summary", "ok": True, "accepted": 6}


def test_demo_keeps_its_ledger_when_asked(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.khatm("demo", "--keep", str(desk.home)).code == 0
    [unit] = desk.khatm("unit", "list", "--format", "json").records
    assert (unit["standing"], unit["documents"]) == ("active", {"accepted": 6})
    again = desk.khatm("demo", "--keep", str(desk.home))
    assert again.code == 2 and "not empty" in again.err


def test_an_idempotent_reference_gives_the_same_document_back(desk: Desk, authority: ServedSimulator) -> None:
    vat_number = "388888888800003"
    _add(desk, "simulation", vat_number, "0100")
    assert desk.khatm("unit", "onboard", "till", "--otp", "-", stdin=authority.otp("simulation", vat_number)).code == 0
    document = desk.document("simplified", "invoice", "A-1")
    command = ("issue", str(document), "--unit", "till", "--reference", "order-7", "--format", "json")
    [first], [second] = desk.khatm(*command).records, desk.khatm(*command).records
    assert (first["uuid"], first["icv"]) == (second["uuid"], second["icv"])
    assert second["repeated"] is True
    desk.document("simplified", "invoice", "A-1").write_text(document.read_text().replace('"14"', '"15"'))
    other = desk.khatm(*command)
    assert other.code == 2 and "order-7" in other.err


def test_patience_is_not_used_up_by_a_gateway_that_is_down(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"KHATM_GATEWAY_URL": "http://127.0.0.1:9/e-invoicing"})
    _add(desk, "simulation", "377777777700003", "0100")
    home, clock = Home(desk.home, environ={}), SystemClock()
    slept: list[float] = []
    with open_ledger(home, clock) as ledger:
        gateway = Gateway(Environment.SIMULATION, base_url="http://127.0.0.1:9/e-invoicing")
        walk = Onboarding(ledger, gateway, clock, home=home, patience=Patience(), sleep=slept.append)
        with pytest.raises(NoAnswer) as caught:
            walk.run("till", one_otp("123456"))
        gateway.close()
    assert caught.value.exit_code == 3
    assert slept and all(seconds > 0 for seconds in slept)


def test_a_unit_gets_its_seller_later(desk: Desk, authority: ServedSimulator) -> None:
    vat_number = "355555555500003"
    csr = desk.properties(vat_number, "0100")
    assert desk.khatm("unit", "add", "till", "--csr", str(csr), "--environment", "simulation").code == 0
    assert desk.khatm("unit", "onboard", "till", "--otp", authority.otp("simulation", vat_number)).code == 0
    document = str(desk.document("simplified", "invoice", "S-1"))
    refused = desk.khatm("issue", document, "--unit", "till")
    assert refused.code == 2 and "seller" in refused.err
    foreign = desk.khatm("unit", "set", "till", "--seller", str(desk.seller("311111111100003")))
    assert foreign.code == 2 and "311111111100003" in foreign.err
    assert desk.khatm("unit", "set", "till", "--seller", str(desk.seller(vat_number))).code == 0
    assert desk.khatm("issue", document, "--unit", "till").code == 0
    assert desk.khatm("unit", "set", "till", "--gateway", "http://gateway.example").code == 2
    assert desk.khatm("unit", "set", "till", "--gateway", authority.gateway).code == 0
    del desk.settings["KHATM_GATEWAY_URL"]
    assert desk.khatm("submit").code == 0


def test_the_customer_gets_the_cleared_copy_and_never_before(desk: Desk, authority: ServedSimulator) -> None:
    vat_number = "344444444400003"
    _add(desk, "production", vat_number, "1100")
    assert desk.khatm("unit", "onboard", "till", "--otp", authority.otp("production", vat_number)).code == 0
    uuids = {}
    for profile in ("standard", "simplified"):
        path = desk.document(profile, "invoice", profile)
        [issued] = desk.khatm("issue", str(path), "--unit", "till", "--format", "json").records
        uuids[profile] = issued["uuid"]
    too_early = desk.khatm("document", uuids["standard"], "--out", "customer.xml")
    assert too_early.code == 1 and "not cleared" not in too_early.out and "cleared" in too_early.err
    assert not (desk.folder / "customer.xml").exists()
    assert desk.khatm("document", uuids["standard"], "--out", "ours.xml", "--stamped").code == 0
    assert desk.khatm("document", uuids["simplified"], "--out", "receipt.xml").code == 0  # at once, by its nature
    assert desk.khatm("submit").code == 0
    [shown] = desk.khatm("document", uuids["standard"], "--out", "customer.xml", "--format", "json").records
    assert (shown["state"], shown["cleared"]) == ("accepted", True)
    ours, customers = ((desk.folder / name).read_bytes() for name in ("ours.xml", "customer.xml"))
    assert customers != ours
    hashes = desk.khatm("hash", "ours.xml", "customer.xml", "--format", "json").records
    assert hashes[0]["invoice_hash"] == hashes[1]["invoice_hash"] == shown["invoice_hash"]
    unknown = desk.khatm("document", "00000000-0000-4000-8000-000000000000")
    assert unknown.code == 2
