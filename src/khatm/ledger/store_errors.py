"""Why the database of a ledger cannot be used, or not now."""

from dataclasses import dataclass
from typing import ClassVar

from khatm.ledger.errors import LedgerError


@dataclass(eq=False)
class LedgerBusy(LedgerError):
    """Other processes kept the ledger for longer than the bounded wait."""

    place: str
    waited: float

    code: ClassVar[str] = "ledger-busy"
    exit_code: ClassVar[int] = 3
    en: ClassVar[str] = (
        "The ledger {place} is in use by other processes and did not come free within {waited:.0f} s. "
        "Nothing was changed; try again."
    )
    ar: ClassVar[str] = (
        "السجل {place} مشغول بعمليات أخرى ولم يتحرر خلال {waited:.0f} ثانية. لم يتغير شيء؛ أعد المحاولة."
    )


@dataclass(eq=False)
class LedgerUnwritable(LedgerError):
    """The ledger cannot be written; the causes have their own subclasses."""

    place: str
    reason: str

    code: ClassVar[str] = "ledger-unwritable"
    exit_code: ClassVar[int] = 3
    en: ClassVar[str] = (
        "The ledger {place} cannot be written ({reason}). Nothing was changed and nothing stored was lost. "
        "Check that the disk has room and works and that no file-size limit is in the way, then try again."
    )
    ar: ClassVar[str] = (
        "تعذرت الكتابة في السجل {place} ({reason}). لم يتغير شيء ولم يُفقد شيء مما حُفظ. "
        "تحقق من أن في القرص مساحة وأنه سليم وألا حد لحجم الملف يعيق الكتابة، ثم أعد المحاولة."
    )


@dataclass(eq=False)
class LedgerDiskFull(LedgerUnwritable):
    """The disk, a quota or a file-size limit leaves no room for the write."""

    code: ClassVar[str] = "ledger-disk-full"
    en: ClassVar[str] = (
        "The ledger {place} has no room to grow ({reason}). Nothing was changed and nothing stored was lost. "
        "Free space on that disk or raise the file-size limit, then try again."
    )
    ar: ClassVar[str] = (
        "لا مساحة كافية ليكبر السجل {place} ({reason}). لم يتغير شيء ولم يُفقد شيء مما حُفظ. "
        "أخلِ مساحة على القرص أو ارفع حد حجم الملف ثم أعد المحاولة."
    )


@dataclass(eq=False)
class LedgerReadOnly(LedgerUnwritable):
    """The database address, the file system or the file's permissions allow reading only."""

    code: ClassVar[str] = "ledger-read-only"
    en: ClassVar[str] = (
        "The ledger {place} is read-only ({reason}). Nothing was changed. "
        "Take `mode=ro` out of KHATM_DATABASE_URL, make the file and its folder writable for this user, or name a "
        "database server and user that may write."
    )
    ar: ClassVar[str] = (
        "السجل {place} للقراءة فقط ({reason}). لم يتغير شيء. "
        "احذف `mode=ro` من KHATM_DATABASE_URL، أو اجعل الملف ومجلده قابلين للكتابة لهذا المستخدم، أو حدّد خادم قاعدة "
        "بيانات ومستخدمًا يُسمح له بالكتابة."
    )


@dataclass(eq=False)
class LedgerNoAccess(LedgerUnwritable):
    """The file or its folder cannot be opened or made."""

    code: ClassVar[str] = "ledger-no-access"
    en: ClassVar[str] = (
        "The ledger {place} cannot be opened ({reason}). Nothing was changed. "
        "Check that KHATM_HOME or KHATM_DATABASE_URL names a place that this user may read and write."
    )
    ar: ClassVar[str] = (
        "تعذر فتح السجل {place} ({reason}). لم يتغير شيء. "
        "تحقق من أن KHATM_HOME أو KHATM_DATABASE_URL يشير إلى مكان يستطيع هذا المستخدم قراءته والكتابة فيه."
    )


@dataclass(eq=False)
class LedgerUnreachable(LedgerError):
    """No connection to the database server comes about, or it broke before anything was to be kept."""

    place: str
    reason: str

    code: ClassVar[str] = "ledger-unreachable"
    exit_code: ClassVar[int] = 3
    en: ClassVar[str] = (
        "The ledger {place} cannot be reached: {reason}. Nothing was changed. Check that the server runs and that "
        "KHATM_DATABASE_URL names its address, a database that exists, and a user with the right password."
    )
    ar: ClassVar[str] = (
        "تعذر الوصول إلى السجل {place}: {reason}. لم يتغير شيء. تحقق من أن الخادم يعمل وأن KHATM_DATABASE_URL يحدد "
        "عنوانه وقاعدة بيانات موجودة ومستخدمًا بكلمة مروره الصحيحة."
    )


@dataclass(eq=False)
class LedgerOutcomeUnknown(LedgerError):
    """The connection or the disk failed while a change was being made durable: it may have been kept or not."""

    place: str
    reason: str

    code: ClassVar[str] = "ledger-outcome-unknown"
    exit_code: ClassVar[int] = 3
    en: ClassVar[str] = (
        "The ledger {place} failed at the moment of the commit ({reason}): the change is kept whole or not at all, and "
        "which of the two cannot be said from here. Look at the ledger before repeating it; an issue with --reference "
        "may simply be repeated."
    )
    ar: ClassVar[str] = (
        "تعطل السجل {place} لحظة تثبيت التغيير ({reason}): إما أنه حُفظ كاملًا أو لم يُحفظ منه شيء، ولا يمكن "
        "معرفة أيهما من هنا. راجع السجل قبل التكرار؛ أما الإصدار بالخيار --reference فيمكن تكراره ببساطة."
    )


