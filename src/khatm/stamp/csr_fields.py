"""The nine fields of a CSR under the names of the SDK's property file, and what the linter says about them.

Source: the stamp standard, section 1.2.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final, Literal

from khatm.errors import Language

PROPERTY_KEYS: Final = {
    "common_name": "csr.common.name",
    "serial_number": "csr.serial.number",
    "organization_identifier": "csr.organization.identifier",
    "organization_unit_name": "csr.organization.unit.name",
    "organization_name": "csr.organization.name",
    "country_name": "csr.country.name",
    "invoice_type": "csr.invoice.type",
    "location_address": "csr.location.address",
    "industry_business_category": "csr.industry.business.category",
}


@dataclass(frozen=True, slots=True)
class CsrFields:
    """What a unit says about itself in its CSR; the names are those of the SDK's property file."""

    common_name: str
    serial_number: str
    organization_identifier: str
    organization_unit_name: str
    organization_name: str
    country_name: str
    invoice_type: str
    location_address: str
    industry_business_category: str

    @classmethod
    def from_properties(cls, properties: Mapping[str, str]) -> "CsrFields":
        """Take the nine keys out of a property file; a missing one becomes empty (the linter reports it)."""
        return cls(**{name: properties.get(key, "") for name, key in PROPERTY_KEYS.items()})

    def as_properties(self) -> dict[str, str]:
        """Return the fields under the keys of the property file."""
        values: dict[str, str] = asdict(self)
        return {PROPERTY_KEYS[name]: value for name, value in values.items()}


@dataclass(frozen=True, slots=True)
class CsrFinding:
    """One rule that a field breaks: `field` is the property key, `rule` the number below, `en` and `ar` the message.

    Rules 1 to 16 are the authority's; 17 to 20 are ours: no kind of document chosen, a country that is no code, a value
    longer than 64 characters, characters that newer SDKs refuse. Only errors keep a CSR from being made.
    """

    field: str
    rule: int
    severity: Literal["error", "warning"]
    en: str
    ar: str
    found: str
    allowed: str

    def message(self, language: Language = "en") -> str:
        """Return the message alone."""
        return self.ar if language == "ar" else self.en

    def sentence(self, language: Language = "en") -> str:
        """Return the field, the message, what was found and what is allowed."""
        if language == "ar":
            return f"{self.field}: {self.ar} الموجود: {self.found!r}. المسموح: {self.allowed}"
        return f"{self.field}: {self.en}. Found: {self.found!r}. Allowed: {self.allowed}"
