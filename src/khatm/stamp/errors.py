"""What can be wrong with keys, certificates, CSRs, QR codes and documents to be stamped."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from khatm.errors import KhatmError, Language


@dataclass(eq=False)
class UnreadableKey(KhatmError):
    """A private key in none of the forms that are read."""

    found: str

    code: ClassVar[str] = "unreadable-key"
    en: ClassVar[str] = (
        "The private key cannot be read: {found}. Allowed: a secp256k1 key as SEC1 or PKCS#8, in PEM, DER or plain "
        "base64, not encrypted."
    )
    ar: ClassVar[str] = (
        "تعذّرت قراءة المفتاح الخاص: {found}. المسموح: مفتاح secp256k1 بصيغة SEC1 أو PKCS#8 في ملف PEM أو DER أو "
        "base64 مجرد وبلا تشفير."
    )


@dataclass(eq=False)
class EncryptedKey(KhatmError):
    """A private key file that is protected by a passphrase of its own."""

    code: ClassVar[str] = "encrypted-key"
    en: ClassVar[str] = (
        "The private key file is encrypted. Decrypt it first (openssl ec -in KEY -out PLAIN) and give the plain file."
    )
    ar: ClassVar[str] = (
        "ملف المفتاح الخاص مشفّر. فك تشفيره أولا (openssl ec -in KEY -out PLAIN) ثم قدّم الملف غير المشفّر."
    )


@dataclass(eq=False)
class WrongCurve(KhatmError):
    """A key of another kind or on another curve than the units of this authority use."""

    found: str

    code: ClassVar[str] = "wrong-curve"
    en: ClassVar[str] = (
        "The private key is of the kind {found}; the authority takes secp256k1 only. Make a new key, for example "
        "with `khatm csr`."
    )
    ar: ClassVar[str] = (
        "المفتاح الخاص من نوع {found} والهيئة لا تقبل إلا secp256k1. أنشئ مفتاحا جديدا، مثلا بالأمر `khatm csr`."
    )


@dataclass(eq=False)
class UnreadableCertificate(KhatmError):
    """Bytes or text that hold no X.509 certificate."""

    found: str

    code: ClassVar[str] = "unreadable-certificate"
    en: ClassVar[str] = (
        "The certificate cannot be read: {found}. Allowed: an X.509 certificate as PEM, DER, base64 text, or the "
        "binarySecurityToken as the gateway gave it."
    )
    ar: ClassVar[str] = (
        "تعذّرت قراءة الشهادة: {found}. المسموح: شهادة X.509 بصيغة PEM أو DER أو نص base64 أو قيمة "
        "binarySecurityToken كما أعطتها البوابة."
    )


@dataclass(eq=False)
class ForeignCertificate(KhatmError):
    """A certificate that belongs to another private key."""

    certificate: str
    serial_number: int

    code: ClassVar[str] = "foreign-certificate"
    en: ClassVar[str] = (
        "The private key does not belong to the certificate of {certificate} (serial number {serial_number}). Give "
        "the key that made this certificate's CSR, or the certificate that was issued for this key."
    )
    ar: ClassVar[str] = (
        "المفتاح الخاص لا يخص شهادة {certificate} (الرقم التسلسلي {serial_number}). قدّم المفتاح الذي أُنشئ به طلب هذه "
        "الشهادة، أو الشهادة الصادرة لهذا المفتاح."
    )


@dataclass(eq=False)
class ExpiredCertificate(KhatmError):
    """A certificate whose validity had ended at the signing time."""

    certificate: str
    not_after: str
    signing_time: str

    code: ClassVar[str] = "expired-certificate"
    en: ClassVar[str] = (
        "The certificate of {certificate} was valid until {not_after}; the signing time is {signing_time}. Renew the "
        "unit's certificate (`khatm unit renew`) and stamp with the new one."
    )
    ar: ClassVar[str] = (
        "شهادة {certificate} كانت صالحة حتى {not_after} ووقت الختم {signing_time}. جدّد شهادة الوحدة "
        "(`khatm unit renew`) واختم بالشهادة الجديدة."
    )


class Finding(Protocol):
    """One finding of the CSR linter, as an error lists it."""

    def sentence(self, language: Language = "en") -> str:
        """Return what is wrong with which field."""
        ...


@dataclass(eq=False)
class InvalidCsrFields(KhatmError):
    """CSR fields that break the authority's rules; carries every finding at once."""

    findings: Sequence[Finding]

    code: ClassVar[str] = "invalid-csr-fields"

    def facts(self) -> dict[str, object]:
        """Return the findings as sentences."""
        return {"findings": [finding.sentence() for finding in self.findings]}

    def sentence(self, language: Language = "en") -> str:
        """Return a heading and one line per finding."""
        heading = "لا يمكن إنشاء طلب الشهادة:" if language == "ar" else "The CSR cannot be made:"
        return "\n".join([heading, *(f"  {finding.sentence(language)}" for finding in self.findings)])