@dataclass(eq=False)
class LedgerNotDurable(LedgerError):
    """The database server is set so that a power cut can lose or damage what it has confirmed."""

    place: str
    setting: str

    code: ClassVar[str] = "ledger-not-durable"
    en: ClassVar[str] = (
        "The database server of the ledger {place} runs with {setting} = off, so a power cut can lose documents that "
        "were issued. Nothing was changed. Set {setting} = on in postgresql.conf and restart the server."
    )
    ar: ClassVar[str] = (
        "يعمل خادم قاعدة بيانات السجل {place} بالإعداد {setting} = off، فقد يضيع عند انقطاع الكهرباء ما صدر من "
        "مستندات. لم يتغير شيء. اضبط {setting} = on في postgresql.conf ثم أعد تشغيل الخادم."
    )


@dataclass(eq=False)
class LedgerWrongEncoding(LedgerError):
    """The database does not keep text as UTF-8, so it cannot keep Arabic faithfully."""

    place: str
    found: str

    code: ClassVar[str] = "ledger-wrong-encoding"
    en: ClassVar[str] = (
        "The database {place} has the encoding {found}; the ledger needs UTF8. Nothing was changed. "
        "Make one with: CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0."
    )
    ar: ClassVar[str] = (
        "ترميز قاعدة البيانات {place} هو {found} والسجل يحتاج إلى UTF8. لم يتغير شيء. "
        "أنشئ قاعدة بالأمر: CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0."
    )


@dataclass(eq=False)
class DatabaseDriverMissing(LedgerError):
    """KHATM_DATABASE_URL names PostgreSQL, and its driver is not installed or does not load."""

    reason: str

    code: ClassVar[str] = "database-driver-missing"
    en: ClassVar[str] = (
        "PostgreSQL needs the driver psycopg, which does not load ({reason}). "
        "Install it with: pip install 'khatm[postgresql]'."
    )
    ar: ClassVar[str] = (
        "تحتاج PostgreSQL إلى برنامج التشغيل psycopg وقد تعذر تحميله ({reason}). "
        "ثبّته بالأمر: pip install 'khatm[postgresql]'."
    )


@dataclass(eq=False)
class HeldElsewhere(LedgerError):
    """Another process, or another thread of this one, holds a name of the ledger."""

    name: str
    pid: int | None
    """Its process number; None where it is not known."""

    code: ClassVar[str] = "held-elsewhere"
    exit_code: ClassVar[int] = 3
    en: ClassVar[str] = "Another process holds {name!r}. Nothing was changed; try again when it has ended."
    ar: ClassVar[str] = "تحجز عملية أخرى {name!r}. لم يتغير شيء؛ أعد المحاولة بعد انتهائها."


@dataclass(eq=False)
class LedgerDamaged(LedgerError):
    """The file is not a database, or the database engine reports damage inside it."""

    place: str
    reason: str

    code: ClassVar[str] = "ledger-damaged"
    en: ClassVar[str] = (
        "The ledger {place} cannot be read: {reason}. Nothing was changed. "
        "Put back a copy of the file, or check that KHATM_HOME and KHATM_DATABASE_URL name the right place."
    )
    ar: ClassVar[str] = (
        "تعذرت قراءة السجل {place}: {reason}. لم يتغير شيء. "
        "أعد نسخة سليمة من الملف أو تحقق من أن KHATM_HOME و KHATM_DATABASE_URL يشيران إلى المكان الصحيح."
    )


@dataclass(eq=False)
class LedgerTooNew(LedgerError):
    """The ledger was written by a newer program."""

    place: str
    found: int
    known: int

    code: ClassVar[str] = "ledger-too-new"
    en: ClassVar[str] = (
        "The ledger {place} has schema {found}; this program knows schemas up to {known}. "
        "Nothing was changed. Install the newer Khatm that wrote it."
    )
    ar: ClassVar[str] = (
        "مخطط السجل {place} رقمه {found} وهذا البرنامج يعرف المخططات حتى {known} فقط. "
        "لم يتغير شيء. ثبّت إصدار ختم الأحدث الذي كتب السجل."
    )


@dataclass(eq=False)
class LedgerNeedsUpgrade(LedgerError):
    """A PostgreSQL ledger has an older schema, and its operator has not said that a copy of it was made."""

    place: str
    found: int
    known: int

    code: ClassVar[str] = "ledger-needs-upgrade"
    en: ClassVar[str] = (
        "The ledger {place} has schema {found}; this program needs schema {known}. A database on a server is not "
        "copied and changed on its own: other machines may still run the older program. Stop them, make a copy "
        "(pg_dump), then run `khatm ledger upgrade`. Nothing was changed."
    )
    ar: ClassVar[str] = (
        "مخطط السجل {place} رقمه {found} وهذا البرنامج يحتاج إلى المخطط {known}. لا تُنسخ قاعدة بيانات على خادم ولا "
        "تُغيَّر تلقائيًا: فقد تعمل أجهزة أخرى بالبرنامج الأقدم. أوقفها واصنع نسخة (pg_dump) ثم نفّذ "
        "`khatm ledger upgrade`. لم يتغير شيء."
    )


@dataclass(eq=False)
class UnknownDatabaseUrl(LedgerError):
    """KHATM_DATABASE_URL names a kind of database that the ledger does not know."""

    found: str
    allowed: str = "sqlite:///PATH, sqlite:///PATH?mode=ro or postgresql://USER:PASSWORD@HOST/DATABASE"

    code: ClassVar[str] = "unknown-database-url"
    en: ClassVar[str] = "KHATM_DATABASE_URL is of the kind {found!r}; allowed: {allowed}."
    ar: ClassVar[str] = "نوع KHATM_DATABASE_URL هو {found!r}؛ المسموح: {allowed}."
