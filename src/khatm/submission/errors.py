"""Why an answer that sounds like a yes is not taken for one."""

from dataclasses import dataclass
from typing import ClassVar

from khatm.errors import KhatmError


@dataclass(eq=False)
class ForeignClearedCopy(KhatmError):
    """The cleared copy that came for a document is another document, or none that can be read (`found` None)."""

    uuid: str
    found: str | None
    allowed: str
    code: ClassVar[str] = "foreign-cleared-copy"
    exit_code: ClassVar[int] = 1
    en: ClassVar[str] = (
        "The cleared copy of document {uuid} has the invoice hash {hash} instead of {allowed}, so it is not this "
        "document's. It is set aside with the answer as evidence: check the gateway address, then ask the authority."
    )
    ar: ClassVar[str] = (
        "بصمة النسخة المعتمدة للمستند {uuid} هي {hash} بدلًا من {allowed}، فهي ليست لهذا المستند. نُحّي المستند وحُفظ "
        "الرد دليلًا: تحقّق من عنوان البوابة ثم اسأل الهيئة."
    )

    def facts(self) -> dict[str, object]:
        """Return the fields, and the hash as a sentence shows it."""
        return {**super().facts(), "hash": self.found or "—"}


@dataclass(eq=False)
class DamagedDocument(KhatmError):
    """What is stored of a document is not what was issued."""

    uuid: str
    field: str
    found: str
    allowed: str
    code: ClassVar[str] = "damaged-document"
    exit_code: ClassVar[int] = 1
    en: ClassVar[str] = (
        "Document {uuid} is damaged in the ledger: its {field} is {found} instead of {allowed}. It was not sent and "
        "is set aside: put back a copy of the ledger from before the damage, and look for the cause of the damage."
    )
    ar: ClassVar[str] = (
        "المستند {uuid} تالف في السجل: قيمة {field} هي {found} بدلًا من {allowed}. لم يُرسل ونُحّي جانبًا: أعد نسخة من "
        "السجل سابقة للتلف وابحث عن سببه."
    )


@dataclass(eq=False)
class EscalationFailed(KhatmError):
    """The command that is told of late documents did not take it."""

    command: str
    reason: str
    code: ClassVar[str] = "escalation-failed"
    exit_code: ClassVar[int] = 3
    en: ClassVar[str] = (
        "The escalation command {command} failed ({reason}). The escalation is recorded and told again later; sending "
        "goes on. Run the command by hand with a JSON object on its standard input to see what is wrong."
    )
    ar: ClassVar[str] = (
        "فشل أمر التصعيد {command} ({reason}). التصعيد مسجّل وسيُبلَّغ به لاحقًا، والإرسال مستمر. "
        "نفّذ الأمر يدويًا بكائن JSON على مدخله القياسي لترى الخلل."
    )


@dataclass(eq=False)
class UnusableEscalationCommand(KhatmError):
    """KHATM_ESCALATION_COMMAND cannot be split into words."""

    found: str
    reason: str
    code: ClassVar[str] = "unusable-escalation-command"
    en: ClassVar[str] = (
        "KHATM_ESCALATION_COMMAND is {found!r}, which is no command ({reason}). Allowed: a program and its arguments, "
        "quoted as in a shell."
    )
    ar: ClassVar[str] = (
        "قيمة KHATM_ESCALATION_COMMAND هي {found!r} وليست أمرًا ({reason}). المسموح: برنامج ومعاملاته، "
        "بعلامات اقتباس كما في سطر الأوامر."
    )


@dataclass(eq=False)
class AcceptedNeedsNote(KhatmError):
    """An accepted document was to be replaced."""

    uuid: str
    code: ClassVar[str] = "accepted-needs-note"
    exit_code: ClassVar[int] = 1
    en: ClassVar[str] = (
        "Document {uuid} is accepted and stays as it is; what changes it is a note that names it. Draft one with "
        "`--as credit-note` (less to pay, or nothing) or `--as debit-note` (more to pay)."
    )
    ar: ClassVar[str] = (
        "المستند {uuid} مقبول ويبقى كما هو، ولا يغيّره إلا إشعار يذكره. أعدّه بالخيار `--as credit-note` (لتخفيض المبلغ "
        "أو إلغائه) أو `--as debit-note` (لزيادته)."
    )


@dataclass(eq=False)
class RefusedNeedsNoNote(KhatmError):
    """A note was to be written on an invoice that the authority has not accepted."""

    uuid: str
    state: str
    code: ClassVar[str] = "refused-needs-no-note"
    exit_code: ClassVar[int] = 1
    en: ClassVar[str] = (
        "Document {uuid} is in state {state}: for the authority it does not exist, so no note can change it. Leave "
        "`--as` out to draft a new invoice in its place."
    )
    ar: ClassVar[str] = (
        "المستند {uuid} حالته {state}: لا وجود له لدى الهيئة فلا يغيّره إشعار. احذف `--as` لإعداد فاتورة جديدة بدلًا منه."
    )


@dataclass(eq=False)
class InputNotKept(KhatmError):
    """What a document was written from is not in the ledger."""

    uuid: str
    code: ClassVar[str] = "input-not-kept"
    en: ClassVar[str] = (
        "What document {uuid} was written from is not in the ledger: it was issued before that was kept, or by another "
        'program. Write the new document by hand and put "follows": "{uuid}" into it.'
    )
    ar: ClassVar[str] = (
        "لا يحفظ السجل ما كُتب منه المستند {uuid}: صدر قبل أن يُحفظ ذلك أو من برنامج آخر. اكتب المستند الجديد بنفسك وأضف "
        'إليه "follows": "{uuid}".'
    )
