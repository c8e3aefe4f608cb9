"""The compliance steps: which documents a unit must have had accepted before it gets its PCSID.

Source: gateway contract, sections 6.1 and 6.2.
"""

from collections.abc import Collection
from dataclasses import dataclass

from khatm.simulator.messages import CompletedCheck
from khatm.simulator.received import Profile


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its name on the wire and the label in `Submitted before`."""

    name: str
    label: CompletedCheck


_STEPS: dict[tuple[Profile, str], Step] = {
    ("standard", "388"): Step("standard-compliant", "STANDARD"),
    ("standard", "381"): Step("standard-credit-note-compliant", "STANDARD_CREDIT_NOTE"),
    ("standard", "383"): Step("standard-debit-note-compliant", "STANDARD_DEBIT_NOTE"),
    ("simplified", "388"): Step("simplified-compliant", "SIMPLIFIED"),
    ("simplified", "381"): Step("simplified-credit-note-compliant", "SIMPLIFIED_CREDIT_NOTE"),
    ("simplified", "383"): Step("simplified-debit-note-compliant", "SIMPLIFIED_DEBIT_NOTE"),
}
_QR_STEPS = ("buyer-qr-code-compliant", "seller-qr-code-compliant")
_PREPAYMENT, _INVOICE = "386", "388"


def required_steps(type_map: str, *, qr_steps: bool = False) -> list[str]:
    """Return the names of the steps that a type map (TSCZ) asks for, in the order of the refusal's list."""
    families: list[Profile] = []
    if type_map[:1] == "1":
        families.append("standard")
    if type_map[1:2] == "1":
        families.append("simplified")
    names = [step.name for (profile, _), step in _STEPS.items() if profile in families]
    return names + list(_QR_STEPS) if qr_steps else names


def missing_steps(type_map: str, passed: Collection[str], *, qr_steps: bool = False) -> list[str]:
    """Return the required steps that are not among `passed`, in the same order."""
    return [name for name in required_steps(type_map, qr_steps=qr_steps) if name not in passed]


def step_of(profile: Profile | None, type_code: str, type_map: str) -> Step | None:
    """Return the step that a document passes, None if it is of a kind outside the map or no kind at all.

    A prepayment invoice (386) counts as its family's invoice.
    """
    kind = type_code.strip()
    step = None if profile is None else _STEPS.get((profile, _INVOICE if kind == _PREPAYMENT else kind))
    return step if step is not None and step.name in required_steps(type_map) else None
