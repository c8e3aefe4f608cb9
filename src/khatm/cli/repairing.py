"""`khatm totals --repair`: which amount carries the odd halala, and the repaired document, never silently."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from khatm.cli.files import read_file, refuse_overwriting, write_file
from khatm.cli.output import OutputFormat, emit, say
from khatm.document.halala import OddAmount, Repair, repair
from khatm.document.writer import DECLARATION
from khatm.document.xml import parse
from khatm.errors import Language
from khatm.stamp.canonical import remove_stamp
from khatm.stamp.embedded import read_embedded

if TYPE_CHECKING:
    from lxml import etree

_TEXTS: Final[dict[str, dict[Language, str]]] = {
    "right": {"en": "{file}: every amount adds up", "ar": "{file}: كل المبالغ متطابقة"},
    "odd": {"en": "{file}: amounts that are off by rounding: {count}", "ar": "{file}: مبالغ تختلف بالتقريب: {count}"},
    "beyond": {
        "en": "{file}: amounts that are off by more than rounding explains: {count}. Nothing was repaired; correct "
        "them where the invoice is made",
        "ar": "{file}: مبالغ تختلف بأكثر مما يفسره التقريب: {count}. لم يُصلح شيء؛ صحّحها حيث تُنشأ الفاتورة",
    },
    "unwritten": {
        "en": "nothing was written; name a file with --out to have it repaired",
        "ar": "لم يُكتب شيء؛ حدّد ملفًا بالخيار --out ليُكتب الإصلاح",
    },
    "written": {"en": "repaired: {out}", "ar": "كُتب المستند المصلح: {out}"},
    "void": {
        "en": "the invoice is stamped, and its stamp is void once an amount changes: the repaired file has no stamp "
        "and no QR code. Stamp it anew; if the invoice was issued or sent, correct it by a credit or debit note "
        "instead",
        "ar": "الفاتورة مختومة، ويبطل ختمها إذا تغيّر فيها مبلغ: الملف المصلح بلا ختم وبلا رمز QR. اختمه من جديد؛ وإن "
        "كانت الفاتورة قد صدرت أو أُرسلت فصحّحها بإشعار دائن أو مدين بدلا من ذلك",
    },
}


def repair_file(file: Path, out: Path | None, language: Language, output_format: OutputFormat) -> int:
    """Say what is odd in an invoice, write the repaired one to `out` if it is, and return the exit code.

    Raises FileUnreadable, UnreadableXml, NotAnInvoice, UnreadableAmount, WouldOverwrite and FileUnwritable.
    """
    if out is not None:
        refuse_overwriting([(file, out)])
    tree = parse(read_file(file))
    found = repair(tree)
    stamped = _stamped(tree)
    written = out if found.odd and not found.beyond else None
    if written is not None:
        write_file(written, _unstamped(tree))
    if output_format == "json":
        emit(_record(file, found, written, void=stamped and bool(found.odd)))
    else:
        for line in _lines(file, found, written, language, stamped=stamped):
            say(line)
    return 1 if found.beyond or (found.odd and written is None) else 0


def _stamped(tree: "etree._ElementTree") -> bool:
    stamp = read_embedded(tree.getroot())
    return bool(stamp.signatures or stamp.qr_references or stamp.signature_references)


def _unstamped(tree: "etree._ElementTree") -> bytes:
    from lxml import etree

    remove_stamp(tree)
    text: bytes = etree.tostring(tree, encoding="UTF-8", xml_declaration=False)
    return DECLARATION + text


def _record(file: Path, found: Repair, written: Path | None, *, void: bool) -> dict[str, object]:
    return {
        "file": str(file),
        "ok": not found.beyond and (written is not None or not found.odd),
        "odd": _amounts(found.odd),
        "beyond": _amounts(found.beyond),
        "out": None if written is None else str(written),
        "stamp_void": void,
    }


def _amounts(amounts: Sequence[OddAmount]) -> list[dict[str, object]]:
    return [
        {
            "term": each.term,
            "line": each.line,
            "group": each.group,
            "location": each.location,
            "found": each.found,
            "right": each.right,
            "formula": each.formula,
            "message": {"en": each.sentence("en"), "ar": each.sentence("ar")},
        }
        for each in amounts
    ]


def _lines(file: Path, found: Repair, written: Path | None, language: Language, *, stamped: bool) -> Iterator[str]:
    def told(key: str, **facts: object) -> str:
        return _TEXTS[key][language].format(**facts)

    if not found.odd and not found.beyond:
        yield told("right", file=file)
        return
    if found.beyond:
        yield told("beyond", file=file, count=len(found.beyond))
        yield from (f"  {each.sentence(language)}" for each in found.beyond)
    if found.odd:
        yield told("odd", file=file, count=len(found.odd))
        yield from (f"  {each.sentence(language)}" for each in found.odd)
    if found.beyond:
        return
    yield told("written", out=written) if written is not None else told("unwritten")
    if stamped:
        yield told("void")
