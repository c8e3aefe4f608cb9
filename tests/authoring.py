"""Random authored documents: valid inputs that mix every feature of the authoring format.

`random_document(rng)` is a function of its generator alone, so a seed names a document. The inputs keep to what the
authority's rules accept without a warning (identifiers of the right shape, names long enough, one reason per category).
"""

import base64
from copy import deepcopy
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any
from uuid import UUID

Json = dict[str, Any]

SELLERS: list[Json] = [
    {
        "name": "شركة ركن النخيل للتجارة | Palm Corner Trading Co.",
        "vat": "399999998100003",
        "ids": {"CRN": "1010734512"},
        "address": {
            "street": "طريق العليا | Olaya Road",
            "building": "3471",
            "plot": "2208",
            "district": "العليا | Al Olaya",
            "city": "الرياض | Riyadh",
            "postal_code": "12611",
            "country": "SA",
        },
    },
    {
        "name": 'مقهى غيمة & أصدقاؤه | Ghaima <Cafe> & "Friends"',
        "vat": "399999997200003",
        "ids": {"MLS": "5501867MHR"},
        "address": {
            "street": "شارع التحلية | Tahlia Street",
            "additional_street": "مدخل 2 | Gate 2",
            "building": "7215",
            "district": "الأندلس | Al Andalus",
            "city": "جدة | Jeddah",
            "postal_code": "23326",
            "province": "مكة المكرمة | Makkah",
            "country": "SA",
        },
    },
]
SAUDI_ADDRESS = {
    "street": "طريق الملك فهد | King Fahd Road",
    "building": "6040",
    "district": "الملقا | Al Malqa",
    "city": "الرياض | Riyadh",
    "postal_code": "13521",
    "country": "SA",
}
FOREIGN_ADDRESS = {"street": "Hafenstrasse 12", "city": "Hamburg", "postal_code": "20457", "country": "DE"}
SAUDI_IDS = [
    ("CRN", "4030518274"),
    ("700", "7012568934"),
    ("TIN", "3105829471"),
    ("IQA", "2048571936"),
    ("SAG", "SAG2048B"),
    ("MOM", "MOM77120"),
    ("GCC", "GCC55012A"),
    ("PAS", "K8240157"),
    ("OTH", "REF2026A"),
]
ZERO_RATED = ["32", "33", "34-1", "34-2", "34-3", "34-4", "34-5", "35", "36", "EDU", "HEA", "MLTRY", "DIPLOMAT"]
ZERO_RATED_348 = ["DUTYFREE", "ROYALDECREE", "32(bis)"]
NAMES = [
    "صندوق مسامير | Box of nails",
    "شاي أسود 100 كيس",
    "Bolts & nuts <M8>",
    'لوح 2" خشب | Timber board 2"',
    "خدمة استشارية | Consulting",
    "Café crème 0,5 l",
]
UNITS = ["PCE", "KGM", "MTR", "HUR", "LTR", "C62"]
LINE_CHARGES = [("PC", "تغليف | Packing"), ("FC", "شحن | Freight"), ("LA", "وسم | Labelling")]
TWO = Decimal("0.01")


def random_document(rng: Random) -> Json:
    """Return one valid document in the authoring format."""
    kind = rng.choice(["invoice"] * 6 + ["credit_note", "debit_note", "prepayment"])
    profile = rng.choice(["standard", "simplified"])
    flags = _flags(rng, profile)
    groups = _groups(rng, export="export" in flags)
    document: Json = {
        "kind": kind,
        "profile": profile,
        "flags": flags,
        "number": f"R-{rng.randrange(10**6)}",
        "uuid": str(UUID(int=rng.getrandbits(128), version=4)),
        "issue_date": f"2026-{rng.randrange(3, 6):02}-{rng.randrange(10, 29):02}",
        # Not in the first hours of the Saudi day, which a checker on UTC takes for tomorrow (BR-KSA-04).
        "issue_time": f"{rng.randrange(4, 24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}",
        "counter": rng.randrange(1, 10**6),
        "previous_hash": rng.choice([None, base64.b64encode(rng.randbytes(32)).decode()]),
        "seller": deepcopy(rng.choice(SELLERS)),
    }
    _currency(rng, document)
    buyer = _buyer(rng, document, groups)
    if buyer is not None:
        document["buyer"] = buyer
    _supply(rng, document)
    _payment(rng, document)
    _references(rng, document)
    basis = rng.choice(["net", "net", "gross", "mixed"])
    document["lines"] = [_line(rng, groups, basis) for _ in range(rng.choice([1, 2, 3, 5, 8, 13]))]
    _document_level(rng, document, basis)
    _prepayments(rng, document, groups)
    _rounding(rng, document)
    return document


