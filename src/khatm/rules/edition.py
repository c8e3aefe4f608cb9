"""The editions of the official rules."""

from enum import StrEnum
from typing import Final

from khatm.rules.errors import UnknownEdition


class Edition(StrEnum):
    """One published edition of ZATCA's two stylesheets, named by the SDK release that ships it."""

    R348 = "zatca:238-R3.4.8"
    R333 = "zatca:238-R3.3.3"

    @property
    def short(self) -> str:
        """The release number alone: `3.4.8`."""
        return self.value.removeprefix("zatca:238-R")

    @classmethod
    def named(cls, text: str) -> "Edition":
        """Return the edition of that full name or release number; raises UnknownEdition."""
        for edition in cls:
            if text in (edition.value, edition.short):
                return edition
        raise UnknownEdition(found=text, allowed=", ".join(f"{edition.value} ({edition.short})" for edition in cls))


DEFAULT: Final = Edition.R348

BOTH: Final = frozenset(Edition)
ONLY_348: Final = frozenset({Edition.R348})
ONLY_333: Final = frozenset({Edition.R333})
