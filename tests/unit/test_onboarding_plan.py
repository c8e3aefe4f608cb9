"""The plan of the compliance phase, against the table of the gateway contract 6.1 and 6.2."""

import itertools

import pytest

from khatm.ledger.documents import Profile
from khatm.onboarding.errors import UnusableTypeMap
from khatm.onboarding.plan import ALL_STEPS, Kind, required_steps, steps_named

STANDARD = ("standard-compliant", "standard-credit-note-compliant", "standard-debit-note-compliant")
SIMPLIFIED = ("simplified-compliant", "simplified-credit-note-compliant", "simplified-debit-note-compliant")


@pytest.mark.parametrize(
    ("type_map", "expected"),
    [("1000", STANDARD), ("0100", SIMPLIFIED), ("1100", STANDARD + SIMPLIFIED), ("1111", STANDARD + SIMPLIFIED)],
)
def test_the_map_asks_for_its_families(type_map: str, expected: tuple[str, ...]) -> None:
    assert tuple(step.name for step in required_steps(type_map)) == expected


@pytest.mark.parametrize("type_map", ["0000", "0011", "", "110", "11000", "1200", "١١٠٠", " 1100"])
def test_a_map_that_asks_for_nothing_is_refused_with_what_is_allowed(type_map: str) -> None:
    with pytest.raises(UnusableTypeMap) as caught:
        required_steps(type_map)
    assert repr(type_map) in str(caught.value)
    assert "1000, 0100, 1100" in str(caught.value)


def test_each_step_names_its_document() -> None:
    words = {Kind.INVOICE: "", Kind.CREDIT_NOTE: "-credit-note", Kind.DEBIT_NOTE: "-debit-note"}
    expected = [
        (f"{profile.value}{words[kind]}-compliant", profile, kind) for profile, kind in itertools.product(Profile, Kind)
    ]
    assert [(step.name, step.profile, step.kind) for step in ALL_STEPS] == expected


def test_wire_names_are_sorted_into_known_steps_in_order_and_unknown_ones() -> None:
    known, unknown = steps_named(
        ["simplified-compliant", "buyer-qr-code-compliant", "standard-compliant", "simplified-compliant"]
    )
    assert [step.name for step in known] == ["standard-compliant", "simplified-compliant"]
    assert unknown == ("buyer-qr-code-compliant",)
