"""The authoring format: business facts in, everything else is computed.

`read_document` takes JSON or data and either returns an AuthoredDocument or tells all that is wrong at once.
Source: the document standard, section 15.1; statuses per kind in sections 1 to 4.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, ValidationError

from khatm.clock import SystemClock, saudi_time
from khatm.document.authoring_json import authoring_data, tidied
from khatm.document.codes import ATTACHMENT_TYPES, OWN_REFERENCES, PAYMENT_MEANS_CODES, TYPE_CODES, Flag, Kind, Profile
from khatm.document.errors import InvalidDocument, Problem
from khatm.document.lines import DocumentCharge, DocumentDiscount, Line, Prepayment
from khatm.document.parties import Block, Buyer, Seller
from khatm.document.problems import problems_of
from khatm.document.refusals import business_problems
from khatm.document.schema_types import BUILTIN
from khatm.document.values import (
    Checked,
    Currency,
    Day,
    ExchangeRate,
    LanguageTag,
    Positive,
    SignedAmount,
    Text127,
    Text1000,
    Text5000,
    Time,
    Uuid,
    listed,
    refused,
    shaped,
)
from khatm.memory import uncollected

__all__ = ["AuthoredDocument", "authoring_data", "json_schema", "read_document", "read_party"]

_PaymentCode = Annotated[
    str,
    listed(
        PAYMENT_MEANS_CODES,
        "a payment means code: 10 cash, 30 credit, 42 bank account, 48 bank card, 1 not defined, or of UNTDID 4461",
        "رمز وسيلة الدفع: 10 نقدي، 30 آجل، 42 حساب بنكي، 48 بطاقة، 1 غير محدد، أو غيرها من UNTDID 4461",
        "BR-KSA-16",
    ),
]
_MimeCode = Annotated[
    str,
    listed(
        frozenset(ATTACHMENT_TYPES),
        f"one of {', '.join(ATTACHMENT_TYPES)}",
        f"أحد الأنواع {', '.join(ATTACHMENT_TYPES)}",
        "BR-KSA-CL-03",
    ),
]
_HashText = Annotated[
    str,
    shaped(
        "[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{86}==",
        "the previous document's invoice hash in base64 (44 characters), or null for the first document",
        "بصمة المستند السابق بترميز base64 (44 حرفا)، أو null لأول مستند",
        "BR-KSA-26",
    ),
]


def _reference_id(value: str) -> str:
    if value.strip().upper() in OWN_REFERENCES:
        names = ", ".join(OWN_REFERENCES)
        raise refused("reserved", f"any ID but {names}", f"أي معرّف ما عدا {names}", "BR-KSA-33")
    return value


def _base64(value: str) -> str:
    if not value or BUILTIN["base64Binary"](value) is not None:
        raise refused("base64", "the file's bytes in base64", "محتوى الملف بترميز base64")
    return "".join(value.split())


class Supply(Block):
    """When the supply took place (BG-13)."""

    date: Day | None = None
    """KSA-5."""
    end: Day | None = None
    """KSA-24, for a period."""


class Payment(Block):
    """How it is paid (BG-16)."""

    code: _PaymentCode
    """BT-81."""
    terms: Text1000 | None = None
    """KSA-22."""
    account: Text127 | None = None
    """BT-84, an IBAN."""


class Reference(Block):
    """A document that a note corrects (BG-3)."""

    number: Text5000
    """BT-25; free text where a note corrects many."""
    issue_date: Day | None = None
    """BT-26."""


class Note(Block):
    """A remark on the document (BT-22)."""

    text: Text1000
    lang: LanguageTag | None = None


class Attachment(Block):
    """A supporting document carried inside (BG-24)."""

    id: Annotated[Text127, Checked(_reference_id)]
    """BT-122."""
    description: Text1000 | None = None
    filename: Text127
    mime_code: _MimeCode
    content: Annotated[str, Checked(_base64, {"contentEncoding": "base64"})]
    """BT-125: the file's bytes in base64."""


def _no_twice(flags: tuple[Flag, ...]) -> tuple[Flag, ...]:
    if len(set(flags)) != len(flags):
        raise refused("twice", "each flag once", "كل علامة مرة واحدة")
    return flags


