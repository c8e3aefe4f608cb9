"""What a verification or an import has to say, for people in two languages and as JSON records."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from khatm.errors import Language
from khatm.ledger.audit.breaks import ChainBreak
from khatm.ledger.audit.pack_format import ImportPart
from khatm.ledger.audit.pack_verification import PackReport
from khatm.ledger.audit.verification import ChainReport
from khatm.ledger.chain_import import ChainImport

_WORDS: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "intact": "intact, {examined:,} documents",
        "broken": "BROKEN, {examined:,} documents examined, {documents:,} hold up to the first break",
        "at": "first break: ICV {icv}, UUID {uuid} ({check})",
        "at_unit": "first break ({check})",
        "expected": "expected  {value}",
        "found": "found     {value}",
        "remedy": "what to do: {value}",
        "further": "further breaks: {count}, among them {listed}",
        "origin": "the chain begins after ICV {icv}, issued elsewhere",
        "gap": "declared: ICV {first} to {last} are not in this ledger",
        "gap_one": "declared: ICV {last} is not in this ledger",
        "proven": "evidence: the document itself, hash {hash}",
        "stated": "stated without proof: hash {hash}",
        "sums": "SHA-256 of SHA256SUMS: {digest}  (compare it with what the taxpayer told you)",
        "pack": "{days}, {files:,} files",
        "imported": "{unit}: the next document gets ICV {next_icv} and previous hash {hash}",
        "stamp_bad": "its stamp does not hold ({problems}); it was imported all the same",
        "stamp_good": "its stamp holds",
    },
    "ar": {
        "intact": "سليمة، {examined:,} مستند",
        "broken": "مكسورة، فُحص {examined:,} مستند، وتصح {documents:,} قبل أول كسر",
        "at": "أول كسر: العدّاد {icv}، المعرّف {uuid} ({check})",
        "at_unit": "أول كسر ({check})",
        "expected": "المتوقع  {value}",
        "found": "الموجود  {value}",
        "remedy": "ما العمل: {value}",
        "further": "كسور أخرى: {count}، منها {listed}",
        "origin": "تبدأ السلسلة بعد العدّاد {icv} الصادر في مكان آخر",
        "gap": "مُعلن: العدّادات من {first} إلى {last} ليست في هذا السجل",
        "gap_one": "مُعلن: العدّاد {last} ليس في هذا السجل",
        "proven": "الدليل: المستند نفسه، بصمته {hash}",
        "stated": "مذكور بلا إثبات: البصمة {hash}",
        "sums": "بصمة الملف SHA256SUMS: {digest} (قارنها بما أخبرك به المكلّف)",
        "pack": "{days}، عدد الملفات {files:,}",
        "imported": "{unit}: يأخذ المستند التالي العدّاد {next_icv} والبصمة السابقة {hash}",
        "stamp_bad": "ختمه لا يصح ({problems})، واستُورد مع ذلك",
        "stamp_good": "ختمه صحيح",
    },
}


@dataclass(frozen=True, slots=True)
class Told:
    """What is told about one unit, or about a pack: `facts` goes into the JSON record as it is."""

    name: str
    documents: int
    examined: int
    broken: int
    breaks: tuple[ChainBreak, ...]
    imports: "tuple[ChainImport | ImportPart, ...]"
    facts: dict[str, object]

    @property
    def intact(self) -> bool:
        """Whether everything holds."""
        return not self.broken

    def record(self) -> dict[str, object]:
        """Return the JSON record."""
        return {
            **self.facts,
            "intact": self.intact,
            "documents": self.documents,
            "examined": self.examined,
            "broken": self.broken,
            "first_break": _break_record(self.breaks[0]) if self.breaks else None,
            "breaks": [_break_record(each) for each in self.breaks],
            "imports": [_import_record(each) for each in self.imports],
        }

    def lines(self, language: Language) -> Iterator[str]:
        """Return lines for people."""
        words = _WORDS[language]
        state = words["intact" if self.intact else "broken"]
        yield f"{self.name}: {state.format(examined=self.examined, documents=self.documents)}"
        if "sums_digest" in self.facts:
            yield "  " + words["pack"].format(**self.facts)
            yield "  " + words["sums"].format(digest=self.facts["sums_digest"])
        for each in self.imports:
            yield from (f"  {line}" for line in _import_lines(each, language))
        if self.breaks:
            yield from (f"  {line}" for line in self._break_lines(language))

    def _break_lines(self, language: Language) -> Iterator[str]:
        words, first = _WORDS[language], self.breaks[0]
        yield words["at" if first.icv else "at_unit"].format(icv=first.icv, uuid=first.uuid or "—", check=first.check)
        yield first.meaning(language)
        yield words["expected"].format(value=first.expected)
        yield words["found"].format(value=first.found)
        yield words["remedy"].format(value=first.remedy(language))
        if self.broken > 1:
            others = [f"ICV {each.icv} {each.check}" if each.icv else each.detail for each in self.breaks[1:6]]
            yield words["further"].format(count=self.broken - 1, listed=", ".join(others))


def told_of_unit(report: ChainReport) -> Told:
    """Return what is told about a unit."""
    return Told(
        report.unit,
        report.documents,
        report.examined,
        report.broken,
        report.breaks,
        report.imports,
        {"unit": report.unit},
    )


def told_of_pack(path: str, report: PackReport) -> Told:
    """Return what is told about a pack."""
    manifest = report.manifest
    facts: dict[str, object] = {
        "pack": path,
        "unit": manifest.unit.name,
        "vat_number": manifest.unit.vat_number,
        "days": f"{manifest.first_day} – {manifest.last_day}",
        "files": report.files,
        "sums_digest": report.sums_digest,
    }
    breaks = tuple(report.breaks)
    held = report.documents - len({each.icv for each in breaks if each.icv})
    return Told(path, held, report.documents, report.broken, breaks, manifest.chain.imports, facts)


def imported_record(unit: str, new: ChainImport, problems: Sequence[str]) -> dict[str, object]:
    """Return the JSON record of an import."""
    facts = {"next_icv": new.icv + 1, "previous_hash": new.invoice_hash, "stamp_problems": list(problems)}
    return {"ok": True, "unit": unit, **_import_record(new), **facts}


def imported_lines(unit: str, new: ChainImport, problems: Sequence[str], language: Language) -> Iterator[str]:
    """Return an import for people."""
    words = _WORDS[language]
    yield words["imported"].format(unit=unit, next_icv=new.icv + 1, hash=new.invoice_hash)
    yield from (f"  {line}" for line in _import_lines(new, language))
    if new.proven:
        yield "  " + words["stamp_bad" if problems else "stamp_good"].format(problems=", ".join(problems))


def _break_record(found: ChainBreak) -> dict[str, object]:
    return {
        **asdict(found),
        "meaning": {"en": found.meaning("en"), "ar": found.meaning("ar")},
        "remedy": {"en": found.remedy("en"), "ar": found.remedy("ar")},
    }


def _import_record(each: ChainImport | ImportPart) -> dict[str, object]:
    return {
        "after_icv": each.after_icv,
        "icv": each.icv,
        "invoice_hash": each.invoice_hash,
        "uuid": each.uuid,
        "proven": _proven(each),
    }


def _import_lines(each: ChainImport | ImportPart, language: Language) -> Iterator[str]:
    words = _WORDS[language]
    kind = "origin" if not each.after_icv else "gap" if each.icv > each.after_icv + 1 else "gap_one"
    yield words[kind].format(icv=each.icv, first=each.after_icv + 1, last=each.icv)
    yield "  " + words["proven" if _proven(each) else "stated"].format(hash=each.invoice_hash)


def _proven(each: ChainImport | ImportPart) -> bool:
    return each.proven if isinstance(each, ChainImport) else each.file is not None
