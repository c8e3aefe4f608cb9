"""What can go wrong in the ledger, one class per cause."""

from dataclasses import dataclass
from typing import ClassVar

from khatm.errors import KhatmError


@dataclass(eq=False)
class LedgerError(KhatmError):
    """Any refusal of the ledger; whatever it refuses, the ledger is as it was before."""

    code: ClassVar[str] = "ledger-error"


@dataclass(eq=False)
class MasterKeyMissing(LedgerError):
    """The ledger holds sealed keys, but neither a passphrase nor the key file that seals them is there."""

    path: str

    code: ClassVar[str] = "master-key-missing"
    en: ClassVar[str] = (
        "The ledger holds sealed private keys, but {path} is missing and no passphrase is set. "
        "Put the key file back, or set KHATM_PASSPHRASE or KHATM_PASSPHRASE_FILE as when the ledger was made."
    )
    ar: ClassVar[str] = (
        "يحتوي السجل على مفاتيح خاصة مختومة، لكن الملف {path} غير موجود ولم تُضبط عبارة مرور. "
        "أعد ملف المفتاح أو اضبط KHATM_PASSPHRASE أو KHATM_PASSPHRASE_FILE كما كانت عند إنشاء السجل."
    )


@dataclass(eq=False)
class PassphraseFileUnreadable(LedgerError):
    """KHATM_PASSPHRASE_FILE names a file that cannot be read, or an empty one."""

    path: str
    reason: str

    code: ClassVar[str] = "passphrase-file-unreadable"
    en: ClassVar[str] = (
        "KHATM_PASSPHRASE_FILE names {path}, which gives no passphrase: {reason}. Its first line is the passphrase."
    )
    ar: ClassVar[str] = (
        "يشير KHATM_PASSPHRASE_FILE إلى {path} ولا عبارة مرور فيه: {reason}. السطر الأول من الملف هو عبارة المرور."
    )


@dataclass(eq=False)
class PassphraseNotText(LedgerError):
    """KHATM_PASSPHRASE holds bytes that are no UTF-8 text; they are never repeated."""

    code: ClassVar[str] = "passphrase-not-text"
    en: ClassVar[str] = (
        "KHATM_PASSPHRASE is not UTF-8 text. Set it as UTF-8, or name a file whose first line is the passphrase in "
        "KHATM_PASSPHRASE_FILE."
    )
    ar: ClassVar[str] = (
        "قيمة KHATM_PASSPHRASE ليست نصًا بترميز UTF-8. اضبطها بهذا الترميز، أو اجعل KHATM_PASSPHRASE_FILE يشير إلى ملف "
        "سطره الأول عبارة المرور."
    )


@dataclass(eq=False)
class UnitExists(LedgerError):
    """A unit of that name is in the ledger already."""

    name: str

    code: ClassVar[str] = "unit-exists"
    en: ClassVar[str] = "A unit named {name!r} exists already; choose another name."
    ar: ClassVar[str] = "توجد وحدة باسم {name!r} بالفعل؛ اختر اسمًا آخر."


@dataclass(eq=False)
class UnknownUnit(LedgerError):
    """No unit of that name is in the ledger."""

    name: str
    known: tuple[str, ...]

    code: ClassVar[str] = "unknown-unit"
    en: ClassVar[str] = "There is no unit named {name!r}; known units: {known_text}. Add one with `khatm unit add`."
    ar: ClassVar[str] = "لا توجد وحدة باسم {name!r}؛ الوحدات المعروفة: {known_text}. أضف وحدة بالأمر `khatm unit add`."

    @property
    def known_text(self) -> str:
        """The known names in one line."""
        return ", ".join(self.known) if self.known else "—"

    def facts(self) -> dict[str, object]:
        """Return the fields plus the known names as one text."""
        return {**super().facts(), "known_text": self.known_text}


