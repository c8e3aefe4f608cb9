"""Which compliance steps a unit has to pass, from its invoice type map, and which document passes each of them.

Source: gateway contract, sections 6.1 (type map) and 6.2 (step names and their order).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from khatm.ledger.documents import Profile
from khatm.onboarding.errors import UnusableTypeMap


class Kind(StrEnum):
    """The three kinds that a compliance check asks for; the values are those of the authoring format."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    DEBIT_NOTE = "debit_note"


@dataclass(frozen=True, slots=True)
class ComplianceStep:
    """One step by its name on the wire, and the document that satisfies it."""

    name: str
    """As `Missing-ComplianceSteps` writes it, for example `standard-credit-note-compliant`."""
    profile: Profile
    kind: Kind


ALL_STEPS = (
    ComplianceStep("standard-compliant", Profile.STANDARD, Kind.INVOICE),
    ComplianceStep("standard-credit-note-compliant", Profile.STANDARD, Kind.CREDIT_NOTE),
    ComplianceStep("standard-debit-note-compliant", Profile.STANDARD, Kind.DEBIT_NOTE),
    ComplianceStep("simplified-compliant", Profile.SIMPLIFIED, Kind.INVOICE),
    ComplianceStep("simplified-credit-note-compliant", Profile.SIMPLIFIED, Kind.CREDIT_NOTE),
    ComplianceStep("simplified-debit-note-compliant", Profile.SIMPLIFIED, Kind.DEBIT_NOTE),
)
"""Every step that a document is known to satisfy, in the authority's order."""

_BY_NAME = {step.name: step for step in ALL_STEPS}
_MAP_LENGTH = 4


def required_steps(type_map: str) -> tuple[ComplianceStep, ...]:
    """Return the steps of an invoice type map (`TSCZ`, four digits of 0 and 1) in the authority's order.

    `1000` gives the three standard steps, `0100` the three simplified ones, `1100` all six; the reserved positions 3
    and 4 ask for nothing that is known. Raises UnusableTypeMap for any other text or a map without T and S.
    Source: gateway contract, section 6.1.
    """
    if len(type_map) != _MAP_LENGTH or set(type_map) - {"0", "1"} or type_map.startswith("00"):
        raise UnusableTypeMap(found=type_map)
    families = zip((Profile.STANDARD, Profile.SIMPLIFIED), type_map, strict=False)
    wanted = {profile for profile, digit in families if digit == "1"}
    return tuple(step for step in ALL_STEPS if step.profile in wanted)


def steps_named(names: Iterable[str]) -> tuple[tuple[ComplianceStep, ...], tuple[str, ...]]:
    """Sort wire names into known steps (in the authority's order, each once) and names nobody knows a document for.

    The unknown ones are for example `buyer-qr-code-compliant` and `seller-qr-code-compliant` (gateway contract, 6.2).
    """
    asked = tuple(dict.fromkeys(names))
    known = tuple(step for step in ALL_STEPS if step.name in asked)
    return known, tuple(name for name in asked if name not in _BY_NAME)
