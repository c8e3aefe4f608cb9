"""The rules that the fields of a CSR must keep, as findings in the order of the authority's table.

Source: the stamp standard, section 1.3. The English messages of rules 1 to 16 are the SDK's own, letter for letter,
because scripts and people search for them.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from khatm.stamp.csr_fields import PROPERTY_KEYS, CsrFields, CsrFinding


@dataclass(frozen=True, slots=True)
class _Rule:
    number: int
    field: str
    holds: Callable[[CsrFields, str], bool]
    en: str
    ar: str
    allowed: str


_SERIAL = re.compile(r"1-(.+)\|2-(.+)\|3-(.+)", re.IGNORECASE)
_TYPE_MAP = re.compile(r"[01]{4}")
_QUESTIONABLE = frozenset("!@#$%&*_<")
_LONGEST = 64


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _present(_: CsrFields, value: str) -> bool:
    return bool(value.strip())


def _member_tin(fields: CsrFields, value: str) -> bool:
    """A VAT group (11th digit 1) names the member by its ten-digit TIN."""
    is_group = fields.organization_identifier[10:11] == "1"
    return not is_group or (len(value) == 10 and _is_digits(value))


_RULES: Final = (
    _Rule(
        1,
        "common_name",
        _present,
        "Common name is mandatory field",
        "الاسم الشائع حقل إلزامي.",
        "a name, such as TST-886431145-399999999900003",
    ),
    _Rule(
        2,
        "serial_number",
        _present,
        "Serial number is mandatory field",
        "الرقم التسلسلي حقل إلزامي.",
        "1-MAKER|2-MODEL|3-NUMBER",
    ),
    _Rule(
        3,
        "serial_number",
        lambda _, value: _SERIAL.search(value) is not None,
        "Invalid serial number, serial number should be in regular expression format (1-...|2-...|3-....)",
        "الرقم التسلسلي غير صالح، ويجب أن يكون على الصيغة (1-...|2-...|3-....).",
        "1-MAKER|2-MODEL|3-NUMBER, no part empty",
    ),
    _Rule(
        4,
        "organization_identifier",
        _present,
        "Organization identifier is mandatory field",
        "معرّف المنشأة (الرقم الضريبي) حقل إلزامي.",
        "the VAT registration number, 15 digits",
    ),
    _Rule(
        5,
        "organization_identifier",
        lambda _, value: len(value) == 15 and _is_digits(value),
        "Invalid organization identifier, please provide a valid 15 digit of your vat number",
        "معرّف المنشأة غير صالح، أدخل رقمك الضريبي الصحيح المكوّن من 15 رقما.",
        "15 digits",
    ),
    _Rule(
        6,
        "organization_identifier",
        lambda _, value: value[:1] == "3",
        "Invalid organization identifier, organization identifier should be started with digit 3",
        "معرّف المنشأة غير صالح، ويجب أن يبدأ بالرقم 3.",
        "15 digits beginning with 3",
    ),
    _Rule(
        7,
        "organization_identifier",
        lambda _, value: value[-1:] == "3",
        "Invalid organization identifier, organization identifier should be end with digit 3",
        "معرّف المنشأة غير صالح، ويجب أن ينتهي بالرقم 3.",
        "15 digits ending with 3",
    ),
    _Rule(
        8,
        "organization_unit_name",
        _present,
        "Organization unit name is mandatory field",
        "اسم الفرع حقل إلزامي.",
        "the branch's name, or the member's TIN in a VAT group",
    ),
    _Rule(
        9,
        "organization_unit_name",
        _member_tin,
        "Invalid organization unit name, please provide a valid 10 digit of your group tin number",
        "اسم الفرع غير صالح، أدخل الرقم المميز (TIN) لعضو المجموعة الضريبية المكوّن من 10 أرقام.",
        "10 digits, because the 11th digit of the VAT number is 1 (a VAT group)",
    ),
    _Rule(
        10,
        "organization_name",
        _present,
        "Organization name is mandatory field",
        "اسم المنشأة حقل إلزامي.",
        "the taxpayer's registered name",
    ),
    _Rule(11, "country_name", _present, "Country code name is mandatory field", "رمز الدولة حقل إلزامي.", "SA"),
    _Rule(
        12,
        "country_name",
        lambda _, value: len(value) in (2, 3),
        "Invalid country code name, please provide a valid country code name",
        "رمز الدولة غير صالح، أدخل رمز دولة صحيحا.",
        "2 or 3 letters, such as SA",
    ),
    _Rule(
        18,
        "country_name",
        lambda _, value: len(value) not in (2, 3) or (value.isascii() and value.isalpha()),
        "Invalid country code name, a code has the letters A to Z only",
        "رمز الدولة غير صالح، فالرمز من الحروف A إلى Z فقط.",
        "2 or 3 letters, such as SA",
    ),
    _Rule(
        13,
        "invoice_type",
        _present,
        "Invoice type is mandatory field",
        "نوع الفاتورة حقل إلزامي.",
        "1000 (standard), 0100 (simplified) or 1100 (both)",
    ),
    _Rule(
        14,
        "invoice_type",
        lambda _, value: _TYPE_MAP.fullmatch(value) is not None,
        "Invalid invoice type, please provide a valid invoice type",
        "نوع الفاتورة غير صالح، أدخل نوعا صحيحا.",
        "four digits 0 or 1: 1000 (standard), 0100 (simplified) or 1100 (both)",
    ),
    _Rule(
        17,
        "invoice_type",
        lambda _, value: value != "0000",
        "Invalid invoice type, 0000 asks for no kind of document at all",
        "نوع الفاتورة غير صالح، فالقيمة 0000 لا تطلب أي نوع من المستندات.",
        "1000 (standard), 0100 (simplified) or 1100 (both)",
    ),
    _Rule(
        15,
        "location_address",
        _present,
        "Location is mandatory field",
        "الموقع حقل إلزامي.",
        "the branch's address, such as RRRD2929",
    ),
    _Rule(
        16,
        "industry_business_category",
        _present,
        "Industry is mandatory filed",
        "قطاع النشاط حقل إلزامي.",
        "the kind of business, such as Retail",
    ),
)


def lint(fields: CsrFields) -> list[CsrFinding]:
    """Check all fields and return every finding: errors in the order of the authority's table, then warnings."""
    findings: list[CsrFinding] = []
    for rule in _RULES:
        value: str = getattr(fields, rule.field)
        applies = rule.holds is _present or _present(fields, value)  # an empty value is only reported as missing
        if applies and not rule.holds(fields, value):
            findings.append(_finding(rule, value))
    findings.extend(_warnings(fields))
    return findings


