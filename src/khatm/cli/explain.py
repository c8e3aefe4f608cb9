"""`khatm explain`: what a code or a term means, in words."""

import shutil
import sys
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from khatm.cli.output import OutputFormat, emit, format_option, progress, say

if TYPE_CHECKING:
    from khatm.errors import Language
    from khatm.rules.catalogue import Entry, TermFacts

_WIDEST: Final = 100
_KINDS: Final = {
    "rule": ("rule", "قاعدة"),
    "advice": ("advice of this product", "نصيحة من هذا البرنامج"),
    "structure": ("XML and structure", "الملف والبنية"),
    "check": ("check of stamp, QR code and chain", "فحص الختم والرمز والسلسلة"),
    "gateway": ("code of the gateway or the SDK", "رمز من البوابة أو حزمة التطوير"),
    "term": ("term of the data dictionary", "مصطلح من قاموس البيانات"),
    "doctor": ("cause that khatm doctor names", "سبب يذكره الأمر khatm doctor"),
}
_HEADINGS: Final = {
    "severity": ("Severity", "الدرجة"),
    "why": ("Why", "السبب"),
    "fix": ("What to do", "الحل"),
    "example": ("Example", "مثال"),
    "fields": ("Where to look", "موضع النظر"),
    "meaning": ("Meaning", "المعنى"),
    "place": ("Place in the XML", "الموضع في الملف"),
    "cardinality": ("How often", "عدد المرات"),
    "status": ("Needed", "الإلزام"),
    "form": ("Form", "الصيغة"),
    "allowed": ("Allowed", "المسموح"),
    "rules": ("Rules that read it", "القواعد التي تقرؤه"),
    "written": ("Written rules that nothing executes", "قواعد مكتوبة لا ينفذها شيء"),
    "advice": ("Advice on it", "نصائح تخصه"),
}
_TIMES: Final = {
    "1..1": ("exactly once", "مرة واحدة تمامًا"),
    "0..1": ("at most once", "مرة على الأكثر"),
    "1..*": ("at least once", "مرة على الأقل"),
    "0..*": ("any number of times", "أي عدد من المرات"),
}
_FORMS: Final = {
    "Amount": "مبلغ", "Binary": "محتوى ثنائي", "Boolean": "مؤشر", "Code": "رمز", "Complex": "مركّب", "Date": "تاريخ",
    "Identifier": "معرف", "Percentage": "نسبة", "Quantity": "كمية", "Rate": "سعر صرف", "String": "نص محدد",
    "Text": "نص", "Time": "وقت", "Unit price": "سعر وحدة", "group": "مجموعة",
}  # fmt: skip
_SEVERITIES: Final = {"error": ("error", "خطأ"), "warning": ("warning", "تحذير"), "note": ("note", "ملاحظة")}
_STATUS: Final = {
    "M": ("required", "إلزامي"),
    "C": ("in some cases", "في بعض الحالات"),
    "O": ("optional", "اختياري"),
    "-": ("not used", "لا يُستخدم"),
}
_DOCUMENTS: Final = {
    "standard_invoice": ("standard invoice", "الفاتورة الضريبية"),
    "standard_note": ("standard note", "إشعار الفاتورة الضريبية"),
    "simplified_invoice": ("simplified invoice", "الفاتورة المبسطة"),
    "simplified_note": ("simplified note", "إشعار الفاتورة المبسطة"),
}


@click.command()
@click.argument("code")
@click.option("--language", type=click.Choice(["en", "ar"]), default="en", show_default=True)
@format_option
def explain(code: str, language: "Language", output_format: OutputFormat) -> None:
    """Explain CODE: a rule, a code of the gateway, the SDK or the doctor, or a term such as BT-31 or KSA-13."""
    from khatm.doctor import causes
    from khatm.rules.catalogue import codes, explain_all

    entries = (*explain_all(code), *filter(None, [causes.entry(code)]))
    if not entries:
        from difflib import get_close_matches

        near = (
            ", ".join(get_close_matches(code, [*codes(), *causes.codes()], n=5, cutoff=0.6))
            or "BR-KSA-98, Invalid-OTP, BT-31"
        )
        progress(f"error: nothing is known of {code!r}. Perhaps: {near}.")
        sys.exit(2)
    for number, entry in enumerate(entries):
        if output_format == "json":
            emit(_record(entry))
            continue
        if number:
            say("")
        for line in _lines(entry, language):
            say(line)


def _lines(entry: "Entry", language: "Language") -> Iterator[str]:
    """Yield the page: code and kind, the title, then each part under a heading of its own."""
    text, said = entry.text(language), 1 if language == "ar" else 0
    yield f"{entry.code} ({_KINDS[entry.kind][said]})"
    if text.title:
        yield text.title
    for part in parts(entry, language):
        yield ""
        yield part.heading
        for line in part.lines:
            yield from _wrapped(line, part.name)