@dataclass(eq=False)
class PropertiesEncoding(KhatmError):
    """A properties file that is not UTF-8 text."""

    line: int
    found: str

    code: ClassVar[str] = "properties-encoding"
    en: ClassVar[str] = (
        "The properties file is not UTF-8 text (line {line}: {found}). Save it as UTF-8, or write the letters as "
        "\\uXXXX escapes."
    )
    ar: ClassVar[str] = (
        "ملف الخصائص ليس نصا بترميز UTF-8 (السطر {line}: {found}). احفظه بترميز UTF-8 أو اكتب الحروف بصيغة \\uXXXX."
    )


@dataclass(eq=False)
class PropertiesEscape(KhatmError):
    """A broken \\uXXXX escape in a properties file."""

    line: int
    found: str

    code: ClassVar[str] = "properties-escape"
    en: ClassVar[str] = (
        "Line {line} of the properties file holds a broken escape ({found}). Write \\u and four hexadecimal digits, "
        "and \\\\ for a backslash itself."
    )
    ar: ClassVar[str] = (
        "السطر {line} من ملف الخصائص يحتوي على رمز هروب غير سليم ({found}). اكتب \\u وبعده أربعة أرقام ست عشرية، "
        "واكتب \\\\ للشرطة المائلة نفسها."
    )


@dataclass(eq=False)
class UnreadableCsr(KhatmError):
    """Bytes that hold no certificate request."""

    found: str

    code: ClassVar[str] = "unreadable-csr"
    en: ClassVar[str] = (
        "The CSR cannot be read: {found}. Allowed: PEM, base64 of the PEM text, base64 of the DER, or DER."
    )
    ar: ClassVar[str] = "تعذّرت قراءة طلب الشهادة: {found}. المسموح: PEM أو base64 لنص PEM أو base64 لمحتوى DER أو DER."


@dataclass(eq=False)
class CannotUnseal(KhatmError):
    """A sealed secret that the given passphrase or key file does not open."""

    purpose: str
    found: str

    code: ClassVar[str] = "cannot-unseal"
    en: ClassVar[str] = (
        "The sealed {purpose} cannot be opened: {found}. Set KHATM_PASSPHRASE (or KHATM_PASSPHRASE_FILE, or put back "
        "master.key) to what it was sealed with."
    )
    ar: ClassVar[str] = (
        "تعذّر فتح المحتوى المختوم ({purpose}): {found}. اجعل KHATM_PASSPHRASE (أو KHATM_PASSPHRASE_FILE أو الملف "
        "master.key) كما كان عند الحفظ."
    )


@dataclass(eq=False)
class UnusableKeyFile(KhatmError):
    """A master key file that is missing or does not hold 32 bytes as base64."""

    path: str
    found: str

    code: ClassVar[str] = "unusable-key-file"
    en: ClassVar[str] = (
        "The key file {path} cannot be used: {found}. Put back the file that the data was sealed with; a new one "
        "opens nothing that is stored."
    )
    ar: ClassVar[str] = (
        "لا يمكن استعمال ملف المفتاح {path}: {found}. أعد الملف الذي خُتمت به البيانات؛ فالملف الجديد لا يفتح شيئا من "
        "المحفوظ."
    )