class AuthoredDocument(Block):
    """One invoice, note or prepayment invoice as its author sees it."""

    kind: Kind
    """BT-3."""
    profile: Profile = "standard"
    flags: Annotated[tuple[Flag, ...], Checked(_no_twice, {"uniqueItems": True})] = ()
    """With the profile, KSA-2."""
    number: Text127
    """BT-1."""
    issue_date: Day = Field(default_factory=lambda: f"{_now():%Y-%m-%d}")
    """BT-2; today in Saudi Arabia when left out."""
    issue_time: Time = Field(default_factory=lambda: f"{_now():%H:%M:%S}")
    """KSA-25; now in Saudi Arabia when left out."""
    uuid: Uuid | None = None
    """KSA-1; from the unit's chain when left out, as the next two."""
    counter: Annotated[int, Field(strict=True, ge=0, lt=10**18)] | None = None
    """KSA-16, the invoice counter value (ICV)."""
    previous_hash: _HashText | None = None
    """KSA-13, the previous invoice hash (PIH); null stands for the first document."""
    follows: Uuid | None = None
    """UUID of the document in the ledger that this one corrects or changes; the ledger keeps it, the XML does not."""
    currency: Currency = "SAR"
    """BT-5."""
    sar_rate: ExchangeRate | None = None
    """KSA-39: riyals per unit of the currency, required for any other than SAR."""
    seller: Seller
    buyer: Buyer | None = None
    supply: Supply | None = None
    """On a standard invoice the date is the issue date when left out."""
    payment: Payment | None = None
    """On notes code 10 (cash) when left out."""
    lines: tuple[Line, ...] = Field(min_length=1, max_length=900_000)
    discounts: tuple[DocumentDiscount, ...] = ()
    charges: tuple[DocumentCharge, ...] = ()
    prepayments: tuple[Prepayment, ...] = ()
    rounding: SignedAmount | None = None
    """BT-114 as it shall stand."""
    round_to: Positive | None = None
    """Round the payable amount to a multiple of this, such as 0.05."""
    references: tuple[Reference, ...] = ()
    reasons: tuple[Text1000, ...] = ()
    """KSA-10, on notes only; one text per language or reason."""
    order_ref: Text127 | None = None
    """BT-13."""
    contract_ref: Text127 | None = None
    """BT-12."""
    notes: tuple[Note, ...] = ()
    attachments: tuple[Attachment, ...] = ()

    @property
    def type_code(self) -> str:
        """BT-3."""
        return TYPE_CODES[self.kind]

    @property
    def is_note(self) -> bool:
        """Whether this is a credit or debit note."""
        return self.kind in ("credit_note", "debit_note")

    def as_input(self) -> dict[str, Any]:
        """Return the document in the authoring format, without what is at its default."""
        return self.model_dump(mode="json", exclude_defaults=True)


def read_document(
    content: bytes | str | Mapping[str, Any],
    *,
    defaults: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> AuthoredDocument:
    """Read an authored document from JSON (UTF-8 bytes or text) or from data.

    `defaults` stand in for members that are absent or null (a unit's `seller`); `now` (aware) is the moment that gives
    the issue date and time when they are left out. Raises InvalidDocument with every problem at once.
    """
    data = authoring_data(content)
    for name, value in (defaults or {}).items():
        if data.get(name) is None:
            data[name] = value
    if data.get("issue_date") is None or data.get("issue_time") is None:
        moment = _now(now)
        stamps = {"issue_date": f"{moment:%Y-%m-%d}", "issue_time": f"{moment:%H:%M:%S}"}
        data |= {name: value for name, value in stamps.items() if data.get(name) is None}
    problems: list[Problem] = []
    document: AuthoredDocument | None
    try:
        # Most documents are in order as they come; tidying every one first would cost a sixth of the reading.
        with uncollected():
            document = AuthoredDocument.model_validate(data)
    except ValidationError:
        document, problems = _read_tidied(data := tidied(data))
    problems += business_problems(data)
    if document is None or problems:
        raise InvalidDocument(_once_per_place(problems))
    return document


def _read_tidied(data: dict[str, Any]) -> tuple[AuthoredDocument | None, list[Problem]]:
    try:
        return AuthoredDocument.model_validate(data), []
    except ValidationError as error:
        return None, problems_of(error, AuthoredDocument)


def read_party(block: Mapping[str, Any]) -> Seller:
    """Read a `seller` block on its own, as a unit keeps it; raises InvalidDocument with every problem at once."""
    try:
        return Seller.model_validate(tidied(block))
    except ValidationError as error:
        raise InvalidDocument(tuple(problems_of(error, Seller))) from None


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the authoring format."""
    from khatm.document.authoring_schema import json_schema_of

    return json_schema_of(AuthoredDocument)


def _now(moment: datetime | None = None) -> datetime:
    return saudi_time(moment or SystemClock().now())


def _once_per_place(problems: list[Problem]) -> tuple[Problem, ...]:
    """Keep the first problem of each place: a value of the wrong shape also looks absent to the business checks."""
    first: dict[str, Problem] = {}
    for problem in problems:
        first.setdefault(problem.path, problem)
    return tuple(first.values())
