"""What can go wrong when a chain is imported, exported or checked, one class per cause."""

from dataclasses import dataclass
from typing import ClassVar

from khatm.errors import KhatmError


@dataclass(eq=False)
class EvidenceIncomplete(KhatmError):
    """A document that is to be the last of a chain lacks what says where it stands."""

    field: str
    code: ClassVar[str] = "evidence-incomplete"
    en: ClassVar[str] = (
        "The last document has no {field}, so it does not say where the chain stands. Give the stamped XML of the "
        "last document that the unit issued. Nothing was imported."
    )
    ar: ClassVar[str] = (
        "لا يحتوي المستند الأخير على {field} فلا يبيّن أين تقف السلسلة. أعطِ ملف XML المختوم لآخر مستند أصدرته الوحدة. "
        "لم يُستورد شيء."
    )


@dataclass(eq=False)
class CounterUnusable(KhatmError):
    """A counter that a chain cannot go on from."""

    found: str
    code: ClassVar[str] = "counter-unusable"
    en: ClassVar[str] = (
        "The counter (ICV) is {found!r}; a whole number from 1 to 999999999999999999 without leading zeros is "
        "allowed. Nothing was imported."
    )
    ar: ClassVar[str] = (
        "العدّاد (ICV) هو {found!r}؛ المسموح عدد صحيح من 1 إلى 999999999999999999 بلا أصفار بادئة. لم يُستورد شيء."
    )


@dataclass(eq=False)
class HashUnusable(KhatmError):
    """A stated hash that is none."""

    found: str
    code: ClassVar[str] = "hash-unusable"
    en: ClassVar[str] = (
        "The last hash is {found!r}. Allowed: base64 of the 32 bytes of the invoice hash (44 characters, as in "
        "DigestValue), or of its 64 hexadecimal digits (88 characters). Nothing was imported."
    )
    ar: ClassVar[str] = (
        "البصمة الأخيرة هي {found!r}. المسموح base64 لبايتات البصمة وعددها 32 (44 محرفًا كما في DigestValue) أو "
        "لأرقامها الست عشرية وعددها 64 (88 محرفًا). لم يُستورد شيء."
    )


@dataclass(eq=False)
class ForeignTaxpayer(KhatmError):
    """The last document was issued by another taxpayer than the unit's."""

    unit: str
    found: str
    allowed: str
    code: ClassVar[str] = "foreign-taxpayer"
    en: ClassVar[str] = (
        "The last document was issued by {found}, but unit {unit!r} belongs to {allowed}. Give a document of this "
        "unit. Nothing was imported."
    )
    ar: ClassVar[str] = (
        "أصدر المستند الأخير المكلّف {found} بينما الوحدة {unit!r} تعود إلى {allowed}. أعطِ مستندًا لهذه الوحدة. لم "
        "يُستورد شيء."
    )


@dataclass(eq=False)
class NotLater(KhatmError):
    """The imported place is not beyond the documents that the ledger has."""

    unit: str
    found: int
    last: int
    code: ClassVar[str] = "import-not-later"
    en: ClassVar[str] = (
        "Unit {unit!r} has documents up to ICV {last} already, and ICV {found} is not later. There is nothing to "
        "import; the chain goes on at the next issue."
    )
    ar: ClassVar[str] = (
        "لدى الوحدة {unit!r} مستندات حتى العدّاد {last} والعدّاد {found} ليس بعده. لا شيء يُستورد؛ تستمر السلسلة عند "
        "الإصدار التالي."
    )


@dataclass(eq=False)
class ForkedChain(KhatmError):
    """The last document contradicts the documents that the ledger has."""

    unit: str
    icv: int
    field: str
    found: str
    allowed: str
    code: ClassVar[str] = "forked-chain"
    exit_code: ClassVar[int] = 1
    en: ClassVar[str] = (
        "The last document contradicts the ledger of unit {unit!r}: at ICV {icv} its {field} is {found}, where the "
        "ledger has {allowed}. Two programs have issued for one unit, or this is another unit's document. Stop both, "
        "keep both archives, and find out which documents ZATCA has. Nothing was imported."
    )
    ar: ClassVar[str] = (
        "المستند الأخير يناقض سجل الوحدة {unit!r}: عند العدّاد {icv} قيمة {field} فيه {found} بينما في السجل "
        "{allowed}. إما أن برنامجين أصدرا لوحدة واحدة أو أن المستند لوحدة أخرى. أوقفهما واحتفظ بالأرشيفين وابحث أي "
        "المستندات لدى الهيئة. لم يُستورد شيء."
    )