def _flags(rng: Random, profile: str) -> list[str]:
    allowed = ["third_party", "nominal", "summary", "continuous", "b2g"]
    if profile == "standard":
        allowed.append(rng.choice(["export", "self_billed"]))
    flags = [flag for flag in allowed if rng.random() < 0.12]
    if profile == "simplified" and {"nominal", "b2g"} <= set(flags):
        flags.remove("nominal")  # together the authority takes them for a standard document
    rng.shuffle(flags)
    return flags


def _groups(rng: Random, *, export: bool) -> list[Json]:
    """Up to four VAT groups, with one reason for each of Z, E and O."""
    zero_rated = rng.choice(["32", "33"]) if export else rng.choice([*ZERO_RATED, *ZERO_RATED_348])
    zero = {"category": "Z", "rate": rng.choice(["0", "0.00"]), "reason_code": f"VATEX-SA-{zero_rated}"}
    if export:
        return [zero]
    exempt = {"category": "E", "reason_code": rng.choice(["VATEX-SA-29", "VATEX-SA-29-7", "VATEX-SA-30"])}
    outside = {"category": "O", "rate": "0", "reason_code": "VATEX-SA-OOS"}
    if rng.random() < 0.5:
        outside["reason"] = "Reimbursed government fee | رسوم حكومية مستردة"
    others = [{"category": "S", "rate": "5"}, zero, exempt, outside]
    return [
        {"category": "S", "rate": rng.choice(["15", "15.0", "15.00"])},
        *rng.sample(others, rng.choice([0, 0, 1, 2, 4])),
    ]


def _currency(rng: Random, document: Json) -> None:
    if rng.random() < 0.2:
        document["currency"] = rng.choice(["USD", "EUR", "AED", "KWD", "JPY"])
        document["sar_rate"] = f"{rng.randrange(11_000, 129_999) / Decimal(10_000)}"


def _buyer(rng: Random, document: Json, groups: list[Json]) -> Json | None:
    flags, standard = document["flags"], document["profile"] == "standard"
    citizen = any(group.get("reason_code") in ("VATEX-SA-EDU", "VATEX-SA-HEA") for group in groups)
    if not standard and not citizen and "summary" not in flags and rng.random() < 0.6:
        return rng.choice([None, {"name": "نورة السالم | Noura Al Salem"}])
    foreign = "export" in flags or (not citizen and rng.random() < 0.1)
    buyer: Json = {
        "name": "Nordhafen Maschinen GmbH" if foreign else "شركة مدار البناء المحدودة | Madar Building Ltd",
        "address": dict(FOREIGN_ADDRESS if foreign else SAUDI_ADDRESS),
    }
    if citizen:
        buyer["ids"] = {"NAT": "1034758291"}
    elif foreign:
        buyer["ids"] = {"OTH": "DE811234785"}
    elif rng.random() < 0.4:
        buyer["ids"] = dict([rng.choice(SAUDI_IDS)])
    if not foreign and ("ids" not in buyer or rng.random() < 0.5):
        buyer["vat"] = "399999995400003"
    if rng.random() < 0.2:
        buyer["address"] |= {"additional_street": "الدور 3 | Floor 3", "province": "الرياض | Riyadh"}
    if rng.random() < 0.2:
        buyer["contact"] = {"name": "سارة | Sara", "telephone": "+966501112233", "email": "sara@example.com"}
        buyer["contact"]["note"] = "اتصل صباحا\nCall in the morning"
    return buyer


