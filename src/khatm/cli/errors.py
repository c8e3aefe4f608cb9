"""What is wrong with what a command was given."""

from dataclasses import dataclass
from typing import ClassVar

from khatm.errors import KhatmError


@dataclass(eq=False)
class FileUnreadable(KhatmError):
    """A file named on the command line cannot be read."""

    path: str
    reason: str
    code: ClassVar[str] = "file-unreadable"
    en: ClassVar[str] = "{path} cannot be read: {reason}. Check the name and the permissions."
    ar: ClassVar[str] = "تعذّرت قراءة الملف {path}: {reason}. تحقّق من الاسم والصلاحيات."


@dataclass(eq=False)
class FileUnwritable(KhatmError):
    """A file named on the command line cannot be written."""

    path: str
    reason: str
    code: ClassVar[str] = "file-unwritable"
    en: ClassVar[str] = "{path} cannot be written: {reason}. Nothing else was changed; choose another place."
    ar: ClassVar[str] = "تعذّرت كتابة الملف {path}: {reason}. لم يتغيّر شيء آخر؛ اختر موضعًا آخر."


@dataclass(eq=False)
class SellerUnreadable(KhatmError):
    """The seller file of a unit does not fit."""

    path: str
    reason: str
    code: ClassVar[str] = "seller-unreadable"
    en: ClassVar[str] = "{path} cannot be the unit's seller: {reason}."
    ar: ClassVar[str] = "لا يصلح الملف {path} بيانات بائع للوحدة: {reason}."
