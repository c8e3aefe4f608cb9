"""One-time passwords: life, use, purpose, and uniqueness among the live ones (gateway contract 6.6)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from khatm.environment import Environment
from khatm.simulator.errors import NoFreeOtp, TaxpayerNotActive
from khatm.simulator.portal import Otp, Portal, Purpose
from khatm.simulator.registry import Registry
from khatm.simulator.store import Store
from khatm.simulator.switches import default_switches
from khatm.simulator.taxpayers import Taxpayers, TaxpayerStatus

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
VAT, OTHER = "310123456700003", "311234567800003"
SIMULATION = default_switches(Environment.SIMULATION)
SANDBOX = default_switches(Environment.SANDBOX)


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store()
    yield opened
    opened.close()


def taxpayers_of(store: Store) -> Taxpayers:
    return Taxpayers(store, Registry(store))


@pytest.fixture
def portal(store: Store) -> Portal:
    return Portal(store, taxpayers_of(store))


def issued(portal: Portal, count: int = 1, purpose: Purpose = Purpose.ONBOARDING, at: datetime = NOW) -> list[Otp]:
    return portal.issue(Environment.SIMULATION, VAT, purpose=purpose, count=count, switches=SIMULATION, now=at)


def good(
    portal: Portal,
    code: str,
    environment: Environment = Environment.SIMULATION,
    purpose: Purpose = Purpose.ONBOARDING,
    at: datetime = NOW,
) -> bool:
    return portal.check(environment, code, purpose=purpose, switches=SIMULATION, now=at) is not None


def test_a_code_is_six_digits_and_lives_an_hour(portal: Portal) -> None:
    [otp] = issued(portal)
    assert len(otp.code) == 6
    assert otp.code.isdigit()
    assert otp.expires_at == NOW + timedelta(hours=1)
    assert good(portal, otp.code, at=NOW + timedelta(minutes=59, seconds=59))
    assert not good(portal, otp.code, at=NOW + timedelta(hours=1))


def test_a_code_works_once(portal: Portal) -> None:
    [otp] = issued(portal)
    accepted = portal.check(Environment.SIMULATION, otp.code, purpose=Purpose.ONBOARDING, switches=SIMULATION, now=NOW)
    assert accepted is not None
    assert accepted.vat_number == VAT
    portal.consume(accepted, NOW)
    assert not good(portal, otp.code)


def test_a_code_is_for_one_environment_and_one_purpose(portal: Portal) -> None:
    [otp] = issued(portal)
    assert not good(portal, otp.code, environment=Environment.PRODUCTION)
    assert not good(portal, otp.code, purpose=Purpose.RENEWAL)
    [renewal] = issued(portal, purpose=Purpose.RENEWAL)
    assert not good(portal, renewal.code)
    assert good(portal, renewal.code, purpose=Purpose.RENEWAL)


def test_live_codes_are_unique_and_expired_ones_come_again(store: Store) -> None:
    drawn = iter([7, 7, 8, 7])
    portal = Portal(store, taxpayers_of(store), below=lambda limit: next(drawn) if limit == 1_000_000 else -1)
    assert [otp.code for otp in issued(portal, count=2)] == ["000007", "000008"]
    assert [otp.code for otp in issued(portal, at=NOW + timedelta(minutes=61))] == ["000007"]


def test_a_portal_without_a_free_code_says_so(store: Store) -> None:
    portal = Portal(store, taxpayers_of(store), below=lambda _limit: 5)
    issued(portal)
    with pytest.raises(NoFreeOtp):
        issued(portal)


@pytest.mark.parametrize("code", ["123345", "123456", "12345", "123123", "999999"])
def test_the_sandbox_takes_its_pattern_again_and_again(portal: Portal, code: str) -> None:
    for _ in range(2):
        accepted = portal.check(Environment.SANDBOX, code, purpose=Purpose.ONBOARDING, switches=SANDBOX, now=NOW)
        assert accepted is not None
        portal.consume(accepted, NOW)


@pytest.mark.parametrize("code", ["111111", "222222", "000000", "1234", "1234567", "12a456", "١٢٣٣٤٥", ""])
def test_the_sandbox_refuses_its_published_bad_values(portal: Portal, code: str) -> None:
    accepted = portal.check(Environment.SANDBOX, code, purpose=Purpose.ONBOARDING, switches=SANDBOX, now=NOW)
    assert accepted is None


def test_the_sandbox_hands_out_the_published_good_value(portal: Portal) -> None:
    codes = portal.issue(Environment.SANDBOX, OTHER, purpose=Purpose.ONBOARDING, count=2, switches=SANDBOX, now=NOW)
    assert [otp.code for otp in codes] == ["123345", "123345"]


def test_codes_outlive_a_restart(tmp_path: Path) -> None:
    first = Store(tmp_path / "state")
    [otp] = issued(Portal(first, taxpayers_of(first)))
    first.close()
    second = Store(tmp_path / "state")
    assert good(Portal(second, taxpayers_of(second)), otp.code)
    second.close()


def test_the_portal_shows_the_live_codes_of_one_purpose_only(portal: Portal) -> None:
    used, live = issued(portal, 2)
    issued(portal, purpose=Purpose.RENEWAL)
    accepted = portal.check(Environment.SIMULATION, used.code, purpose=Purpose.ONBOARDING, switches=SIMULATION, now=NOW)
    assert accepted is not None
    portal.consume(accepted, NOW)
    assert portal.live(Environment.SIMULATION, VAT, Purpose.ONBOARDING, NOW) == [live]
    assert portal.live(Environment.PRODUCTION, VAT, Purpose.ONBOARDING, NOW) == []
    assert portal.live(Environment.SIMULATION, OTHER, Purpose.ONBOARDING, NOW) == []
    assert portal.live(Environment.SIMULATION, VAT, Purpose.ONBOARDING, NOW + timedelta(hours=1)) == []


@pytest.mark.parametrize("status", [TaxpayerStatus.SUSPENDED, TaxpayerStatus.DEREGISTERED])
def test_a_taxpayer_who_is_not_active_has_no_codes(store: Store, portal: Portal, status: TaxpayerStatus) -> None:
    [before] = issued(portal)
    taxpayers_of(store).set_status(VAT, status, NOW)
    assert not good(portal, before.code)
    with pytest.raises(TaxpayerNotActive) as refused:
        issued(portal)
    assert (refused.value.vat_number, refused.value.status) == (VAT, status.value)
    taxpayers_of(store).set_status(VAT, TaxpayerStatus.ACTIVE, NOW)
    assert not good(portal, before.code)
    [after] = issued(portal)
    assert good(portal, after.code)
