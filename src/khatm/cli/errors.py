"""What is wrong with what a command was given."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from khatm.errors import KhatmError, Language

if TYPE_CHECKING:
    from khatm.document.errors import Problem


def error_record(error: KhatmError) -> dict[str, object]:
    """Return an error as a JSON record: its code, its facts, and the sentence in both languages."""
    facts = {name: value for name, value in error.facts().items() if not isinstance(value, bytes)}
    message = {"en": error.sentence("en"), "ar": error.sentence("ar")}
    return {"ok": False, "error": error.code, "facts": facts, "message": message}


@dataclass(eq=False)
class FileUnreadable(KhatmError):
    """A file named on the command line cannot be read."""

    path: str
    reason: str
    code: ClassVar[str] = "file-unreadable"
    en: ClassVar[str] = "{path} cannot be read: {reason}. Check the name and the permissions."
    ar: ClassVar[str] = "تعذّرت قراءة الملف {path}: {reason}. تحقّق من الاسم والصلاحيات."


@dataclass(eq=False)
class FolderWithoutXml(KhatmError):
    """A folder named on the command line holds nothing to look at."""

    path: str
    code: ClassVar[str] = "folder-without-xml"
    en: ClassVar[str] = "{path} is a folder without XML files (*.xml). Name the files, or another folder."
    ar: ClassVar[str] = "المجلد {path} لا يحوي ملفات XML (*.xml). سمِّ الملفات أو مجلدًا آخر."


@dataclass(eq=False)
class NotExaminable(KhatmError):
    """A file that is of none of the kinds that the doctor knows."""

    path: str
    code: ClassVar[str] = "not-examinable"
    en: ClassVar[str] = (
        "{path} is neither an XML document, nor a request body with one, nor a certificate, CSR or private key. Give "
        "one of these; keys and certificates may be PEM, base64 or DER."
    )
    ar: ClassVar[str] = (
        "{path} ليس مستند XML ولا طلبًا يحمل مستندًا ولا شهادة ولا طلب شهادة ولا مفتاحًا خاصًا. قدّم أحدها، ويمكن أن "
        "تكون المفاتيح والشهادات بصيغة PEM أو base64 أو DER."
    )


@dataclass(eq=False)
class FileUnwritable(KhatmError):
    """A file named on the command line cannot be written."""

    path: str
    reason: str
    code: ClassVar[str] = "file-unwritable"
    en: ClassVar[str] = "{path} cannot be written: {reason}. Nothing else was changed; choose another place."
    ar: ClassVar[str] = "تعذّرت كتابة الملف {path}: {reason}. لم يتغيّر شيء آخر؛ اختر موضعًا آخر."


@dataclass(eq=False)
class WouldOverwrite(KhatmError):
    """A file to write is one of the files to read, or is written twice."""

    path: str
    source: str
    code: ClassVar[str] = "would-overwrite"
    en: ClassVar[str] = "{path} would be written over (from {source}); choose another place. Nothing was written."
    ar: ClassVar[str] = "سيُكتب فوق الملف {path} (من {source})؛ اختر موضعًا آخر. لم يُكتب شيء."


@dataclass(eq=False)
class WorkStopped(KhatmError):
    """A process that worked on files was ended from outside."""

    jobs: int
    code: ClassVar[str] = "work-stopped"
    exit_code: ClassVar[int] = 3
    en: ClassVar[str] = (
        "One of the {jobs} processes was ended from outside. The files told of are done; run the command again for the "
        "others, with fewer processes if memory is short."
    )
    ar: ClassVar[str] = (
        "أُنهيت من الخارج إحدى العمليات وعددها {jobs}. الملفات المذكورة تمّت؛ أعد تنفيذ الأمر للبقية، وبعدد أقل من "
        "العمليات إن ضاقت الذاكرة."
    )


@dataclass(eq=False)
class OutputUnwritable(KhatmError):
    """Standard output does not take what the command has to say."""

    reason: str
    code: ClassVar[str] = "output-unwritable"
    exit_code: ClassVar[int] = 3
    en: ClassVar[str] = (
        "Standard output cannot be written: {reason}. The command stopped there; what it had done by then is kept. "
        "Look at the state with `khatm unit show NAME` before running it again."
    )
    ar: ClassVar[str] = (
        "تعذّرت الكتابة في المخرج القياسي: {reason}. توقّف الأمر عند ذلك، وما أنجزه قبله محفوظ. "
        "راجع الحالة بالأمر `khatm unit show NAME` قبل إعادته."
    )


@dataclass(eq=False)
class IssuedNotWritten(KhatmError):
    """A document was issued, and then its XML could not be written to the file that was asked for."""

    path: str
    reason: str
    unit: str
    icv: int
    uuid: str
    code: ClassVar[str] = "issued-not-written"
    exit_code: ClassVar[int] = 3
    en: ClassVar[str] = (
        "The document is issued (unit {unit}, ICV {icv}, UUID {uuid}) and its bytes are in the ledger, but {path} "
        "cannot be written: {reason}. Issuing it again makes a second document, unless it was issued with "
        "--reference: then the same command writes the same one."
    )
    ar: ClassVar[str] = (
        "صدر المستند (الوحدة {unit}، العداد {icv}، المعرّف {uuid}) وبايتاته محفوظة في السجل، لكن تعذّرت كتابة {path}: "
        "{reason}. إعادة الإصدار تنشئ مستندًا ثانيًا، إلا إذا صدر بالخيار --reference فيكتب الأمر نفسه المستند نفسه."
    )


@dataclass(eq=False)
class UnusableSeller(KhatmError):
    """The seller file of a unit does not fit; carries every problem at once."""

    path: str
    problems: "tuple[Problem, ...]"
    code: ClassVar[str] = "unusable-seller"

    def sentence(self, language: Language = "en") -> str:
        """Return a heading and one line per problem."""
        heading = (
            f"لا يصلح الملف {self.path} بيانات بائع للوحدة:"
            if language == "ar"
            else f"{self.path} cannot be the unit's seller:"
        )
        return "\n".join([heading, *(f"  {problem.sentence(language)}" for problem in self.problems)])


@dataclass(eq=False)
class NotCleared(KhatmError):
    """A standard document that may not be handed over yet."""

    uuid: str
    state: str
    code: ClassVar[str] = "not-cleared"
    exit_code: ClassVar[int] = 1
    en: ClassVar[str] = (
        "Document {uuid} is a standard document in state {state} and there is no cleared copy of it: the customer "
        "gets a standard document only when it is cleared. Run `khatm submit`, or take our own bytes with --stamped."
    )
    ar: ClassVar[str] = (
        "المستند {uuid} مستند ضريبي حالته {state} ولا توجد له نسخة معتمدة: لا يُسلَّم المستند الضريبي إلى العميل إلا "
        "بعد اعتماده. نفّذ `khatm submit` أو خذ نسختنا بالخيار --stamped."
    )


@dataclass(eq=False)
class VerificationStopped(KhatmError):
    """A process that examined documents was ended from outside."""

    jobs: int
    code: ClassVar[str] = "verification-stopped"
    exit_code: ClassVar[int] = 3
    en: ClassVar[str] = (
        "One of the {jobs} processes that examined documents was ended from outside, so it is not known whether the "
        "chain holds. Nothing was changed; run it again, with a smaller --jobs if memory is short."
    )
    ar: ClassVar[str] = (
        "أُنهيت من الخارج إحدى العمليات التي تفحص المستندات وعددها {jobs}، فلا يُعرف هل السلسلة سليمة. لم يتغيّر شيء؛ "
        "أعد التنفيذ، وبعدد أصغر للخيار --jobs إن ضاقت الذاكرة."
    )


@dataclass(eq=False)
class SimulatorUnreachable(KhatmError):
    """No simulator answers where a command looked for one."""

    url: str
    reason: str
    code: ClassVar[str] = "simulator-unreachable"
    exit_code: ClassVar[int] = 3
    en: ClassVar[str] = (
        "No simulator answers at {url}: {reason}. Start `khatm simulator`, or name its address with --url."
    )
    ar: ClassVar[str] = (
        "لا يوجد محاكٍ يجيب على العنوان {url}: {reason}. شغّل `khatm simulator` أو حدّد عنوانه بالخيار --url."
    )


@dataclass(eq=False)
class RefusedBySimulator(KhatmError):
    """A running simulator refused what a command asked for; it says why itself."""

    status: int
    refusal: str
    reason: dict[str, str]
    code: ClassVar[str] = "refused-by-simulator"

    def sentence(self, language: Language = "en") -> str:
        """Return the simulator's own sentence."""
        return self.reason[language]
