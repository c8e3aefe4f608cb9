"""What the rules room refuses."""

from dataclasses import dataclass
from typing import ClassVar

from khatm.errors import KhatmError


@dataclass(eq=False)
class UnknownEdition(KhatmError):
    """The named rule edition is not among the ones this version knows."""

    found: str
    allowed: str

    code: ClassVar[str] = "unknown-edition"
    en: ClassVar[str] = "There is no rule edition {found!r}. Allowed: {allowed}."
    ar: ClassVar[str] = "لا يوجد إصدار من القواعد باسم {found!r}. المسموح به: {allowed}."