@dataclass(eq=False)
class GenerationOpen(LedgerError):
    """A unit has a credential generation under way already; it must be finished or abandoned first."""

    unit: str
    label: str
    state: str

    code: ClassVar[str] = "generation-open"
    en: ClassVar[str] = (
        "Unit {unit!r} has credentials {label} under way (state {state}). "
        "Finish them with `khatm unit onboard {unit}`; a second set cannot be begun beside them."
    )
    ar: ClassVar[str] = (
        "للوحدة {unit!r} بيانات اعتماد {label} قيد الإعداد (الحالة {state}). "
        "أكملها بالأمر `khatm unit onboard {unit}`؛ لا يمكن بدء مجموعة ثانية بجانبها."
    )


@dataclass(eq=False)
class WrongGenerationState(LedgerError):
    """A generation is not in a state in which the thing asked for may happen; proven ones never change."""

    unit: str
    label: str
    action: str
    found: str
    allowed: str

    code: ClassVar[str] = "wrong-generation-state"
    en: ClassVar[str] = (
        "Credentials {label} of unit {unit!r} are in state {found}; {action} is allowed only in: {allowed}. "
        "Nothing was changed."
    )
    ar: ClassVar[str] = (
        "بيانات الاعتماد {label} للوحدة {unit!r} في الحالة {found}؛ الإجراء {action} مسموح فقط في: {allowed}. "
        "لم يتغير شيء."
    )


@dataclass(eq=False)
class CertificateNotOurs(LedgerError):
    """The certificate that came back holds another public key than the generation's private key."""

    unit: str
    label: str
    certificate_subject: str

    code: ClassVar[str] = "certificate-not-ours"
    exit_code: ClassVar[int] = 1
    en: ClassVar[str] = (
        "The production certificate received for credentials {label} of unit {unit!r} (subject {certificate_subject}) "
        "holds another public key than the unit's own. It was not stored. Only the sandbox's fixed certificate "
        "is like that; take it with the explicit opt-in for a foreign certificate."
    )
    ar: ClassVar[str] = (
        "شهادة الإنتاج المستلمة لبيانات الاعتماد {label} للوحدة {unit!r} (صاحبها {certificate_subject}) "
        "تحمل مفتاحًا عامًا غير مفتاح الوحدة. لم تُحفظ. شهادة بيئة المطورين الثابتة وحدها كذلك؛ "
        "اقبلها بالخيار الصريح للشهادة الأجنبية."
    )


@dataclass(eq=False)
class UnreadableToken(LedgerError):
    """A token that should hold a certificate does not."""

    unit: str
    label: str
    reason: str

    code: ClassVar[str] = "unreadable-token"
    exit_code: ClassVar[int] = 1
    en: ClassVar[str] = (
        "The token received for credentials {label} of unit {unit!r} holds no readable certificate ({reason}). "
        "It was not stored."
    )
    ar: ClassVar[str] = (
        "الرمز المستلم لبيانات الاعتماد {label} للوحدة {unit!r} لا يحمل شهادة مقروءة ({reason}). لم يُحفظ."
    )


@dataclass(eq=False)
class CredentialsAbsent(LedgerError):
    """Credentials were asked for that a generation does not have yet."""

    unit: str
    label: str
    kind: str

    code: ClassVar[str] = "credentials-absent"
    en: ClassVar[str] = "Credentials {label} of unit {unit!r} hold no {kind}; run `khatm unit onboard {unit}` first."
    ar: ClassVar[str] = "بيانات الاعتماد {label} للوحدة {unit!r} لا تحوي {kind}؛ نفّذ أولًا `khatm unit onboard {unit}`."


@dataclass(eq=False)
class NoLiveCredentials(LedgerError):
    """A document was to be issued by a unit that has no production certificate."""

    unit: str

    code: ClassVar[str] = "no-live-credentials"
    exit_code: ClassVar[int] = 1
    en: ClassVar[str] = (
        "Unit {unit!r} has no Production CSID, so nothing can be stamped. Run `khatm unit onboard {unit} --otp …`."
    )
    ar: ClassVar[str] = (
        "ليس للوحدة {unit!r} معرف ختم إنتاجي (PCSID) فلا يمكن ختم شيء. نفّذ `khatm unit onboard {unit} --otp …`."
    )


