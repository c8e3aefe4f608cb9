"""The compliance steps by type map (gateway contract 6.1, 6.2)."""

from itertools import combinations

import pytest

from khatm.simulator.compliance import missing_steps, required_steps, step_of

STANDARD = ["standard-compliant", "standard-credit-note-compliant", "standard-debit-note-compliant"]
SIMPLIFIED = ["simplified-compliant", "simplified-credit-note-compliant", "simplified-debit-note-compliant"]
REQUIRED = {"1000": STANDARD, "0100": SIMPLIFIED, "1100": STANDARD + SIMPLIFIED}


@pytest.mark.parametrize("type_map", REQUIRED)
def test_every_proper_subset_leaves_exactly_the_others_missing(type_map: str) -> None:
    required = REQUIRED[type_map]
    assert required_steps(type_map) == required
    subsets = [set(chosen) for size in range(len(required)) for chosen in combinations(required, size)]
    assert len(subsets) == 2 ** len(required) - 1
    for passed in subsets:
        assert missing_steps(type_map, passed) == [step for step in required if step not in passed]
    assert missing_steps(type_map, required) == []


def test_steps_of_other_maps_do_not_help() -> None:
    assert missing_steps("1000", SIMPLIFIED) == STANDARD


def test_qr_steps_come_last_when_a_switch_demands_them() -> None:
    assert required_steps("0100", qr_steps=True)[3:] == ["buyer-qr-code-compliant", "seller-qr-code-compliant"]


@pytest.mark.parametrize(
    ("profile", "type_code", "name", "label"),
    [
        ("standard", "388", "standard-compliant", "STANDARD"),
        ("standard", "386", "standard-compliant", "STANDARD"),
        ("standard", "381", "standard-credit-note-compliant", "STANDARD_CREDIT_NOTE"),
        ("standard", "383", "standard-debit-note-compliant", "STANDARD_DEBIT_NOTE"),
        ("simplified", "388", "simplified-compliant", "SIMPLIFIED"),
        ("simplified", "386", "simplified-compliant", "SIMPLIFIED"),
        ("simplified", "381", "simplified-credit-note-compliant", "SIMPLIFIED_CREDIT_NOTE"),
        ("simplified", "383", "simplified-debit-note-compliant", "SIMPLIFIED_DEBIT_NOTE"),
    ],
)
def test_the_step_of_each_kind(profile: str, type_code: str, name: str, label: str) -> None:
    assert profile in ("standard", "simplified")
    step = step_of("standard" if profile == "standard" else "simplified", type_code, "1100")
    assert step is not None
    assert (step.name, step.label) == (name, label)


def test_kinds_outside_the_map_pass_no_step() -> None:
    assert step_of("standard", "388", "0100") is None
    assert step_of("simplified", "388", "1000") is None
    assert step_of("standard", "380", "1100") is None
    assert step_of(None, "388", "1100") is None