def _supply(rng: Random, document: Json) -> None:
    summary = document["profile"] == "simplified" and "summary" in document["flags"]
    if summary or rng.random() < 0.4:
        document["supply"] = {"date": "2026-03-01"}
        if summary or rng.random() < 0.5:
            document["supply"]["end"] = "2026-03-09"


def _payment(rng: Random, document: Json) -> None:
    if rng.random() < 0.7:
        payment: Json = {"code": rng.choice(["10", "30", "42", "48", "1", "ZZZ"])}
        if rng.random() < 0.4:
            payment["account"] = "SA4420000001234567891234"
        if rng.random() < 0.4:
            payment["terms"] = "Net 30 days & 2 % | صافي 30 يوما"
        document["payment"] = payment


def _references(rng: Random, document: Json) -> None:
    if document["kind"] in ("credit_note", "debit_note"):
        references = [{"number": f"R-{rng.randrange(10**6)}"} for _ in range(rng.choice([1, 1, 2, 3]))]
        if rng.random() < 0.5:
            references[0]["issue_date"] = "2026-03-02"
        document["references"] = references
        document["reasons"] = rng.choice([["Return of goods | إرجاع سلع"], ["Cancellation", "إلغاء"]])
    if rng.random() < 0.2:
        document["order_ref"] = "PO-7781"
    if "b2g" in document["flags"] or rng.random() < 0.2:
        document["contract_ref"] = "CT-2026-031 <draft>"
    if "self_billed" in document["flags"] or rng.random() < 0.2:
        document["notes"] = [
            {"text": "Self-billed & checked\nفاتورة مصدرة ذاتيا", "lang": "ar"},
            {"text": "Second note"},
        ]
    if rng.random() < 0.1:
        content = base64.b64encode(rng.randbytes(rng.randrange(1, 60))).decode()
        attachment = {"id": "ATT-1", "filename": 'delivery "A".pdf', "mime_code": "application/pdf", "content": content}
        if rng.random() < 0.5:
            attachment["description"] = "مذكرة تسليم | Delivery note"
        document["attachments"] = [attachment]


def _line(rng: Random, groups: list[Json], basis: str) -> Json:
    gross = basis == "gross" or (basis == "mixed" and rng.random() < 0.5)
    decimals = rng.choice([0, 1, 2, 2, 2, 3, 4])
    line: Json = {
        "name": rng.choice(NAMES),
        "quantity": _text(rng, rng.choice(["1", "2", "7", "0.75", "12.375", "183.4", "1250"]), rng.randrange(1, 900)),
        "price": str(Decimal(rng.randrange(1_00, 40_000)) / 10**decimals if decimals > 2 else _money(rng, 1, 4000)),
        "vat": deepcopy(rng.choice(groups)),
    }
    if gross:
        line["price_basis"] = "gross"
    if rng.random() < 0.8:
        line["unit"] = rng.choice(UNITS)
    if rng.random() < 0.15:
        line["per"] = rng.choice(["3", "10", "100", "1000"])
    if rng.random() < 0.15:
        line["price_discount"] = str((Decimal(line["price"]) / rng.choice([3, 7, 10])).quantize(Decimal("0.001")))
    base = line_base(line)
    if base >= 5:
        if rng.random() < 0.35:
            line["discounts"] = [_line_discount(rng, base) for _ in range(rng.choice([1, 1, 2]))]
        if rng.random() < 0.2:
            line["charges"] = [_line_charge(rng, base) for _ in range(rng.choice([1, 1, 2]))]
    for member, value in (
        ("seller_sku", "NL-10"),
        ("buyer_sku", "B<7>"),
        ("standard_id", "6281000000014"),
        ("note", "هش"),
    ):
        if rng.random() < 0.1:
            line[member] = value
    return line