@dataclass(eq=False)
class ReferenceTaken(LedgerError):
    """The caller's reference belongs to a document with other content."""

    unit: str
    reference: str
    icv: int
    uuid: str

    code: ClassVar[str] = "reference-taken"
    en: ClassVar[str] = (
        "Reference {reference!r} of unit {unit!r} belongs to document ICV {icv} (UUID {uuid}), "
        "which has other content. Nothing was issued. Use a new reference for a new document."
    )
    ar: ClassVar[str] = (
        "المرجع {reference!r} في الوحدة {unit!r} يخص المستند ذا العداد {icv} (UUID {uuid}) ومحتواه مختلف. "
        "لم يصدر شيء. استخدم مرجعًا جديدًا للمستند الجديد."
    )


@dataclass(eq=False)
class ChainHeadReplaced(LedgerError):
    """The ledger does not go on from the last document that was issued from it: an older copy was put in its place."""

    place: str
    unit: str
    icv: int
    """The last counter that the ledger knows of."""
    recorded_icv: int
    recorded_hash: str

    code: ClassVar[str] = "chain-head-replaced"
    exit_code: ClassVar[int] = 3
    en: ClassVar[str] = (
        "The ledger {place} ends at ICV {icv} for unit {unit!r}, but ICV {recorded_icv} (hash {recorded_hash}) was "
        "issued from it: it was replaced by an older or another copy of itself. Issuing stops here, because the next "
        "document would take a place that is taken. Put the newer ledger back. If it is lost, go on after the last "
        "document: `khatm chain import --unit {unit} --last-document FILE.xml`, or, where its XML cannot be had, "
        "`khatm chain import --unit {unit} --last-counter {recorded_icv} --last-hash {recorded_hash}`. Only if the "
        "later documents never left this installation: `khatm chain accept-head --unit {unit}`."
    )
    ar: ClassVar[str] = (
        "ينتهي السجل {place} عند العداد {icv} للوحدة {unit!r}، بينما صدر منه المستند ذو العداد {recorded_icv} (البصمة "
        "{recorded_hash}): استُبدلت به نسخة أقدم أو نسخة أخرى منه. يتوقف الإصدار هنا لأن المستند التالي سيأخذ موضعًا "
        "مشغولًا. أعد السجل الأحدث. فإن فُقد فتابع بعد آخر مستند: `khatm chain import --unit {unit} --last-document "
        "FILE.xml`، أو إن تعذّر ملفه: `khatm chain import --unit {unit} --last-counter {recorded_icv} --last-hash "
        "{recorded_hash}`. أما إذا لم تغادر المستندات اللاحقة هذا النظام قط: `khatm chain accept-head --unit {unit}`."
    )


@dataclass(eq=False)
class ChainPlaceMismatch(LedgerError):
    """The stamped document does not carry the place that the chain gave it."""

    unit: str
    field: str
    found: str
    allowed: str

    code: ClassVar[str] = "chain-place-mismatch"
    exit_code: ClassVar[int] = 70
    en: ClassVar[str] = (
        "The document written for unit {unit!r} carries {field} {found!r} where the chain gave {allowed!r}. "
        "Nothing was issued."
    )
    ar: ClassVar[str] = (
        "المستند المكتوب للوحدة {unit!r} يحمل {field} بقيمة {found!r} بينما أعطت السلسلة {allowed!r}. لم يصدر شيء."
    )


@dataclass(eq=False)
class UnknownDocument(LedgerError):
    """No document answers to what was asked for."""

    wanted: str

    code: ClassVar[str] = "unknown-document"
    en: ClassVar[str] = "No document in the ledger has the UUID or number {wanted!r}."
    ar: ClassVar[str] = "لا يوجد في السجل مستند معرفه أو رقمه {wanted!r}."
