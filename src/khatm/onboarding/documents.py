"""The documents of the compliance checks, made from the unit's own data in the authoring format.

Source: document standard, sections 1.3 (what each kind needs), 3 (parties) and 15.1 (authoring format);
gateway contract, section 6.2 (which document passes which step).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from khatm.clock import saudi_time
from khatm.ledger.documents import Profile
from khatm.onboarding.plan import ALL_STEPS, ComplianceStep, Kind

AuthoredFields = dict[str, object]
"""One document as the authoring format has it: texts, lists and mappings only."""


@dataclass(frozen=True, slots=True)
class CheckSeller:
    """The seller that compliance documents carry."""

    block: Mapping[str, object]
    """The `seller` block of the authoring format."""
    placeholder: bool
    """Whether identifier and address are ours because the unit has no seller block."""

    @classmethod
    def of_unit(cls, block: Mapping[str, object] | None, *, organisation: str, vat_number: str) -> "CheckSeller":
        """Return the unit's own seller block, or one made of the CSR's names and a well-formed placeholder address."""
        if block is not None:
            return cls(block, placeholder=False)
        made: AuthoredFields = {
            "name": organisation,
            "vat": vat_number,
            "ids": dict(_PLACEHOLDER_ID),
            "address": dict(_PLACEHOLDER_ADDRESS),
        }
        return cls(made, placeholder=True)


def check_document(step: ComplianceStep, seller: CheckSeller, moment: datetime) -> AuthoredFields:
    """Return the document that satisfies `step`, issued at `moment` (aware; written in Saudi time).

    One line of 100.00 SAR and 15 % VAT. Notes refer to the invoice of their profile. UUID, counter and previous hash
    are the writer's to add.
    """
    issued = saudi_time(moment)
    document: AuthoredFields = {
        "kind": step.kind.value,
        "profile": step.profile.value,
        "number": document_number(step),
        "issue_date": issued.strftime("%Y-%m-%d"),
        "issue_time": issued.strftime("%H:%M:%S"),
        "seller": dict(seller.block),
        "payment": {"code": "10"},
        "lines": [dict(_LINE)],
    }
    if step.profile is Profile.STANDARD:
        document["buyer"] = dict(_BUYER)
        if step.kind is Kind.INVOICE:
            document["supply"] = {"date": document["issue_date"]}
    if step.kind is not Kind.INVOICE:
        document["references"] = [{"number": document_number(_invoice_of(step.profile))}]
        document["reasons"] = [_REASON]
    return document


def document_number(step: ComplianceStep) -> str:
    """Return the number (BT-1) of a step's document: `COMPLIANCE-1` to `COMPLIANCE-6`, in the authority's order."""
    return f"COMPLIANCE-{ALL_STEPS.index(step) + 1}"


def _invoice_of(profile: Profile) -> ComplianceStep:
    return next(step for step in ALL_STEPS if step.profile is profile and step.kind is Kind.INVOICE)


# Scheme OTH has no shape of its own, so neither value can be mistaken for somebody's registration.
_PLACEHOLDER_ID = {"OTH": "COMPLIANCECHECK"}
_PLACEHOLDER_ADDRESS = {
    "street": "عنوان مؤقت لفحص الامتثال | Placeholder street for compliance checks",
    "building": "1111",
    "district": "حي مؤقت | Placeholder district",
    "city": "الرياض | Riyadh",
    "postal_code": "11111",
    "country": "SA",
}
_BUYER = {
    "name": "مشترٍ لفحص الامتثال | Compliance check buyer",
    "ids": {"OTH": "COMPLIANCEBUYER"},
    "address": {
        "street": "شارع المشتري | Buyer street",
        "building": "2222",
        "district": "حي المشتري | Buyer district",
        "city": "الرياض | Riyadh",
        "postal_code": "22222",
        "country": "SA",
    },
}
_LINE = {
    "name": "بند لفحص الامتثال | Compliance check item",
    "quantity": "1",
    "price": "100.00",
    "unit": "PCE",
    "vat": {"category": "S", "rate": "15"},
}
_REASON = "فحص الامتثال: إلغاء التوريد | Compliance check: cancellation of the supply"