def line_base(line: Json) -> Decimal:
    """Return quantity times price over the base quantity, unrounded."""
    price = Decimal(line["price"]) - Decimal(line.get("price_discount", 0))
    return Decimal(line["quantity"]) * price / Decimal(line.get("per", 1))


def _line_discount(rng: Random, base: Decimal) -> Json:
    discount = _amount_or_percent(rng, base, 3)
    if rng.random() < 0.8:
        discount |= {"reason": "خصم كمية | Volume discount", "code": "95"}
    return discount


def _line_charge(rng: Random, base: Decimal) -> Json:
    code, reason = rng.choice(LINE_CHARGES)
    return _amount_or_percent(rng, base, 5) | {"reason": reason, "code": code}


def _amount_or_percent(rng: Random, base: Decimal, part: int) -> Json:
    if rng.random() < 0.5:
        return {"amount": str((base / part * Decimal(rng.random())).quantize(TWO, ROUND_HALF_UP))}
    entry: Json = {"percent": str(Decimal(rng.randrange(1, 10_000 // part)) / 100)}
    if rng.random() < 0.2:
        entry["base"] = str((base / 2).quantize(TWO, ROUND_HALF_UP))
    return entry


def _document_level(rng: Random, document: Json, basis: str) -> None:
    lines = document["lines"]
    whole = sum((line_base(line) for line in lines), Decimal(0)) / 2
    entry_basis = basis if basis != "mixed" else rng.choice(["net", "gross"])
    if whole < 20:
        return
    if rng.random() < 0.3:
        discount = _amount_or_percent(rng, whole / len(lines), 6)
        discount |= rng.choice([{}, {"reason": "خصم نهاية الموسم | Season discount", "code": "95"}])
        if rng.random() < 0.3 and "amount" in discount:
            line = max(lines, key=line_base)  # large enough for a discount of its own group
            discount["vat"] = {"category": line["vat"]["category"], "rate": line["vat"].get("rate", "0")}
        document["discounts"] = [discount | {"basis": entry_basis}]
    if rng.random() < 0.25:
        charge: Json = {"reason": "Freight service | خدمة شحن", "code": "FC", "basis": entry_basis}
        charge |= {"amount": str(_money(rng, 1, 60))} if rng.random() < 0.6 else {"percent": "1.25"}
        if rng.random() < 0.5:
            charge["vat"] = dict(rng.choice(lines)["vat"])
        document["charges"] = [charge]


def _prepayments(rng: Random, document: Json, groups: list[Json]) -> None:
    if document["kind"] == "prepayment" or rng.random() < 0.75:
        return
    usable = [group for group in groups if group.get("reason_code") not in ("VATEX-SA-ROYALDECREE", "VATEX-SA-32(bis)")]
    # A document discount takes at most a sixth, line discounts at most two thirds: this much is always left.
    rest = sum((line_base(line) for line in document["lines"]), Decimal(0)) / 40
    if not usable or rest < 2:
        return
    document["prepayments"] = []
    for number in range(rng.choice([1, 1, 2])):
        parts = [
            dict(group) | {"taxable": str((rest * Decimal(rng.random())).quantize(TWO, ROUND_HALF_UP))}
            for group in rng.sample(usable, min(len(usable), rng.choice([1, 1, 2])))
        ]
        prepayment = {"number": f"P-{number}", "issue_date": "2026-01-02", "issue_time": "10:00:00", "parts": parts}
        if rng.random() < 0.5:
            prepayment["uuid"] = "1b0c9a52-3a65-4d0e-8f2a-2f6e5f7c0412"
        document["prepayments"].append(prepayment)


def _rounding(rng: Random, document: Json) -> None:
    if rng.random() < 0.15:
        document["round_to"] = rng.choice(["0.05", "0.25", "1"])
    elif rng.random() < 0.05:
        document["rounding"] = rng.choice(["0.02", "-0.01", "0.5"])


def _money(rng: Random, low: int, high: int) -> Decimal:
    return Decimal(rng.randrange(low * 100, high * 100)) / 100


def _text(rng: Random, usual: str, other: int) -> str:
    return usual if rng.random() < 0.6 else str(other)