def _finding(rule: _Rule, value: str) -> CsrFinding:
    key = PROPERTY_KEYS[rule.field]
    return CsrFinding(key, rule.number, "error", rule.en, rule.ar, _shortened(value), rule.allowed)


def _warnings(fields: CsrFields) -> Iterator[CsrFinding]:
    for key, value in fields.as_properties().items():
        if len(value) > _LONGEST:
            yield CsrFinding(
                key,
                19,
                "warning",
                f"The value has {len(value)} characters; certificates allow {_LONGEST}, and the gateway may refuse it",
                f"طول القيمة {len(value)} حرفا والشهادات تسمح بـ {_LONGEST}، وقد ترفضها البوابة.",
                _shortened(value),
                f"at most {_LONGEST} characters",
            )
        questionable = "".join(sorted(_QUESTIONABLE.intersection(value)))
        if questionable:
            yield CsrFinding(
                key,
                20,
                "warning",
                f"The value holds {' '.join(questionable)}, which newer SDKs refuse",
                f"تحتوي القيمة على {' '.join(questionable)}، وإصدارات SDK الأحدث ترفض هذه الرموز.",
                _shortened(value),
                "values without ! @ # $ % & * _ <",
            )


def _shortened(value: str) -> str:
    return value if len(value) <= 100 else value[:97] + "..."
