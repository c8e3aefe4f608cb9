"""Document number n of a run: the same content whenever and by whomever it is asked for."""

from tests.torture.plan import REJECTED_SUFFIX, UNITS

_BUYER = {
    "name": "شركة مدار البناء المحدودة | Madar Building Ltd",
    "vat": "399999995400003",
    "address": {
        "street": "طريق الملك فهد | King Fahd Road",
        "building": "6040",
        "district": "الملقا | Al Malqa",
        "city": "الرياض | Riyadh",
        "postal_code": "13521",
        "country": "SA",
    },
}
_KINDS = ("invoice", "invoice", "invoice", "credit_note", "debit_note")


def reference(number: int) -> str:
    """Return the caller's own name for document `number`."""
    return f"torture-{number}"


def unit_of(number: int) -> str:
    """Return the unit that issues document `number`."""
    return UNITS[number % len(UNITS)].name


def is_standard(number: int) -> bool:
    """Two of three documents are simplified."""
    return number // len(UNITS) % 3 == 0


def is_rejected(number: int) -> bool:
    """About one document in thirty is refused by the authority's scripted rule."""
    return number % 29 == 5


def content(number: int) -> dict[str, object]:
    """Return the authoring content of document `number`."""
    kind = _KINDS[number // len(UNITS) % len(_KINDS)]
    document: dict[str, object] = {
        "kind": kind,
        "profile": "standard" if is_standard(number) else "simplified",
        "number": f"T-{number:06}{REJECTED_SUFFIX if is_rejected(number) else ''}",
        "payment": {"code": "10"},
        "lines": [
            {
                "name": "قهوة مقطرة | Filter coffee",
                "quantity": str(1 + number % 7),
                "price": f"{10 + number % 90}.{number % 100:02}",
                "vat": {"category": "S", "rate": "15"},
            }
        ],
    }
    if is_standard(number):
        document["buyer"] = _BUYER
    if kind != "invoice":
        document |= {"references": [{"number": f"T-{number - 1:06}"}], "reasons": ["استرجاع | Goods returned"]}
    return document
