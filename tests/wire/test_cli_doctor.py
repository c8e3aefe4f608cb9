"""The doctor on a unit that a simulator onboarded: sound, with its parts pulled apart, and without a line."""

import base64
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from khatm.clock import SystemClock
from khatm.ledger.home import Home
from khatm.ledger.ledger import open_ledger
from tests.wire.cli_stage import Desk, Ran, ServedSimulator, served_simulator

VAT = "310888877700003"


@pytest.fixture(scope="module")
def authority() -> Iterator[ServedSimulator]:
    with served_simulator() as served:
        yield served


@pytest.fixture
def desk(tmp_path: Path, authority: ServedSimulator) -> Desk:
    desk = Desk(tmp_path, {"KHATM_GATEWAY_URL": authority.gateway})
    csr, seller = desk.properties(VAT, "1100"), desk.seller(VAT)
    added = desk.khatm("unit", "add", "till", "--csr", str(csr), "--environment", "simulation", "--seller", str(seller))
    assert added.code == 0, added.said
    onboarded = desk.khatm("unit", "onboard", "till", "--otp", authority.otp("simulation", VAT))
    assert onboarded.code == 0, onboarded.said
    return desk


def codes(ran: Ran) -> list[str]:
    return [each["code"] for each in ran.records[0]["findings"]]


def issue(desk: Desk, number: str) -> Path:
    document = desk.document("simplified", "invoice", number)
    out = desk.folder / f"{number}.xml"
    assert desk.khatm("issue", str(document), "--unit", "till", "--out", str(out)).code == 0
    return out


def test_unit_fresh_from_onboarding_is_sound_and_tells_no_secret(desk: Desk) -> None:
    stamped = issue(desk, "T1-1")
    ran = desk.khatm("doctor", "till", "--format", "json")
    assert ran.code == 0, ran.said
    assert codes(ran) == ["DOCTOR-UNIT-WAITING"]
    [record] = ran.records
    assert abs(record["clock"]["seconds"]) < 3600  # the two clocks are one; a busy machine may answer late
    assert record["clock"]["source"].endswith("/e-invoicing/simulation")
    assert record["certificates"][0]["kind"] == "simulation"
    assert desk.khatm("submit").code == 0
    assert codes(desk.khatm("doctor", "till", "--format", "json", "--offline")) == []
    for language in ("en", "ar"):
        said = desk.khatm("doctor", "till", "--language", language)
        assert said.code == 0
        assert_no_secret(desk, said)
    assert_no_secret(desk, ran)
    own = desk.khatm("doctor", str(stamped), "--format", "json")
    assert (own.code, codes(own)) == (0, [])


def assert_no_secret(desk: Desk, ran: Ran) -> None:
    with open_ledger(Home(desk.home, environ={}), SystemClock()) as ledger:
        live = ledger.live_generation("till")
        assert live is not None
        credentials = ledger.pcsid_credentials(live)
        key = base64.b64encode(ledger.key_of(live)).decode()
        lines = ledger.key_of(live).decode().splitlines()[1:-1]
    for canary in (credentials.secret, credentials.token, key[:30], *lines):
        assert canary[:24] not in ran.said
        assert canary[-24:] not in ran.said


def test_gateway_that_is_away_leaves_the_clock_to_the_last_exchange(desk: Desk) -> None:
    desk.settings["KHATM_GATEWAY_URL"] = "http://127.0.0.1:9/e-invoicing"
    unknown = desk.khatm("doctor", "till", "--format", "json")
    assert (unknown.code, codes(unknown)) == (3, ["DOCTOR-UNIT-CLOCK-UNKNOWN"])
    assert desk.khatm("doctor", "till", "--offline").code == 0


def test_last_exchange_tells_the_clock_where_the_gateway_is_away(desk: Desk) -> None:
    issue(desk, "T1-2")
    assert desk.khatm("submit").code == 0
    desk.settings["KHATM_GATEWAY_URL"] = "http://127.0.0.1:9/e-invoicing"
    ran = desk.khatm("doctor", "till", "--format", "json")
    assert (ran.code, codes(ran)) == (0, [])
    assert "/invoices/reporting/single" in ran.records[0]["clock"]["source"]


def test_parts_that_are_pulled_apart_are_named(desk: Desk) -> None:
    issue(desk, "T1-3")
    with closing(sqlite3.connect(Home(desk.home, environ={}).database_path)) as database, database:
        database.execute("UPDATE unit SET vat_number = '399999999900003', last_hash = 'bm90IHRoaXM='")
    ran = desk.khatm("doctor", "till", "--offline", "--format", "json")
    assert ran.code == 1
    assert {"DOCTOR-UNIT-VAT", "DOCTOR-UNIT-CHAIN"} <= set(codes(ran))
    assert json.dumps(ran.records[0]).count("bm90IHRoaXM=") >= 1