@dataclass(eq=False)
class EarlierThanRecorded(KhatmError):
    """The head record remembers a later document than the one that is imported."""

    unit: str
    found: int
    recorded_icv: int
    recorded_hash: str
    code: ClassVar[str] = "earlier-than-recorded"
    en: ClassVar[str] = (
        "ICV {found} is not the last document of unit {unit!r}: this installation remembers that it issued ICV "
        "{recorded_icv} with hash {recorded_hash}. Give that document, or its counter and hash. Nothing was imported."
    )
    ar: ClassVar[str] = (
        "العدّاد {found} ليس آخر مستند للوحدة {unit!r}: يتذكر هذا النظام أنه أصدر العدّاد {recorded_icv} وبصمته "
        "{recorded_hash}. أعطِ ذلك المستند أو عدّاده وبصمته. لم يُستورد شيء."
    )


@dataclass(eq=False)
class UnprovenGap(KhatmError):
    """A stated hash and counter on a unit that has documents, without consent to go on unproven."""

    unit: str
    last: int
    icv: int
    code: ClassVar[str] = "unproven-gap"
    en: ClassVar[str] = (
        "Unit {unit!r} has documents up to ICV {last}. Going on after ICV {icv} declares what lies between as lost, "
        "and a hash alone proves nothing: give the last document with --last-document. If it cannot be had, say so "
        "with --unproven. Nothing was imported."
    )
    ar: ClassVar[str] = (
        "لدى الوحدة {unit!r} مستندات حتى العدّاد {last}. الاستمرار بعد العدّاد {icv} يعلن ما بينهما مفقودًا، والبصمة "
        "وحدها لا تثبت شيئًا: أعطِ المستند الأخير بالخيار --last-document. فإن تعذّر الحصول عليه فصرّح بذلك بالخيار "
        "--unproven. لم يُستورد شيء."
    )


@dataclass(eq=False)
class EmptyRange(KhatmError):
    """There is no document to export."""

    unit: str
    first_day: str
    last_day: str
    code: ClassVar[str] = "empty-range"
    en: ClassVar[str] = (
        "Unit {unit!r} issued nothing from {first_day} to {last_day} (Saudi dates of issue). No pack was written; "
        "`khatm statement --unit {unit}` shows on which days it issued."
    )
    ar: ClassVar[str] = (
        "لم تصدر الوحدة {unit!r} شيئًا من {first_day} إلى {last_day} (تواريخ الإصدار بتوقيت السعودية). لم تُكتب حزمة؛ "
        "يبيّن الأمر `khatm statement --unit {unit}` أيام الإصدار."
    )


@dataclass(eq=False)
class RangeTooLarge(KhatmError):
    """More documents than a pack may hold."""

    unit: str
    documents: int
    most: int
    code: ClassVar[str] = "range-too-large"
    en: ClassVar[str] = (
        "Unit {unit!r} issued {documents} documents on these days, and a pack holds {most} at most. Export shorter "
        "ranges; each hangs in the same chain. No pack was written."
    )
    ar: ClassVar[str] = (
        "أصدرت الوحدة {unit!r} في هذه الأيام {documents} مستندًا والحزمة تتسع لـ {most} على الأكثر. صدّر فترات أقصر؛ "
        "كلها في السلسلة نفسها. لم تُكتب حزمة."
    )


@dataclass(eq=False)
class NotExportable(KhatmError):
    """A document in the range has lost its bytes."""

    unit: str
    icv: int
    code: ClassVar[str] = "not-exportable"
    exit_code: ClassVar[int] = 1
    en: ClassVar[str] = (
        "Document ICV {icv} of unit {unit!r} has no stamped bytes, so a pack with it would prove nothing. Run "
        "`khatm chain verify --unit {unit}` and restore it. No pack was written."
    )
    ar: ClassVar[str] = (
        "المستند ذو العدّاد {icv} في الوحدة {unit!r} بلا بايتات مختومة، فلا تثبت حزمة تحويه شيئًا. نفّذ "
        "`khatm chain verify --unit {unit}` واستعده. لم تُكتب حزمة."
    )


@dataclass(eq=False)
class PackUnreadable(KhatmError):
    """A file that is no auditor's pack, or one that is not safe to unpack; `place` names the member where it is "
    "one."""

    place: str
    reason: str
    code: ClassVar[str] = "pack-unreadable"
    en: ClassVar[str] = (
        "The pack cannot be checked: {place}: {reason}. Allowed is a zip file that `khatm export` wrote. "
        "Ask for a fresh copy of it."
    )
    ar: ClassVar[str] = (
        "لا يمكن فحص الحزمة: {place}: {reason}. المسموح ملف zip كتبه الأمر `khatm export`. اطلب نسخة جديدة منه."
    )
