"""The daily statement in writing: for people in both languages, as plain data, and as CSV."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Final

from khatm.errors import Language
from khatm.ledger.audit.statement import Counts, Day, Kind, KindSums, Sums
from khatm.money import text2

_COUNTS: Final = Counts.__slots__
_SUMS: Final = Sums.__slots__

_WORDS: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "issued": "issued",
        "accepted": "accepted",
        "warned": "with warnings",
        "rejected": "rejected",
        "waiting": "waiting",
        "set_aside": "set aside",
        "kind": "kind",
        "documents": "documents",
        "taxable": "taxable",
        "vat": "VAT",
        "vat_sar": "VAT in SAR",
        "all": "issued",
        "authority": "accepted by ZATCA",
        "unreadable": "{count} documents could not be read and are not in the sums: run `khatm chain verify`.",
        Kind.INVOICE: "invoice",
        Kind.CREDIT_NOTE: "credit note",
        Kind.DEBIT_NOTE: "debit note",
        Kind.PREPAYMENT: "prepayment invoice",
        Kind.OTHER: "other",
    },
    "ar": {
        "issued": "صادرة",
        "accepted": "مقبولة",
        "warned": "مقبولة مع تحذيرات",
        "rejected": "مرفوضة",
        "waiting": "في الانتظار",
        "set_aside": "مُنحّاة",
        "kind": "النوع",
        "documents": "المستندات",
        "taxable": "الخاضع للضريبة",
        "vat": "الضريبة",
        "vat_sar": "الضريبة بالريال",
        "all": "الصادر",
        "authority": "المقبول لدى الهيئة",
        "unreadable": "تعذّرت قراءة {count} من المستندات وهي خارج المجاميع: نفّذ `khatm chain verify`.",
        Kind.INVOICE: "فاتورة",
        Kind.CREDIT_NOTE: "إشعار دائن",
        Kind.DEBIT_NOTE: "إشعار مدين",
        Kind.PREPAYMENT: "فاتورة دفعة مقدمة",
        Kind.OTHER: "غير ذلك",
    },
}

CONVENTION: Final[dict[Language, str]] = {
    "en": (
        "Days are Saudi dates of issue. Credit notes count as negative. Taxable is the total without VAT (BT-109) "
        "and VAT is BT-110, both in the document's currency; VAT in SAR is BT-111. An invoice that deducts a "
        "prepayment shows its whole amount; the prepayment invoice stands in its own row."
    ),
    "ar": (
        "الأيام هي تواريخ الإصدار بتوقيت السعودية. الإشعارات الدائنة بالسالب. الخاضع للضريبة هو الإجمالي بلا ضريبة "
        "(BT-109) والضريبة BT-110 وكلاهما بعملة المستند، والضريبة بالريال BT-111. الفاتورة التي تخصم دفعة مقدمة تظهر "
        "بكامل مبلغها، وفاتورة الدفعة المقدمة في سطر مستقل."
    ),
}
"""How the figures are to be read."""

CSV_COLUMNS: Final = (
    *("unit", "day", "kind", "currency", *_COUNTS),
    *(f"issued_{name}" for name in _SUMS),
    *(f"accepted_{name}" for name in _SUMS),
    "unreadable",
)


def as_lines(day: Day, language: Language = "en") -> Iterator[str]:
    """Return a day as lines for people."""
    words, counts = _WORDS[language], day.counts
    yield f"{day.unit}  {day.day}"
    parts = [f"{words[name]} {getattr(counts, name)}" for name in _COUNTS]
    yield "  " + ("، " if language == "ar" else ", ").join(parts)
    for row in day.rows():
        yield f"  {words[row.kind]} {row.currency}"
        for name, documents, sums in (
            ("all", row.counts.issued, row.issued),
            ("authority", row.counts.accepted + row.counts.warned, row.accepted),
        ):
            amounts = "  ".join(f"{words[each]} {text2(getattr(sums, each)):>14}" for each in _SUMS)
            yield f"    {words[name]:<18} {words['documents']} {documents:>6}  {amounts}"
    unreadable = sum(row.unreadable for row in day.rows())
    if unreadable:
        yield "  " + words["unreadable"].format(count=unreadable)


def as_data(day: Day) -> dict[str, object]:
    """Return a day as plain data; amounts are text with two decimals."""
    return {
        "unit": day.unit,
        "day": day.day,
        **_counts(day.counts),
        "kinds": [
            {
                "kind": row.kind.value,
                "currency": row.currency,
                "sign": row.sign,
                **_counts(row.counts),
                "issued_sums": _sums(row.issued),
                "accepted_sums": _sums(row.accepted),
                "unreadable": row.unreadable,
            }
            for row in day.rows()
        ],
    }


def as_csv(days: Iterable[Day]) -> Iterator[str]:
    """Return the header and one line per day, kind and currency, each with its line end (CR LF, as RFC 4180 has "
    "it)."""
    yield _csv_line(CSV_COLUMNS)
    for day in days:
        for row in day.rows():
            yield _csv_line(_csv_row(day, row))


def _csv_row(day: Day, row: KindSums) -> list[object]:
    issued, accepted = _sums(row.issued), _sums(row.accepted)
    counts = [getattr(row.counts, name) for name in _COUNTS]
    return [
        day.unit, day.day, row.kind.value, row.currency, *counts, *issued.values(), *accepted.values(), row.unreadable,
    ]  # fmt: skip


def _csv_line(values: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()


def _counts(counts: Counts) -> dict[str, int]:
    return {name: getattr(counts, name) for name in _COUNTS}


def _sums(sums: Sums) -> dict[str, str]:
    return {name: text2(getattr(sums, name)) for name in _SUMS}
