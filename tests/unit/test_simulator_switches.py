"""The switches: defaults of gateway contract 14.1, and what `--set` reads and refuses."""

from dataclasses import fields

import pytest

from khatm.environment import Environment
from khatm.errors import KhatmError
from khatm.simulator.errors import MalformedSetting, UnknownSwitch, UnknownSwitchEnvironment, UnknownSwitchValue
from khatm.simulator.switches import Switches, default_switches, parse_setting, switches_by_environment

SANDBOX, SIMULATION, PRODUCTION = Environment
TABLE = {
    # switch: sandbox, simulation, production, as section 14.1 has them
    "otp": ("pattern", "portal", "portal"),
    "request_id": ("constant", "milliseconds", "milliseconds"),
    "template_check": (False, True, True),
    "vat_check": (False, True, True),
    "enforce_steps": (False, True, True),
    "submitted_before": (False, True, True),
    "step_list_separator": (",", ",", ","),
    "pcsid": ("issued", "issued", "issued"),
    "renewal": ("200", "428", "428"),
    "renewal_428_wrapped": (False, False, False),
    "rules": ("3.4.8", "3.4.8", "3.4.8"),
    "signature_key_check": (False, True, True),
    "invalid_signature": ("error", "error", "error"),
    "stamp_digests": (False, True, True),
    "qr_plain_lengths": ("refuse", "refuse", "refuse"),
    "csr_p256": ("refuse", "refuse", "refuse"),
    "csr_sha1": ("refuse", "refuse", "refuse"),
    "warnings_as_200": (False, False, False),
    "duplicates_as_200": (False, False, False),
    "unknown_signing_certificate": ("ignore", "warning", "warning"),
    "certificate_permissions": (True, True, True),
    "duplicates": (False, True, True),
    "duplicate_body": ("2025", "2025", "2025"),
    "chain": ("format", "format", "format"),
    "clearance_enabled": (True, True, True),
    "clearance_status_header": (True, False, False),
    "stamp": ("sandbox-faithful", "platform", "platform"),
    "cors": ("partial", "partial", "partial"),
    "accept_version": ("exact", "exact", "exact"),
    "ccsid_on_submission": ("accept", "refuse", "refuse"),
}


@pytest.mark.parametrize("name", TABLE)
def test_defaults_are_those_of_the_contract(name: str) -> None:
    assert tuple(getattr(default_switches(each), name) for each in Environment) == TABLE[name]


def test_a_configured_certificate_makes_the_sandbox_canned() -> None:
    switches = switches_by_environment(canned_certificate=True)
    assert [switches[each].pcsid for each in Environment] == ["canned", "issued", "issued"]
    again = switches_by_environment(["sandbox.pcsid=issued"], canned_certificate=True)
    assert again[SANDBOX].pcsid == "issued"


def test_settings_change_one_environment_in_order() -> None:
    settings = ["simulation.renewal=200", "production.chain=warn", "production.chain=strict", "sandbox.duplicates=on"]
    switches = switches_by_environment(settings)
    assert [switches[each].renewal for each in Environment] == ["200", "200", "428"]
    assert [switches[each].chain for each in Environment] == ["format", "format", "strict"]
    assert [switches[each].duplicates for each in Environment] == [True, True, True]


def test_blanks_and_numbers_are_read() -> None:
    assert parse_setting("simulation.step_list_separator=, ").value == ", "
    assert parse_setting(" simulation.renewal_overlap=30").value == 30


@pytest.mark.parametrize(
    ("text", "error", "found"),
    [
        ("sandbox.pcsid", MalformedSetting, "sandbox.pcsid"),
        ("pcsid=canned", MalformedSetting, "pcsid=canned"),
        ("", MalformedSetting, ""),
        ("core.pcsid=canned", UnknownSwitchEnvironment, "core"),
        ("sandbox.pcsids=canned", UnknownSwitch, "pcsids"),
        ("sandbox.=canned", UnknownSwitch, ""),
        ("sandbox.pcsid=tinned", UnknownSwitchValue, "tinned"),
        ("sandbox.pcsid=", UnknownSwitchValue, ""),
        ("sandbox.duplicates=yes", UnknownSwitchValue, "yes"),
        ("sandbox.renewal_overlap=-1", UnknownSwitchValue, "-1"),
        ("sandbox.renewal_overlap=١", UnknownSwitchValue, "١"),
    ],
)
def test_a_wrong_setting_names_what_is_allowed(text: str, error: type[KhatmError], found: str) -> None:
    with pytest.raises(error) as raised:
        parse_setting(text)
    assert raised.value.facts()["found"] == found
    allowed = raised.value.facts().get("allowed", "")
    for language in ("en", "ar"):
        assert found in raised.value.sentence(language)
        assert str(allowed) in raised.value.sentence(language)


def test_every_switch_can_be_set_and_is_explained_by_its_values() -> None:
    for switch in fields(Switches):
        with pytest.raises(UnknownSwitchValue) as raised:
            parse_setting(f"sandbox.{switch.name}=nonsense")
        allowed = str(raised.value.allowed)
        if not allowed.startswith("a whole number"):
            for value in allowed.split(", ") if "'" not in allowed else [","]:
                parse_setting(f"sandbox.{switch.name}={value}")
