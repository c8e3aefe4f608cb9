"""What keeps workers from sharing the work."""

from dataclasses import dataclass
from typing import ClassVar

from khatm.errors import KhatmError


@dataclass(eq=False)
class QueueUnreachable(KhatmError):
    """The tables that tell workers of units cannot be reached or made; nothing in the ledger depends on them."""

    place: str
    reason: str
    code: ClassVar[str] = "queue-unreachable"
    exit_code: ClassVar[int] = 3
    en: ClassVar[str] = (
        "The queue of units in {place} cannot be used ({reason}). Nothing is lost: the ledger knows what to send. "
        "Check that the database answers and that this user may create a schema in it."
    )
    ar: ClassVar[str] = (
        "تعذّر استعمال طابور الوحدات في {place} ({reason}). لم يُفقد شيء: السجل يعرف ما يجب إرساله. "
        "تحقّق من أن قاعدة البيانات تستجيب وأن لهذا المستخدم حق إنشاء مخطط فيها."
    )


@dataclass(eq=False)
class NotDistributable(KhatmError):
    """Distributed dispatch was asked for where it cannot be had."""

    found: str
    code: ClassVar[str] = "not-distributable"
    en: ClassVar[str] = (
        "`--dispatch distributed` needs a ledger in PostgreSQL (KHATM_DATABASE_URL) and the extra `khatm[postgresql]`; "
        "{found}. Workers on one ledger keep apart without it too: leave the option out."
    )
    ar: ClassVar[str] = (
        "يتطلب `--dispatch distributed` سجلًا في PostgreSQL (KHATM_DATABASE_URL) والملحق `khatm[postgresql]`؛ {found}. "
        "العاملون على سجل واحد لا يتصادمون من دونه أيضًا: احذف الخيار."
    )
