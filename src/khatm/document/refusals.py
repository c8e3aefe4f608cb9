"""What an authored document must not say although each value on its own is fine.

The checks look at the data as given, so that they report beside the model's own findings even when some values have
the wrong shape. Source: the document standard, sections 1 to 4, 6, 8 and 15.2 item 7.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, cast

from khatm.document.codes import CITIZEN_REASONS, CURRENCIES, Category, exemption_term
from khatm.document.errors import Problem
from khatm.document.problems import shown
from khatm.document.values import NUMBER_PATTERN
from khatm.money import percent_of, round2

Data = Mapping[str, Any]

_NUMBER = re.compile(rf"{NUMBER_PATTERN}\Z")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_POSTAL_CODE = re.compile(r"[0-9]{5}\Z")


def business_problems(data: Data) -> list[Problem]:
    """Return every refusal for the data of a document; null members count as absent."""
    return [problem for check in _CHECKS for problem in check(data)]


def judged_as_standard(profile: object, flags: object) -> bool:
    """Tell whether the authority's rules for standard documents run on a document.

    They do for one simplified code too: with nominal and b2g its nine digits contain a standard code
    (the document standard, section 1.2).
    """
    return profile != "simplified" or (isinstance(flags, (list, tuple)) and "nominal" in flags and "b2g" in flags)


def _flags(data: Data) -> Iterator[Problem]:
    flags = data.get("flags", ())
    if not isinstance(flags, (list, tuple)) or "self_billed" not in flags:
        return
    if "export" in flags:
        yield _refusal("flags", "export with self_billed", "one of the two", "BR-KSA-07", "واحدة منهما", code="flags")
    if data.get("profile") == "simplified":
        yield _refusal(
            "flags", "self_billed on a simplified document", "self_billed on standard documents only", "BR-KSA-31",
            "الفوترة الذاتية للفواتير الضريبية فقط", code="flags",
        )  # fmt: skip


def _notes(data: Data) -> Iterator[Problem]:
    is_note = data.get("kind") in ("credit_note", "debit_note")
    if is_note:
        if not data.get("references"):
            yield _missing(
                "references", "the number of the document that the note corrects", "رقم المستند المصحَّح", "BR-KSA-56"
            )
        if not data.get("reasons"):
            yield _missing("reasons", "why the note is issued", "سبب إصدار الإشعار", "BR-KSA-17")
        return
    for name in ("references", "reasons"):
        if data.get(name):
            yield _refusal(name, shown(data[name]), f"{name} on credit and debit notes only", None, "في الإشعارات فقط")


def _buyer(data: Data) -> Iterator[Problem]:
    """A standard document names its buyer in full."""
    buyer = data.get("buyer")
    if judged_as_standard(data.get("profile"), data.get("flags")):
        if buyer is None:
            yield _missing(
                "buyer", "the buyer's name, address and VAT number or ID", "اسم المشتري وعنوانه ومعرّفه", "BR-KSA-42"
            )
        elif isinstance(buyer, (dict, Mapping)):
            yield from _full_buyer(buyer)
    address = _block(buyer, "address")
    postal_code = address.get("postal_code")
    if address.get("country") == "SA" and isinstance(postal_code, str) and not _POSTAL_CODE.match(postal_code):
        yield _refusal(
            "buyer.address.postal_code",
            shown(postal_code),
            "5 digits in Saudi Arabia",
            "BR-KSA-67",
            "5 أرقام في السعودية",
        )
    seller_vat = _block(data, "seller").get("vat")
    if seller_vat is not None and seller_vat == _block(data, "buyer").get("vat"):
        yield _refusal(
            "buyer.vat",
            shown(seller_vat),
            "another number than the seller's",
            "BR-CUSTOM-VALIDATION-01",
            "رقم غير رقم البائع",
        )


def _full_buyer(buyer: Data) -> Iterator[Problem]:
    if buyer.get("name") is None:
        yield _missing("buyer.name", "the buyer's name", "اسم المشتري", "BR-KSA-42")
    if buyer.get("vat") is None and not buyer.get("ids"):
        yield _missing(
            "buyer.vat", "a VAT number, or one other identification in `ids`", "رقم ضريبي أو معرّف آخر", "BR-KSA-81"
        )
    address = buyer.get("address")
    if address is None:
        yield _missing("buyer.address", "the buyer's address", "عنوان المشتري", "BR-KSA-10")
        return
    if not isinstance(address, (dict, Mapping)):
        return
    wanted = ["street", "city", "country"]
    if address.get("country") == "SA":
        wanted += ["building", "district", "postal_code"]
    for name in wanted:
        if address.get(name) is None:
            rule = "BR-KSA-63" if address.get("country") == "SA" else "BR-KSA-10"
            yield _missing(f"buyer.address.{name}", "a value on a standard document", "قيمة في الفاتورة الضريبية", rule)


def _summary(data: Data) -> Iterator[Problem]:
    flags = data.get("flags", ())
    if data.get("profile") != "simplified" or not isinstance(flags, (list, tuple)) or "summary" not in flags:
        return
    if _block(data, "buyer").get("name") is None:
        yield _missing("buyer.name", "the buyer's name on a simplified summary invoice", "اسم المشتري", "BR-KSA-71")
    for name in ("date", "end"):
        if _block(data, "supply").get(name) is None:
            yield _missing(
                f"supply.{name}",
                "both dates of the period on a simplified summary invoice",
                "تاريخا الفترة",
                "BR-KSA-72",
            )


def _supply(data: Data) -> Iterator[Problem]:
    supply = _block(data, "supply")
    date, end = supply.get("date"), supply.get("end")
    if date is None and has_default_supply_date(data.get("kind"), data.get("profile")):
        date = data.get("issue_date")
    if end is None:
        return
    if date is None:
        yield _missing("supply.date", "the first day of the period", "أول أيام الفترة", "BR-KSA-35")
    elif isinstance(date, str) and isinstance(end, str) and _DAY.match(date) and end < date:
        yield _refusal("supply.end", shown(end), f"{date} or later", "BR-KSA-36", f"{date} أو بعده")


def has_default_supply_date(kind: object, profile: object) -> bool:
    """Tell whether the supply date is the issue date when left out: on a standard invoice (388)."""
    return kind == "invoice" and profile != "simplified"


def _money(data: Data) -> Iterator[Problem]:
    currency, rate = data.get("currency", "SAR"), data.get("sar_rate")
    if rate is None and currency != "SAR" and isinstance(currency, str) and currency in CURRENCIES:
        yield _missing("sar_rate", f"riyals per one {currency}", f"سعر الريال مقابل {currency}", "BR-KSA-EN16931-02")
    elif currency == "SAR" and rate is not None and _decimal(rate) != 1:
        yield _refusal("sar_rate", shown(rate), "no rate for a document in SAR", None, "لا سعر صرف لمستند بالريال")
    if data.get("rounding") is not None and data.get("round_to") is not None:
        yield _refusal(
            "round_to", shown(data["round_to"]), "either rounding or round_to", None, "إما rounding أو round_to"
        )
    for at, prepayment in _blocks(data, "prepayments"):
        for number, part in _blocks(prepayment, "parts"):
            taxable, tax, percent = (_decimal(part.get(name)) for name in ("taxable", "tax", "rate"))
            if taxable is None or tax is None:
                continue
            due = percent_of(taxable, percent or Decimal(0))
            if abs(round2(tax) - due) > (Decimal("0.01") if percent else 0):
                path = f"prepayments[{at}].parts[{number}].tax"
                yield _refusal(path, shown(part["tax"]), f"{due}", "BR-KSA-79", f"{due}")


def _contract(data: Data) -> Iterator[Problem]:
    flags = data.get("flags", ())
    if isinstance(flags, (list, tuple)) and "b2g" in flags and data.get("contract_ref") is None:
        yield _missing(
            "contract_ref", "the contract reference on a b2g document", "مرجع العقد لمستند حكومي", "BR-KSA-92"
        )


def _reasons(data: Data) -> Iterator[Problem]:
    """One exemption reason per category in a document, and a citizen's national ID where it calls for one."""
    first: dict[str, tuple[str, str]] = {}
    unexplained: list[tuple[str, str]] = []
    citizen: str | None = None
    for member, at, vat in _vat_blocks(data):
        category = vat.get("category")
        if category == "S" or category not in ("Z", "E", "O"):
            continue
        path, code = f"{member}[{at}].vat", vat.get("reason_code")
        if not isinstance(code, str):
            unexplained.append((path, category))
            continue
        term = exemption_term(cast("Category", category), code)
        text = vat.get("reason") or (term.bilingual if term else "")
        known = first.setdefault(category, (code, str(text)))
        if code in CITIZEN_REASONS:
            citizen = citizen or code
        if code != known[0]:
            yield _one_reason(f"{path}.reason_code", code, known[0], category)
        elif text != known[1]:
            yield _one_reason(f"{path}.reason", str(text), known[1], category)
    for path, category in unexplained:
        if category not in first and not path.startswith("lines"):  # the model itself wants it on lines
            yield _missing(
                f"{path}.reason_code", f"a reason, no line has category {category}", "سبب الفئة", "BR-KSA-69"
            )
    for _, prepayment in _blocks(data, "prepayments"):
        for _, part in _blocks(prepayment, "parts"):
            code = part.get("reason_code")
            citizen = code if citizen is None and isinstance(code, str) and code in CITIZEN_REASONS else citizen
    if citizen is not None:
        yield from _citizen(data, citizen)


