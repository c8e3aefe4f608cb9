"""What can go wrong in starting or steering the simulator. What it refuses on the wire is not an error but an answer."""

from dataclasses import dataclass
from typing import ClassVar

from khatm.errors import KhatmError


@dataclass(eq=False)
class MalformedSetting(KhatmError):
    """A `--set` that is not `ENVIRONMENT.SWITCH=VALUE`."""

    found: str
    code: ClassVar[str] = "malformed-setting"
    en: ClassVar[str] = (
        "--set {found!r} cannot be read. Write ENVIRONMENT.SWITCH=VALUE, for example sandbox.pcsid=canned."
    )
    ar: ClassVar[str] = (
        "تعذّرت قراءة ‎--set {found!r}‎. اكتب البيئة ثم نقطة ثم المفتاح ثم = ثم القيمة، مثل ‎sandbox.pcsid=canned‎."
    )


@dataclass(eq=False)
class UnknownSwitchEnvironment(KhatmError):
    """A `--set` for an environment that does not exist."""

    setting: str
    found: str
    allowed: str
    code: ClassVar[str] = "unknown-switch-environment"
    en: ClassVar[str] = "--set {setting}: there is no environment {found!r}. Choose one of: {allowed}."
    ar: ClassVar[str] = "‎--set {setting}‎: لا توجد بيئة باسم {found!r}. اختر واحدة من: {allowed}."


@dataclass(eq=False)
class UnknownSwitch(KhatmError):
    """A `--set` of a switch that does not exist."""

    setting: str
    found: str
    allowed: str
    code: ClassVar[str] = "unknown-switch"
    en: ClassVar[str] = "--set {setting}: there is no switch {found!r}. The switches are: {allowed}."
    ar: ClassVar[str] = "‎--set {setting}‎: لا يوجد مفتاح باسم {found!r}. المفاتيح المتاحة: {allowed}."


@dataclass(eq=False)
class UnknownSwitchValue(KhatmError):
    """A `--set` with a value that its switch does not have."""

    setting: str
    switch: str
    found: str
    allowed: str
    code: ClassVar[str] = "unknown-switch-value"
    en: ClassVar[str] = "--set {setting}: {switch} cannot be {found!r}. Allowed: {allowed}."
    ar: ClassVar[str] = "‎--set {setting}‎: لا يقبل المفتاح {switch} القيمة {found!r}. القيم المسموحة: {allowed}."


@dataclass(eq=False)
class UnclearableDocument(KhatmError):
    """A document that lacks what the clearance stamp is put into; an examination refuses such documents before."""

    missing: str
    code: ClassVar[str] = "unclearable-document"
    exit_code: ClassVar[int] = 1
    en: ClassVar[str] = (
        "The document cannot be cleared: {missing} is missing. Check the document against the UBL schema first."
    )
    ar: ClassVar[str] = "لا يمكن اعتماد المستند: ينقصه {missing}. تحقق أولا من مطابقة المستند لمخطط UBL."