@dataclass(eq=False)
class NotCanonical(KhatmError):
    """XML that has no canonical form, such as a relative namespace name."""

    found: str

    code: ClassVar[str] = "no-canonical-form"
    en: ClassVar[str] = (
        "The document has no canonical form: {found}. Declare absolute namespace names only, as UBL 2.1 gives them."
    )
    ar: ClassVar[str] = (
        "لا توجد صيغة قانونية (canonical) للمستند: {found}. استعمل أسماء نطاقات كاملة فقط كما يحددها UBL 2.1."
    )


@dataclass(eq=False)
class MissingElement(KhatmError):
    """A document without an element that the stamp or the request body needs."""

    element: str
    needed_for: str

    code: ClassVar[str] = "missing-element"
    en: ClassVar[str] = "The document has no {element}, which {needed_for} needs. Add it as UBL 2.1 places it."
    ar: ClassVar[str] = "لا يحتوي المستند على {element}، وهو لازم ({needed_for}). أضفه في موضعه حسب UBL 2.1."


@dataclass(eq=False)
class UtcIssueTime(KhatmError):
    """An issue time that ends in Z, whose QR form the sources do not agree on."""

    found: str

    code: ClassVar[str] = "utc-issue-time"
    en: ClassVar[str] = (
        "cbc:IssueTime is {found}: a UTC time. Write Saudi local time without Z, or allow UTC times explicitly "
        "(`khatm sign --allow-utc`; the QR code then carries the time plus three hours)."
    )
    ar: ClassVar[str] = (
        "قيمة cbc:IssueTime هي {found} أي بتوقيت UTC. اكتب توقيت السعودية بلا Z، أو اسمح بتوقيت UTC صراحة "
        "(`khatm sign --allow-utc`، فيحمل رمز QR الوقت مضافا إليه ثلاث ساعات)."
    )


@dataclass(eq=False)
class UnreadableQr(KhatmError):
    """A QR text that cannot be decoded; `stage` is `base64` or `tlv`."""

    stage: str
    found: str

    code: ClassVar[str] = "unreadable-qr"
    exit_code: ClassVar[int] = 1
    en: ClassVar[str] = (
        "The QR code cannot be decoded ({stage}): {found}. Allowed: base64 of records of tag, length and value."
    )
    ar: ClassVar[str] = "تعذّر فك رمز QR ({stage}): {found}. المسموح: نص base64 لسجلات من الوسم والطول والقيمة."


@dataclass(eq=False)
class QrValueTooLong(KhatmError):
    """A QR value that does not fit the length octets."""

    tag: int
    found: int
    allowed: int

    code: ClassVar[str] = "qr-value-too-long"
    en: ClassVar[str] = "The value of QR tag {tag} has {found} bytes; at most {allowed} are possible. Shorten it."
    ar: ClassVar[str] = "طول قيمة الوسم {tag} في رمز QR هو {found} بايت والحد الأقصى {allowed}. اختصرها."


@dataclass(eq=False)
class NotStamped(KhatmError):
    """A document without the part of a stamp that was asked for."""

    element: str

    code: ClassVar[str] = "not-stamped"
    exit_code: ClassVar[int] = 1
    en: ClassVar[str] = "The document carries no {element}. Stamp it first, for example with `khatm sign`."
    ar: ClassVar[str] = "لا يحمل المستند {element}. اختمه أولا، مثلا بالأمر `khatm sign`."


@dataclass(eq=False)
class StampSelfCheck(KhatmError):
    """A stamp that did not pass its own check right after it was made; nothing may be shown or sent."""

    check: str
    expected: str
    found: str

    code: ClassVar[str] = "stamp-self-check"
    exit_code: ClassVar[int] = 70
    en: ClassVar[str] = (
        "The stamp just made failed its check {check} (expected {expected}, found {found}); it was thrown away. If "
        "the signer is a device, check its key; otherwise please report this fault."
    )
    ar: ClassVar[str] = (
        "لم يجتز الختم الجديد فحصه {check} (المتوقع {expected}، الموجود {found}) فأُهمل. إن كان التوقيع من جهاز فتحقق "
        "من مفتاحه، وإلا فأبلغ عن هذا الخلل."
    )
