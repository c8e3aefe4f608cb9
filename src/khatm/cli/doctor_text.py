"""What the doctor has to say, for people in two languages and as JSON records."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from khatm.clock import saudi_time
from khatm.errors import Language

if TYPE_CHECKING:
    from khatm.doctor.difference import Difference
    from khatm.doctor.document import Examination, Form, Value
    from khatm.doctor.files import Described, Request
    from khatm.doctor.findings import Finding
    from khatm.doctor.identity import Identity
    from khatm.unit_doctor import UnitExamination

_WIDTH: Final = 108
_MARKS: Final = {"error": "✗", "warning": "!", "note": "·"}
_WORDS: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "sound": "nothing is wrong",
        "wrong": "WRONG, causes found: {count}",
        "checks": "explains",
        "evidence": "known by",
        "fix": "what to do",
        "difference": "first difference: byte {offset}, line {line} of the {what}",
        "same": "the canonical form is the same, byte for byte",
        "expected": "right",
        "found": "found",
        "hashed": "hashed",
        "values": "Hash, digests, signature",
        "tags": "QR code",
        "certificate": "Certificate",
        "request": "CSR",
        "key": "Key",
        "invoice_hash": "invoice hash",
        "unit": "Unit",
        "ahead": "this machine is {seconds:+.0f} s ahead of {source}",
        "unknown": "not known ({source})",
    },
    "ar": {
        "sound": "لا خلل",
        "wrong": "فيه خلل، عدد الأسباب {count}",
        "checks": "يفسّر",
        "evidence": "الدليل",
        "fix": "ما العمل",
        "difference": "أول اختلاف: البايت {offset}، السطر {line} من {what}",
        "same": "الصيغة القانونية مطابقة بايتًا بايتًا",
        "expected": "الصحيح",
        "found": "الموجود",
        "hashed": "المحسوب",
        "values": "البصمات والتوقيع",
        "tags": "رمز QR",
        "certificate": "الشهادة",
        "request": "طلب الشهادة",
        "key": "المفتاح",
        "invoice_hash": "بصمة الفاتورة",
        "unit": "الوحدة",
        "ahead": "يتقدم هذا الجهاز {seconds:+.0f} ثانية على {source}",
        "unknown": "غير معروفة ({source})",
    },
}
_NAMES: Final = {
    "common_name": ("common name", "الاسم"),
    "organization": ("organization", "المنشأة"),
    "vat_number": ("VAT number", "الرقم الضريبي"),
    "egs_serial": ("unit serial", "الرقم التسلسلي للوحدة"),
    "type_map": ("type map", "خريطة الأنواع"),
    "issuer": ("issuer", "المُصدر"),
    "serial": ("serial number", "رقم الشهادة"),
    "kind": ("issued for", "صادرة لـ"),
    "curve": ("key", "المفتاح"),
    "key": ("public key's fingerprint", "بصمة المفتاح العام"),
    "not_before": ("begins", "تبدأ"),
    "not_after": ("ends", "تنتهي"),
    "template": ("template", "القالب"),
    "environment": ("environment", "البيئة"),
    "next_icv": ("next ICV", "العداد التالي"),
    "last_hash": ("last hash", "آخر بصمة"),
    "waiting": ("waiting", "ينتظر"),
    "refused": ("refused", "مرفوض"),
    "clock": ("clock", "الساعة"),
}
_KINDS: Final = {
    "compliance": ("compliance (any environment)", "الامتثال (أي بيئة)"),
    "production": ("production (the sandbox's fixed one too)", "الإنتاج (وكذلك الشهادة الثابتة في بيئة الاختبار)"),
    "simulation": ("simulation", "المحاكاة"),
    "test": ("the authority's test of 2022", "اختبار الهيئة عام 2022"),
    "unknown": ("an issuer that is not the authority's", "مُصدر ليس من الهيئة"),
}


def examination_record(name: str, found: "Examination") -> dict[str, object]:
    """Return the JSON record of a document."""
    return {
        "file": name,
        "kind": "document",
        "ok": found.sound,
        "invoice_hash": found.invoice_hash,
        "uuid": found.uuid,
        "simplified": found.simplified,
        "findings": [each.record() for each in found.findings] + [_form_record(each) for each in found.forms],
        "values": [_value_record(each) for each in found.values],
        "qr": [_value_record(each) for each in found.tags],
        "certificate": None if found.certificate is None else found.certificate.record(),
        "comparison": None if found.comparison is None else found.comparison.record(),
    }


def described_record(name: str, found: "Described") -> dict[str, object]:
    """Return the JSON record of a certificate, CSR or key."""
    return {
        "file": name,
        "kind": found.kind,
        "ok": found.sound,
        "key": found.key,
        "findings": [each.record() for each in found.findings],
        "certificate": None if found.certificate is None else found.certificate.record(),
        "request": None if found.request is None else found.request.record(),
    }


def unit_record(found: "UnitExamination") -> dict[str, object]:
    """Return the JSON record of a unit."""
    return {
        "unit": found.unit.name,
        "kind": "unit",
        "ok": found.exit_code == 0,
        **_unit_facts(found),
        "findings": [each.record() for each in found.findings],
        "certificates": [
            {"generation": label, "csid": kind, **identity.record()} for label, kind, identity in found.certificates
        ],
        "clock": None
        if found.clock is None
        else {
            "seconds": None if found.clock.seconds is None else round(found.clock.seconds, 1),
            "source": found.clock.source,
        },
    }


def examination_lines(name: str, found: "Examination", language: Language, *, compared: bool) -> Iterator[str]:
    """Yield the lines of a document for people."""
    words = _WORDS[language]
    errors = [each for each in found.forms if each.rule.severity == "error"]
    yield from _heading(name, found.findings, language, more=len(errors))
    yield f"  {words['invoice_hash']}: {found.invoice_hash}"
    yield from _findings(found.findings, language)
    for form in found.forms:
        yield from _form_lines(form, language)
    if compared:
        if found.comparison is None:
            yield f"  {words['same']}"
        else:
            yield from _difference(found.comparison, language, "  ")
    for heading, values in (("values", found.values), ("tags", found.tags)):
        if values:
            yield ""
            yield f"  {words[heading]}"
            for value in values:
                yield from _value_lines(value, language)
    if found.certificate is not None:
        yield from _identity_lines(words["certificate"], found.certificate, language)


def described_lines(name: str, found: "Described", language: Language) -> Iterator[str]:
    """Yield the lines of a certificate, CSR or key for people."""
    words = _WORDS[language]
    yield from _heading(name, found.findings, language)
    yield from _findings(found.findings, language)
    if found.kind == "key":
        yield f"  {words['key']}: secp256k1, {_NAMES['key'][_index(language)]} {found.key}"
    if found.certificate is not None:
        yield from _identity_lines(words["certificate"], found.certificate, language)
    if found.request is not None:
        yield from _request_lines(found.request, language)


def unit_lines(found: "UnitExamination", language: Language) -> Iterator[str]:
    """Yield the lines of a unit for people."""
    words = _WORDS[language]
    yield from _heading(found.unit.name, found.findings, language)
    yield from _findings(found.findings, language)
    yield ""
    yield f"  {words['unit']}"
    told = {**_unit_facts(found)}
    if found.clock is not None:
        seconds, source = found.clock.seconds, found.clock.source
        text = words["unknown"] if seconds is None else words["ahead"]
        told["clock"] = text.format(seconds=seconds or 0.0, source=source)
    yield from _facts(told, language)
    for label, kind, identity in found.certificates:
        yield from _identity_lines(f"{words['certificate']} ({label}, {kind})", identity, language)


def _unit_facts(found: "UnitExamination") -> dict[str, object]:
    unit = found.unit
    return {
        "environment": unit.environment.value,
        "vat_number": unit.vat_number,
        "type_map": unit.type_map,
        "next_icv": unit.next_icv,
        "last_hash": unit.last_hash,
        "waiting": found.waiting,
        "refused": found.refused,
    }


def _heading(name: str, findings: "Sequence[Finding]", language: Language, *, more: int = 0) -> Iterator[str]:
    words = _WORDS[language]
    count = sum(each.severity == "error" for each in findings) + more
    yield f"{name}: {words['wrong'].format(count=count) if count else words['sound']}"


def _findings(findings: "Sequence[Finding]", language: Language) -> Iterator[str]:
    words = _WORDS[language]
    for each in findings:
        yield f"  {_MARKS[each.severity]} {each.code}"
        yield from _wrapped(each.cause(language))
        if each.checks:
            yield from _wrapped(f"{words['checks']}: {', '.join(each.checks)}")
        yield from _wrapped(f"{words['evidence']}: {each.evidence(language)}")
        if each.difference is not None:
            hashed = "hashed" if each.proof == "reproduced" else "found"  # the text that gives the digest, or a value
            yield from _difference(each.difference, language, "      ", found=hashed)
        yield from _wrapped(f"{words['fix']}: {each.fix(language)}")


def _form_lines(form: "Form", language: Language) -> Iterator[str]:
    yield f"  {_MARKS[form.rule.severity]} {form.rule.rule}"
    yield from _wrapped(form.cause[language])
    yield f"      {form.rule.location}"
    yield from _wrapped(f"{_WORDS[language]['fix']}: {form.fix[language]}")


def _form_record(form: "Form") -> dict[str, object]:
    return {
        "code": form.rule.rule,
        "severity": form.rule.severity,
        "proof": "read",
        "proven": True,
        "checks": [],
        "facts": {"element": form.rule.location, "found": form.rule.found or ""},
        "cause": form.cause,
        "evidence": {"en": form.rule.location, "ar": form.rule.location},
        "fix": form.fix,
        "difference": None,
    }


def _difference(difference: "Difference", language: Language, indent: str, *, found: str = "found") -> Iterator[str]:
    from khatm.doctor.causes import spoken

    words, what = _WORDS[language], spoken(difference.what, language)
    told = words["difference"].format(offset=difference.offset, line=difference.line, what=what)
    yield f"{indent}{told}"
    yield f"{indent}  {words['expected']:<8} {difference.expected}"
    yield f"{indent}  {words[found]:<8} {difference.found}"


def _value_record(value: "Value") -> dict[str, object]:
    return {"name": value.name, "equal": value.equal, "expected": value.expected, "found": value.found}


def _value_lines(value: "Value", language: Language) -> Iterator[str]:
    words = _WORDS[language]
    if value.equal:
        yield f"    ✓ {value.name:<26} {value.found}"
        return
    yield f"    ✗ {value.name:<26} {words['found']}: {value.found}"
    yield f"      {'':<26} {words['expected']}: {value.expected}"


def _identity_lines(heading: str, identity: "Identity", language: Language) -> Iterator[str]:
    yield ""
    yield f"  {heading}"
    told = identity.record()
    told["kind"] = _KINDS[identity.kind][_index(language)]
    for name in ("not_before", "not_after"):
        told[name] = f"{saudi_time(getattr(identity, name)):%Y-%m-%d %H:%M}"
    yield from _facts(told, language)


def _request_lines(request: "Request", language: Language) -> Iterator[str]:
    yield ""
    yield f"  {_WORDS[language]['request']}"
    yield from _facts(request.record(), language)


def _facts(told: dict[str, object], language: Language) -> Iterator[str]:
    for name, value in told.items():
        yield f"    {_NAMES[name][_index(language)]:<26} {'—' if value in (None, '') else value}"


def _index(language: Language) -> int:
    return 1 if language == "ar" else 0


def _wrapped(text: str) -> Iterator[str]:
    yield from textwrap.wrap(
        text,
        _WIDTH,
        initial_indent="      ",
        subsequent_indent="        ",
        break_long_words=False,
        break_on_hyphens=False,
    )