class Part(NamedTuple):
    """One part of an explanation under its heading; `name` is the same in both languages.

    The lines of `fields`, `rules` and `advice` begin with a code, two blanks and its title.
    """

    name: str
    heading: str
    lines: list[str]


def parts(entry: "Entry", language: "Language") -> list[Part]:
    """Return what is to be said of a code or term after its title, parts without content left out."""
    said = 1 if language == "ar" else 0
    found = _of_term(entry, entry.term, language) if entry.term is not None else _of_code(entry, language)
    return [Part(name, _HEADINGS[name][said], lines) for name, lines in found if lines]


def _of_code(entry: "Entry", language: "Language") -> Iterator[tuple[str, list[str]]]:
    text = entry.text(language)
    yield "severity", _severities(entry, language)
    yield "why", [text.why]
    yield "fix", [text.fix]
    yield "example", [entry.example] if entry.example else []
    yield "fields", [_named(field, language) for field in entry.fields]


def _of_term(entry: "Entry", term: "TermFacts", language: "Language") -> Iterator[tuple[str, list[str]]]:
    said = 1 if language == "ar" else 0
    yield "meaning", [entry.text(language).why]
    yield "place", term.xpath.split(" | ")
    yield "cardinality", [f"{term.cardinality} ({_TIMES[term.cardinality][said]})"]
    yield "status", [f"{words[said]}: {_STATUS[term.status[kind]][said]}" for kind, words in _DOCUMENTS.items()]
    longest = (f", {term.max_length} characters at most", f"، والحد {term.max_length} من الأحرف")[said]
    yield "form", [(term.datatype, _FORMS[term.datatype])[said] + (longest if term.max_length else "")]
    yield "allowed", [term.allowed[language]] if term.allowed else []
    yield "rules", [_named(rule, language) for rule in term.rules]
    yield "written", [" ".join(term.written_only)] if term.written_only else []
    yield "advice", [_named(code, language) for code in _advice_on(entry.code)]


def _severities(entry: "Entry", language: "Language") -> list[str]:
    """Return how a cause or a rule of the official stylesheets is taken: in one word, or by edition."""
    from khatm.doctor import causes
    from khatm.rules import en16931, ksa
    from khatm.rules.edition import Edition

    said = 1 if language == "ar" else 0
    if entry.kind == "doctor":
        return [_SEVERITIES[causes.severity(entry.code)][said]]
    sites = [site for site in (*en16931.SITES, *ksa.SITES) if site.rule == entry.code]
    told: dict[str, str] = {}
    for edition in Edition:
        severities = dict.fromkeys(site.severity for site in sites if edition in site.editions)
        if severities:
            told[edition.value] = ", ".join(_SEVERITIES[each][said] for each in severities)
    if len(told) == len(Edition) and len(set(told.values())) == 1:
        return list(told.values())[:1]
    return [f"{edition}: {severity}" for edition, severity in told.items()]


def _advice_on(term: str) -> list[str]:
    """Return our advice that looks at a term."""
    from khatm.rules.catalogue import codes, explain

    return [code for code in codes("advice") if (entry := explain(code, "advice")) and term in entry.fields]


def _named(code: str, language: "Language") -> str:
    """Return a code with its title; fields that are no terms stand for themselves."""
    from khatm.rules.catalogue import explain

    entry = explain(code, "term") or explain(code)
    if entry is None or (entry.code != code):
        return code
    place = f" ({entry.term.xpath})" if entry.term is not None else ""
    return f"{code}  {entry.text(language).title}{place}"


def _wrapped(line: str, part: str) -> list[str]:
    """Indent a line, and break it at the width of the terminal unless it is to be copied."""
    if part in ("example", "place"):
        return [f"  {each}" for each in line.splitlines()]
    width = min(_WIDEST, shutil.get_terminal_size((_WIDEST, 24)).columns)
    hanging = "    " if part in ("fields", "rules", "advice") else "  "
    return textwrap.wrap(
        line, width, initial_indent="  ", subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False
    )


def _record(entry: "Entry") -> dict[str, object]:
    record: dict[str, object] = {"code": entry.code, "kind": entry.kind, "fields": list(entry.fields)}
    languages: tuple[Language, ...] = ("en", "ar")
    for each in languages:
        text = entry.text(each)
        record[each] = {"title": text.title, "why": text.why, "fix": text.fix}
    if entry.example:
        record["example"] = entry.example
    if entry.term is not None:
        term = entry.term
        record["term"] = {
            "xpath": term.xpath,
            "cardinality": term.cardinality,
            "datatype": term.datatype,
            "status": term.status,
            "max_length": term.max_length,
            "allowed": term.allowed,
            "rules": list(term.rules),
            "written_only": list(term.written_only),
            "advice": _advice_on(entry.code),
        }
    return record
