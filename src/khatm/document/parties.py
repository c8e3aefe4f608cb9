"""Seller and buyer as the author gives them.

Source: the document standard, section 3; terms BG-4, BG-5 and BG-7 to BG-9.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from khatm.document.codes import BUYER_SCHEMES, SELLER_SCHEMES, Scheme
from khatm.document.values import Checked, Country, Text127, Text1000, VatNumber, refused, shaped


class Block(BaseModel):
    """A part of an authored document: unknown fields are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _of_schemes(schemes: tuple[Scheme, ...]) -> Checked:
    names = ", ".join(schemes)

    def read(ids: dict[str, str]) -> dict[str, str]:
        if any(scheme not in schemes for scheme in ids):
            raise refused("scheme", f"the schemes {names}", f"الأنواع {names}", "BR-KSA-08, BR-KSA-14")
        if len(ids) > 1:
            raise refused(
                "two-ids",
                f"one identification only: the first that the party has in the order {names}",
                f"معرّف واحد فقط: أول ما يملكه الطرف بالترتيب {names}",
                "BR-KSA-08, BR-KSA-14",
            )
        return ids

    return Checked(read, {"maxProperties": 1, "propertyNames": {"enum": list(schemes)}})


_IdValue = Annotated[
    str,
    shaped(
        "[A-Za-z0-9]{1,127}", "letters A-Z and digits 0-9 only", "حروف لاتينية وأرقام 0-9 فقط", "BR-KSA-08, BR-KSA-14"
    ),
]
_SellerIds = Annotated[dict[str, _IdValue], _of_schemes(SELLER_SCHEMES)]
_BuyerIds = Annotated[dict[str, _IdValue], _of_schemes(BUYER_SCHEMES)]
_Building = Annotated[str, shaped("[0-9]{4}", "4 digits", "4 أرقام", "BR-KSA-37")]
_Plot = Annotated[str, shaped("[0-9]{4}", "4 digits", "4 أرقام", "BR-KSA-64")]
_PostalCode = Annotated[str, shaped("[0-9]{5}", "5 digits", "5 أرقام", "BR-KSA-66")]
_Telephone = Annotated[
    str, shaped("[0+][0-9]{4,15}", "0 or + and then 4 to 15 digits", "0 أو + ثم 4 إلى 15 رقما", "BR-KSA-85")
]
_Email = Annotated[
    str, shaped(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", "an e-mail address", "عنوان بريد إلكتروني", "BR-KSA-86")
]


class SellerAddress(Block):
    """The seller's national address (BG-5)."""

    street: Text1000
    """BT-35."""
    additional_street: Text127 | None = None
    """BT-36."""
    building: _Building
    """KSA-17."""
    plot: _Plot | None = None
    """KSA-23, the secondary number."""
    district: Text127
    """KSA-3."""
    city: Text127
    """BT-37."""
    postal_code: _PostalCode
    """BT-38."""
    province: Text127 | None = None
    """BT-39."""
    country: Country
    """BT-40."""


class BuyerAddress(Block):
    """The buyer's address (BG-8); what a standard document needs of it is checked with the document."""

    street: Text1000 | None = None
    """BT-50."""
    additional_street: Text127 | None = None
    """BT-51."""
    building: Text127 | None = None
    """KSA-18."""
    plot: Text127 | None = None
    """KSA-19."""
    district: Text127 | None = None
    """KSA-4."""
    city: Text127 | None = None
    """BT-52."""
    postal_code: Text127 | None = None
    """BT-53."""
    province: Text127 | None = None
    """BT-54."""
    country: Country | None = None
    """BT-55."""


class Contact(Block):
    """Whom to talk to (BG-9)."""

    name: Text1000 | None = None
    """BT-56."""
    telephone: _Telephone | None = None
    """BT-57."""
    email: _Email | None = None
    """BT-58."""
    note: Text1000 | None = None
    """KSA-35."""


class Seller(Block):
    """Who supplies (BG-4)."""

    name: Text1000
    """BT-27; goes into the QR code."""
    vat: VatNumber
    """BT-31, the VAT or VAT group number."""
    ids: _SellerIds = Field(default_factory=dict)
    """BT-29 by scheme, one at most."""
    address: SellerAddress
    contact: Contact | None = None


class Buyer(Block):
    """Who is supplied (BG-7)."""

    name: Text1000 | None = None
    """BT-44."""
    vat: VatNumber | None = None
    """BT-48."""
    ids: _BuyerIds = Field(default_factory=dict)
    """BT-46 by scheme, one at most."""
    address: BuyerAddress | None = None
    contact: Contact | None = None