def _citizen(data: Data, code: str) -> Iterator[Problem]:
    buyer = _block(data, "buyer")
    if "NAT" not in _block(buyer, "ids"):
        yield _missing(
            "buyer.ids.NAT", f"the citizen's national ID, for {code}", f"رقم الهوية الوطنية للرمز {code}", "BR-KSA-49"
        )
    if data.get("profile") == "simplified" and buyer.get("name") is None:
        yield _missing("buyer.name", f"the citizen's name, for {code}", f"اسم المواطن للرمز {code}", "BR-KSA-25")


def _vat_blocks(data: Data) -> Iterator[tuple[str, int, Data]]:
    for member in ("lines", "discounts", "charges"):
        for at, block in _blocks(data, member):
            vat = block.get("vat")
            if isinstance(vat, (dict, Mapping)):
                yield member, at, vat


def _one_reason(path: str, found: str, first: str, category: str) -> Problem:
    allowed = f"one reason per category in a document; {category} has {shown(first)}"
    allowed_ar = f"سبب واحد لكل فئة في المستند؛ للفئة {category} {shown(first)}"
    return _refusal(path, shown(found), allowed, f"BR-{category}-08", allowed_ar, code="two-reasons")


def _block(data: object, name: str) -> Data:
    value = data.get(name) if isinstance(data, (dict, Mapping)) else None
    return value if isinstance(value, (dict, Mapping)) else {}


def _blocks(data: Data, name: str) -> Iterator[tuple[int, Data]]:
    value = data.get(name)
    if isinstance(value, (list, tuple)):
        for at, block in enumerate(value):
            if isinstance(block, (dict, Mapping)):
                yield at, block


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, (str, int)) and not isinstance(value, bool) and _NUMBER.match(str(value)):
        return Decimal(str(value))
    return value if isinstance(value, Decimal) and value.is_finite() else None


def _refusal(
    path: str, found: str, allowed: str, rule: str | None, allowed_ar: str, *, code: str = "business"
) -> Problem:
    return Problem(path, found, allowed, code, rule, allowed_ar)


def _missing(path: str, allowed: str, allowed_ar: str, rule: str) -> Problem:
    return Problem(path, "", allowed, "required", rule, allowed_ar)


_CHECKS: tuple[Callable[[Data], Iterator[Problem]], ...] = (
    _flags, _notes, _buyer, _summary, _supply, _money, _contract, _reasons,
)  # fmt: skip
