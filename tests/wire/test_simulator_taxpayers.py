"""What the portal does to taxpayers and renewals, seen from the wire (gateway contract, sections 6.6, 7 and 10.3)."""

from collections.abc import Iterator

import pytest

from khatm.clock import saudi_time
from khatm.environment import Environment
from khatm.simulator.embedded import EmbeddedSimulator
from khatm.simulator.portal import Purpose
from khatm.simulator.taxpayers import TaxpayerStatus
from tests.wire.simulator_caller import SELLER, Caller, Unit, fresh, http

SANDBOX, SIMULATION, PRODUCTION = Environment


@pytest.fixture(scope="module")
def running() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator(settings=["simulation.renewal=200"]) as simulator:
        yield simulator


@pytest.fixture
def simulator(running: EmbeddedSimulator) -> EmbeddedSimulator:
    return fresh(running)


def test_a_suspension_revokes_every_device_for_good(simulator: EmbeddedSimulator) -> None:
    fatoora = simulator.fatoora
    mine = [Unit(Caller(simulator, each), "1000").onboarded() for each in (SIMULATION, PRODUCTION)]
    theirs = Unit(Caller(simulator, SIMULATION), "1000", vat_number="311234567800003")
    assert theirs.begin().status_code == 200
    fatoora.taxpayers.set_status(SELLER, TaxpayerStatus.SUSPENDED, fatoora.clock.now())
    assert [each.submit("standard-invoice").status_code for each in mine] == [401, 401]
    assert theirs.check("standard-invoice").status_code != 401
    fatoora.taxpayers.set_status(SELLER, TaxpayerStatus.ACTIVE, fatoora.clock.now())
    assert [each.submit("standard-invoice").status_code for each in mine] == [401, 401]
    assert Unit(Caller(simulator, SIMULATION), "1000").onboarded().submit("standard-invoice").status_code == 200


def test_the_sandbox_has_no_taxpayers_to_suspend(simulator: EmbeddedSimulator) -> None:
    unit = Unit(Caller(simulator, SANDBOX), "1000")
    assert unit.begin().status_code == 200
    simulator.fatoora.taxpayers.set_status(SELLER, TaxpayerStatus.SUSPENDED, simulator.clock.now())
    assert unit.check("standard-invoice").status_code == 200


def test_a_renewal_code_of_one_device_renews_no_other(simulator: EmbeddedSimulator) -> None:
    fatoora = simulator.fatoora
    first, second = (Unit(Caller(simulator, SIMULATION), "1000").onboarded() for _ in range(2))
    chosen = fatoora.registry.devices()[1]
    [otp] = fatoora.portal.issue(
        SIMULATION, SELLER, purpose=Purpose.RENEWAL, count=1, switches=fatoora.switches(SIMULATION),
        now=fatoora.clock.now(), device_id=chosen.id,
    )  # fmt: skip

    def renew(unit: Unit) -> int:
        assert unit.pcsid is not None
        return unit.caller.call(
            "PATCH", "/production/csids", {"csr": unit.csr}, OTP=otp.code, **unit.pcsid.authorization
        ).status_code

    assert renew(first) == 400
    assert renew(second) == 200


def test_a_taxpayer_is_named_by_its_latest_certificate(simulator: EmbeddedSimulator) -> None:
    fatoora = simulator.fatoora
    assert fatoora.taxpayers.known(10) == []
    simulator.issue_otp(SIMULATION, "311234567800003")
    Unit(Caller(simulator, SIMULATION), "1000").begin()
    first, *_ = (each for each in fatoora.taxpayers.known(10) if each.vat_number == SELLER)
    assert (first.name, first.devices, first.members, first.status.value) == ("Khatm Test Est", 1, (), "Active")
    assert fatoora.taxpayers.taxpayer("311234567800003").name == ""


def test_management_lists_and_suspends_taxpayers(simulator: EmbeddedSimulator) -> None:
    unit = Unit(Caller(simulator, SIMULATION), "1000").onboarded()
    unit.submit("standard-invoice")
    [taxpayer] = http().get(f"{simulator.url}/manage/taxpayers").json()["taxpayers"]
    assert taxpayer == {
        "vat_number": SELLER,
        "status": "Active",
        "name": "Khatm Test Est",
        "members": [],
        "devices": 1,
    }
    query = {"environment": "simulation", "vat_number": SELLER}
    days = http().get(f"{simulator.url}/manage/statistics", params=query).json()["days"]
    today = saudi_time(simulator.clock.now()).date().isoformat()
    assert days == [{"day": today, "profile": "standard", "type_code": "388", "outcome": "accepted", "count": 1}]
    changed = http().post(f"{simulator.url}/manage/taxpayers/{SELLER}", json={"status": "Suspended"})
    assert changed.json()["status"] == "Suspended"
    assert unit.submit("standard-invoice").status_code == 401
    otp = http().post(f"{simulator.url}/manage/otp", json=query)
    assert (otp.status_code, otp.json()["error"]) == (409, "taxpayer-not-active")
    for vat_number, status in ((SELLER, "Closed"), ("1", "Active")):
        refused = http().post(f"{simulator.url}/manage/taxpayers/{vat_number}", json={"status": status})
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid-management-request")
