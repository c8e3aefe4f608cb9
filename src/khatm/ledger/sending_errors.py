"""What can go wrong around sending and its follow-ups, one class per cause."""

from dataclasses import dataclass
from typing import ClassVar

from khatm.ledger.errors import LedgerError


@dataclass(eq=False)
class ClaimLost(LedgerError):
    """An outcome came from a process whose claim on the unit had passed to another one."""

    unit: str

    code: ClassVar[str] = "claim-lost"
    exit_code: ClassVar[int] = 3
    en: ClassVar[str] = (
        "Sending for unit {unit!r} passed to another process before this outcome was stored. "
        "That process sends the same bytes again and stores the outcome."
    )
    ar: ClassVar[str] = (
        "انتقل الإرسال عن الوحدة {unit!r} إلى عملية أخرى قبل حفظ هذه النتيجة. "
        "ستعيد تلك العملية إرسال البايتات نفسها وتحفظ النتيجة."
    )


@dataclass(eq=False)
class NotSetAside(LedgerError):
    """A document was to be put back into the queue that nobody had taken out of it."""

    uuid: str
    state: str

    code: ClassVar[str] = "not-set-aside"
    en: ClassVar[str] = (
        "Document {uuid} is in state {state}; only a document that was set aside can be put back. Nothing was changed."
    )
    ar: ClassVar[str] = "المستند {uuid} حالته {state}؛ لا يُعاد إلى الطابور إلا مستند نُحّي جانبًا. لم يتغير شيء."


@dataclass(eq=False)
class FollowedUndecided(LedgerError):
    """A document was to follow one that the authority has not decided about."""

    uuid: str
    state: str

    code: ClassVar[str] = "followed-undecided"
    exit_code: ClassVar[int] = 1
    en: ClassVar[str] = (
        "Document {uuid} is in state {state}: it may be accepted yet, and a follow-up now could make two of one sale. "
        "Run `khatm submit` first. Nothing was issued."
    )
    ar: ClassVar[str] = (
        "المستند {uuid} حالته {state}: قد يُقبل بعد، وإصدار مستند لاحق الآن قد يكرر البيع نفسه. "
        "نفّذ `khatm submit` أولًا. لم يصدر شيء."
    )


@dataclass(eq=False)
class AlreadyFollowed(LedgerError):
    """A refused document has a follow-up already that is not refused itself."""

    uuid: str
    by: str
    state: str

    code: ClassVar[str] = "already-followed"
    exit_code: ClassVar[int] = 1
    en: ClassVar[str] = (
        "Document {uuid} has a follow-up already: {by}, in state {state}. A second one would make two of one sale. "
        "Nothing was issued."
    )
    ar: ClassVar[str] = "للمستند {uuid} مستند لاحق بالفعل: {by} وحالته {state}. مستند ثانٍ يكرر البيع نفسه. لم يصدر شيء."


@dataclass(eq=False)
class NothingToDismiss(LedgerError):
    """A document was to be taken off the list of those that need a follow-up, on which it is not."""

    uuid: str
    state: str

    code: ClassVar[str] = "nothing-to-dismiss"
    en: ClassVar[str] = (
        "Document {uuid} is in state {state} and needs no dismissal: only a rejected or set-aside document without a "
        "follow-up does. Nothing was changed."
    )
    ar: ClassVar[str] = (
        "المستند {uuid} حالته {state} ولا يحتاج إلى صرف النظر عنه: ذلك للمستند المرفوض أو المنحّى بلا مستند لاحق. "
        "لم يتغير شيء."
    )
