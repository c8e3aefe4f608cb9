"""The field types of the authoring model: decimals that were never floats, clean text, dates and codes.

Every refusal carries what is allowed, in both languages, as `problems` reports it. Source: the document standard,
sections 2, 3, 5, 7.2, 11 and 15.1.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from khatm.document.codes import COUNTRIES, CURRENCIES
from khatm.money import plain

NUMBER_PATTERN: Final = r"-?[0-9]{1,12}(\.[0-9]{1,15})?"
_WRITABLE: Final = r"^[^\x00-\x08\x0b-\x1f\x{fffe}\x{ffff}]*$"
_NUMBER = re.compile(rf"{NUMBER_PATTERN}\Z")
_DAY = re.compile(r"2[0-9]{3}-[0-9]{2}-[0-9]{2}\Z")
_CLOCK: Final = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z?"


def refused(kind: str, allowed: str, allowed_ar: str, rule: str = "", *, at: str = "") -> PydanticCustomError:
    """Return the error for a value that is not allowed.

    `kind` is the problem's code, `at` the field of the block that is wrong when a whole block is looked at.
    """
    facts = {"allowed": allowed, "ar": allowed_ar, "kind": kind, "rule": rule, "at": at}
    return PydanticCustomError("khatm", "{allowed}", facts)


@dataclass(frozen=True, eq=False)
class Checked:
    """Marks a field whose value is read by a function of ours after the plain type check."""

    read: Callable[[Any], Any]
    schema: dict[str, Any] = field(default_factory=dict)
    """What to add to the field's JSON Schema."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), **self.schema}


@dataclass(frozen=True, eq=False)
class Text:
    """Marks a text that is not blank and has at most so many characters; white space around it goes.

    What an XML document cannot hold fails here, so that the reading tidies it away and tries again.
    """

    longest: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.str_schema(strip_whitespace=True, min_length=1, max_length=self.longest, pattern=_WRITABLE)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": self.longest}


def shaped(pattern: str, allowed: str, allowed_ar: str, rule: str = "") -> Checked:
    """Mark a text of a fixed shape."""
    shape = re.compile(rf"(?:{pattern})\Z")

    def read(value: str) -> str:
        if not shape.match(value):
            raise refused("shape", allowed, allowed_ar, rule)
        return value

    return Checked(read, {"pattern": f"^({pattern})$"})


def listed(codes: frozenset[str], allowed: str, allowed_ar: str, rule: str) -> Checked:
    """Mark a code from a list."""

    def read(value: str) -> str:
        if value not in codes:
            raise refused("code", allowed, allowed_ar, rule)
        return value

    return Checked(read, {"enum": sorted(codes)})


@dataclass(frozen=True, eq=False)
class Number:
    """Marks a decimal read from text or a whole number, within a range; floats are refused, they are not exact."""

    allows: Callable[[Decimal], bool]
    allowed: str
    allowed_ar: str
    rule: str = ""

    def read(self, value: object) -> Decimal:
        """Return the decimal; raises the field's refusal."""
        if isinstance(value, str):
            return _number(self, value)
        if type(value) is int:
            text = str(value) if abs(value) < 10**12 else ""
        elif isinstance(value, Decimal) and value.is_finite():
            text = plain(value)
        else:
            text = ""
        return _number(self, text)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                plain, return_schema=core_schema.str_schema()
            ),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {
            "anyOf": [{"type": "string", "pattern": f"^{NUMBER_PATTERN}$"}, {"type": "integer"}],
            "description": f"A decimal number as text, {self.allowed}.",
        }


@lru_cache(maxsize=1024)
def _number(kind: Number, text: str) -> Decimal:
    """Read a number from text; the lines of a document share most of theirs."""
    if not _NUMBER.match(text):
        raise refused(
            "number",
            'a decimal number as text such as "10.03": digits 0-9 and a point, at most 12 digits before it and 15 '
            "behind, no exponent, no NaN, no separators",
            'رقم عشري كنص مثل "10.03": الأرقام 0-9 ونقطة، حتى 12 خانة قبلها و15 بعدها، دون أُسّ أو فواصل',
        )
    number = Decimal(text)
    if not kind.allows(number):
        raise refused("range", kind.allowed, kind.allowed_ar, kind.rule)
    return number if number else abs(number)  # no negative zero


def _two_decimals(number: Decimal) -> bool:
    return number == number.quantize(Decimal("0.01"))


def _day(value: str) -> str:
    if _DAY.match(value):
        try:
            date.fromisoformat(value)
        except ValueError:
            pass
        else:
            return value
    raise refused(
        "date", "a date YYYY-MM-DD of the year 2000 or later", "تاريخ YYYY-MM-DD من سنة 2000 فما بعد", "BR-KSA-F-01"
    )


Amount = Annotated[Decimal, Number(lambda n: n >= 0, "zero or more", "صفر أو أكثر")]
Price = Annotated[Decimal, Number(lambda n: n >= 0, "zero or more", "صفر أو أكثر", "BR-KSA-F-04")]
Positive = Annotated[Decimal, Number(lambda n: n > 0, "more than zero", "أكبر من الصفر")]
SignedAmount = Annotated[Decimal, Number(_two_decimals, "with at most two decimals", "بخانتين عشريتين على الأكثر")]
Percent = Annotated[
    Decimal,
    Number(
        lambda n: 0 <= n <= 100 and _two_decimals(n),
        "0 to 100 with at most two decimals",
        "من 0 إلى 100 بخانتين عشريتين على الأكثر",
        "BR-KSA-DEC-01",
    ),
]
ExchangeRate = Annotated[
    Decimal,
    Number(
        lambda n: n > 0 and len(plain(n)) <= 14,
        "more than zero, written with at most 14 characters",
        "أكبر من الصفر وبما لا يزيد على 14 حرفا",
        "BR-KSA-90",
    ),
]

Text127 = Annotated[str, Text(127)]
Text1000 = Annotated[str, Text(1000)]
Text5000 = Annotated[str, Text(5000)]
Day = Annotated[str, Checked(_day, {"format": "date"})]
Time = Annotated[
    str,
    shaped(
        _CLOCK,
        "a time hh:mm:ss in Saudi time (or hh:mm:ssZ in UTC), without fractions or offset",
        "وقت hh:mm:ss بتوقيت السعودية (أو hh:mm:ssZ بالتوقيت العالمي) دون كسور أو فرق توقيت",
        "BR-KSA-70",
    ),
]
VatNumber = Annotated[
    str, shaped("3[0-9]{13}3", "15 digits that begin and end with 3", "15 رقما يبدأ وينتهي بالرقم 3", "BR-KSA-40")
]
Uuid = Annotated[
    str,
    shaped(
        "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        "a UUID such as 5d2c0f3a-7f0b-4a53-9a55-0c3a0e4f1a01",
        "معرّف UUID مثل 5d2c0f3a-7f0b-4a53-9a55-0c3a0e4f1a01",
        "BR-KSA-03",
    ),
    Checked(str.lower),
]
Country = Annotated[
    str,
    listed(COUNTRIES, "an ISO 3166-1 country code in upper case such as SA", "رمز دولة ISO 3166-1 مثل SA", "BR-CL-14"),
]
Currency = Annotated[
    str,
    listed(
        CURRENCIES,
        "one of the authority's 178 ISO 4217 codes in upper case such as SAR",
        "أحد رموز العملات الـ178 لدى الهيئة (ISO 4217) مثل SAR",
        "BR-KSA-CL-01",
    ),
]
LanguageTag = Annotated[
    str, shaped("[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*", "a language tag such as ar or en", "رمز لغة مثل ar أو en")
]
