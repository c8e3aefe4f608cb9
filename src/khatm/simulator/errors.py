"""What can go wrong in starting or steering the simulator; what it refuses on the wire is an answer, no error."""

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
    """A setting for an environment that does not exist."""

    setting: str
    found: str
    allowed: str
    code: ClassVar[str] = "unknown-switch-environment"
    en: ClassVar[str] = "{setting}: there is no environment {found!r}. Choose one of: {allowed}."
    ar: ClassVar[str] = "‎{setting}‎: لا توجد بيئة باسم {found!r}. اختر واحدة من: {allowed}."


@dataclass(eq=False)
class UnknownSwitch(KhatmError):
    """A setting of a switch that does not exist."""

    setting: str
    found: str
    allowed: str
    code: ClassVar[str] = "unknown-switch"
    en: ClassVar[str] = "{setting}: there is no switch {found!r}. The switches are: {allowed}."
    ar: ClassVar[str] = "‎{setting}‎: لا يوجد مفتاح باسم {found!r}. المفاتيح المتاحة: {allowed}."


@dataclass(eq=False)
class UnknownSwitchValue(KhatmError):
    """A setting with a value that its switch does not have."""

    setting: str
    switch: str
    found: str
    allowed: str
    code: ClassVar[str] = "unknown-switch-value"
    en: ClassVar[str] = "{setting}: {switch} cannot be {found!r}. Allowed: {allowed}."
    ar: ClassVar[str] = "‎{setting}‎: لا يقبل المفتاح {switch} القيمة {found!r}. القيم المسموحة: {allowed}."


@dataclass(eq=False)
class UnreadableProfile(KhatmError):
    """A profile file that cannot be read."""

    path: str
    reason: str
    code: ClassVar[str] = "unreadable-profile"
    en: ClassVar[str] = (
        "The profile {path!r} cannot be read: {reason}. Write TOML with a table for each environment, "
        "as in docs/profile.toml."
    )
    ar: ClassVar[str] = (
        "تعذّرت قراءة ملف الضبط {path!r}: {reason}. اكتب ملف TOML فيه جدول لكل بيئة كما في docs/profile.toml."
    )


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


@dataclass(eq=False)
class UnusableStore(KhatmError):
    """The state's file cannot be opened or written."""

    path: str
    reason: str
    code: ClassVar[str] = "unusable-simulator-store"
    en: ClassVar[str] = (
        "The simulator's state {path!r} cannot be used: {reason}. "
        "Choose a writable folder, or keep the state in memory."
    )
    ar: ClassVar[str] = (
        "تعذّر استعمال ملف حالة المحاكي {path!r}: {reason}. اختر مجلدًا قابلًا للكتابة أو احفظ الحالة في الذاكرة."
    )


@dataclass(eq=False)
class ForeignStore(KhatmError):
    """The state's file was made by something else, or by another version."""

    path: str
    found: int
    allowed: int
    code: ClassVar[str] = "foreign-simulator-store"
    en: ClassVar[str] = (
        "{path!r} is not a simulator state of this version (found version {found}, this one reads {allowed}). "
        "Choose another folder."
    )
    ar: ClassVar[str] = (
        "الملف {path!r} ليس حالة محاكٍ من هذا الإصدار (إصدار الملف {found}، والمقروء هنا {allowed}). اختر مجلدًا آخر."
    )


@dataclass(eq=False)
class UnreadableCannedCertificate(KhatmError):
    """The file configured as the sandbox's fixed certificate holds none."""

    path: str
    reason: str
    code: ClassVar[str] = "unreadable-canned-certificate"
    en: ClassVar[str] = (
        "{path!r} cannot serve as the sandbox's fixed certificate: {reason}. "
        "Give the certificate as PEM, DER, or base64 on one line, as in the SDK's cert.pem."
    )
    ar: ClassVar[str] = (
        "لا يصلح الملف {path!r} شهادةً ثابتة لبيئة الاختبار: {reason}. "
        "قدّم الشهادة بصيغة PEM أو DER أو base64 في سطر واحد كما في cert.pem."
    )


@dataclass(eq=False)
class InvalidManagementRequest(KhatmError):
    """A management call that cannot be understood or carried out."""

    field: str
    found: str
    allowed: str
    code: ClassVar[str] = "invalid-management-request"
    en: ClassVar[str] = "{field} cannot be {found}. Allowed: {allowed}."
    ar: ClassVar[str] = "لا يمكن أن تكون قيمة {field} هي {found}. المسموح: {allowed}."


@dataclass(eq=False)
class InvalidFault(KhatmError):
    """An entry of a fault script that cannot be armed."""

    field: str
    found: str
    allowed: str
    code: ClassVar[str] = "invalid-fault"
    en: ClassVar[str] = "The fault is not armed: {field} cannot be {found}. Allowed: {allowed}."
    ar: ClassVar[str] = "لم يُفعَّل العطل: لا يمكن أن تكون قيمة {field} هي {found}. المسموح: {allowed}."


@dataclass(eq=False)
class TooManyFaults(KhatmError):
    """More faults than a simulator keeps."""

    found: int
    allowed: int
    code: ClassVar[str] = "too-many-faults"
    en: ClassVar[str] = (
        "With these there would be {found} faults; at most {allowed} are kept. Clear some with DELETE /manage/faults."
    )
    ar: ClassVar[str] = (
        "سيبلغ عدد الأعطال بهذه {found}، والحد الأقصى {allowed}. أزل بعضها بالطلب ‎DELETE /manage/faults‎."
    )


@dataclass(eq=False)
class UnknownFault(KhatmError):
    """A management call about a fault that is not armed."""

    fault: str
    code: ClassVar[str] = "unknown-fault"
    en: ClassVar[str] = "There is no fault {fault}. GET /manage/faults lists them."
    ar: ClassVar[str] = "لا يوجد عطل بالرقم {fault}. يعرض ‎GET /manage/faults‎ قائمة الأعطال."


@dataclass(eq=False)
class UnknownExchange(KhatmError):
    """A management call about an exchange that is not kept."""

    exchange: str
    code: ClassVar[str] = "unknown-exchange"
    en: ClassVar[str] = "There is no exchange {exchange} on record. GET /manage/exchanges lists the latest."
    ar: ClassVar[str] = "لا يوجد طلب مسجّل بالرقم {exchange}. يعرض ‎GET /manage/exchanges‎ أحدثها."


@dataclass(eq=False)
class UnknownSnapshot(KhatmError):
    """A management call about a snapshot that was not taken, or was let go."""

    snapshot: str
    code: ClassVar[str] = "unknown-snapshot"
    en: ClassVar[str] = "There is no snapshot {snapshot}. GET /manage/snapshots lists them."
    ar: ClassVar[str] = "لا توجد لقطة بالرقم {snapshot}. يعرض ‎GET /manage/snapshots‎ قائمة اللقطات."


@dataclass(eq=False)
class TooManySnapshots(KhatmError):
    """More snapshots than a simulator keeps."""

    allowed: int
    code: ClassVar[str] = "too-many-snapshots"
    en: ClassVar[str] = "{allowed} snapshots are kept already. Let one go with DELETE /manage/snapshots/ID."
    ar: ClassVar[str] = "عدد اللقطات المحفوظة {allowed} وهو الحد الأقصى. احذف واحدة بالطلب ‎DELETE /manage/snapshots/ID‎."


@dataclass(eq=False)
class UnknownDevice(KhatmError):
    """A management call about a device that does not exist."""

    device: str
    code: ClassVar[str] = "unknown-device"
    en: ClassVar[str] = "There is no device {device}. GET /manage/devices lists them."
    ar: ClassVar[str] = "لا يوجد جهاز بالرقم {device}. يعرض ‎GET /manage/devices‎ قائمة الأجهزة."


@dataclass(eq=False)
class NoFreeOtp(KhatmError):
    """The portal could not find a code that is not live already."""

    environment: str
    code: ClassVar[str] = "no-free-otp"
    exit_code: ClassVar[int] = 3
    en: ClassVar[str] = (
        "Nearly all 6-digit codes of {environment} are live. Wait until some expire, or move the clock by an hour."
    )
    ar: ClassVar[str] = (
        "تكاد رموز التحقق ذات الأرقام الستة في بيئة {environment} أن تكون كلها صالحة. "
        "انتظر انتهاء بعضها أو قدّم الساعة ساعة واحدة."
    )


@dataclass(eq=False)
class TaxpayerNotActive(KhatmError):
    """A suspended or deregistered taxpayer asked for one-time passwords."""

    vat_number: str
    status: str
    code: ClassVar[str] = "taxpayer-not-active"
    exit_code: ClassVar[int] = 1
    en: ClassVar[str] = (
        "The VAT registration {vat_number} is {status}: no one-time passwords are issued. Set it to Active first."
    )
    ar: ClassVar[str] = (
        "حالة التسجيل الضريبي {vat_number} هي {status}، فلا تصدر له رموز تحقق. أعد الحالة إلى Active أولًا."
    )


@dataclass(eq=False)
class ForeignHost(KhatmError):
    """A request for a host name that is not the simulator's, as a page sends it after rebinding its own name."""

    host: str
    code: ClassVar[str] = "foreign-host"
    en: ClassVar[str] = (
        "This simulator does not answer to the name {host!r}. Use an IP address or localhost, "
        "or start it with --allow-host {host}."
    )
    ar: ClassVar[str] = (
        "لا يستجيب هذا المحاكي للاسم {host!r}. استعمل عنوان IP أو localhost، أو شغّله بالخيار ‎--allow-host {host}‎."
    )


@dataclass(eq=False)
class ForeignOrigin(KhatmError):
    """A web page of another origin tried to manage the simulator."""

    origin: str
    code: ClassVar[str] = "foreign-origin"
    en: ClassVar[str] = (
        "Pages of {origin} may not manage this simulator. Call it without a browser, or from its own pages."
    )
    ar: ClassVar[str] = "لا يُسمح لصفحات {origin} بإدارة هذا المحاكي. استعمله دون متصفح أو من صفحاته نفسها."


@dataclass(eq=False)
class UnknownPage(KhatmError):
    """A page that does not exist."""

    path: str
    code: ClassVar[str] = "unknown-page"
    en: ClassVar[str] = "There is no page {path}. The menu lists the pages that there are."
    ar: ClassVar[str] = "لا توجد صفحة ‎{path}‎. تعرض القائمة الصفحات الموجودة."


@dataclass(eq=False)
class ForeignForm(KhatmError):
    """A form that this browser session was not given."""

    code: ClassVar[str] = "foreign-form"
    en: ClassVar[str] = "This form is out of date or not from this simulator. Open the page again and repeat the step."
    ar: ClassVar[str] = "هذا النموذج قديم أو ليس من هذا المحاكي. افتح الصفحة من جديد وأعد الخطوة."


@dataclass(eq=False)
class BodyTooLarge(KhatmError):
    """More was sent to a page or to the management than is read."""

    allowed: int
    code: ClassVar[str] = "body-too-large"
    en: ClassVar[str] = "The body of the request is too large: at most {allowed} bytes are read here. Send less."
    ar: ClassVar[str] = "محتوى الطلب أكبر من الحد: يُقرأ هنا {allowed} بايت على الأكثر. أرسل أقل."


@dataclass(eq=False)
class HeadersTooLarge(KhatmError):
    """The target and the headers of a request are larger than what is read."""

    allowed: int
    code: ClassVar[str] = "headers-too-large"
    en: ClassVar[str] = (
        "The request's headers are too large: at most {allowed} bytes are looked at. Send fewer or less."
    )
    ar: ClassVar[str] = "ترويسات الطلب أكبر من الحد: يُنظر في {allowed} بايت على الأكثر. أرسل أقل."


@dataclass(eq=False)
class AddressTaken(KhatmError):
    """The simulator cannot listen where it was told to."""

    host: str
    port: int
    reason: str
    code: ClassVar[str] = "address-taken"
    exit_code: ClassVar[int] = 3
    en: ClassVar[str] = (
        "The simulator cannot listen on {host} port {port}: {reason}. Choose another port, or 0 for a free one."
    )
    ar: ClassVar[str] = (
        "تعذّر على المحاكي الاستماع على {host} المنفذ {port}: {reason}. اختر منفذًا آخر، أو 0 لأي منفذ متاح."
    )


@dataclass(eq=False)
class UnusableTlsRoot(KhatmError):
    """The root of the simulator's own TLS cannot be read or kept."""

    path: str
    reason: str
    code: ClassVar[str] = "unusable-tls-root"
    en: ClassVar[str] = (
        "The root of the simulator's TLS cannot be used: {path!r}: {reason}. Delete tls-root.pem and tls-root.key "
        "in that folder and start again: a new root is made, which clients have to trust anew."
    )
    ar: ClassVar[str] = (
        "تعذّر استخدام الشهادة الجذرية لاتصال TLS في المحاكي: {path!r}: {reason}. احذف الملفين tls-root.pem و"
        "tls-root.key من ذلك المجلد ثم شغّل المحاكي من جديد: تُنشأ شهادة جديدة، وعلى العملاء أن يثقوا بها من جديد."
    )


@dataclass(eq=False)
class NoTls(KhatmError):
    """The root of TLS was asked for where the simulator speaks plain HTTP only."""

    code: ClassVar[str] = "no-tls"
    en: ClassVar[str] = (
        "This simulator speaks plain HTTP only, so it has no root to trust. Start it with --https-port or --proxy-port."
    )
    ar: ClassVar[str] = (
        "هذا المحاكي يعمل ببروتوكول HTTP فقط، فليست له شهادة جذرية يوثق بها. شغّله بالخيار ‎--https-port‎ أو ‎--proxy-port‎."
    )


@dataclass(eq=False)
class ForeignDestination(KhatmError):
    """The proxy was asked for another destination than the simulator."""

    found: str
    allowed: str
    code: ClassVar[str] = "foreign-destination"
    en: ClassVar[str] = (
        "This proxy leads to the simulator only: {allowed}. It was asked for {found}. "
        "Let the client go elsewhere directly (NO_PROXY)."
    )
    ar: ClassVar[str] = (
        "هذا الوكيل يوصل إلى المحاكي فقط: ‎{allowed}‎. طُلب منه: ‎{found}‎. "
        "دع العميل يتصل بالعناوين الأخرى مباشرةً (NO_PROXY)."
    )


@dataclass(eq=False)
class UnwritableReport(KhatmError):
    """The report of the grading cannot be written."""

    path: str
    reason: str
    code: ClassVar[str] = "unwritable-report"
    en: ClassVar[str] = (
        "The grade cannot be written to {path!r}: {reason}. Name a file in a folder that exists and can be written to."
    )
    ar: ClassVar[str] = "تعذّرت كتابة نتيجة التقييم في {path!r}: {reason}. سمِّ ملفًا في مجلد موجود تمكن الكتابة فيه."


@dataclass(eq=False)
class UnknownCase(KhatmError):
    """A case of the grading that there is none of, or that is not provoked."""

    found: str
    allowed: str
    code: ClassVar[str] = "unknown-case"
    en: ClassVar[str] = "No case {found!r} can be provoked. Choose among: {allowed}."
    ar: ClassVar[str] = "لا توجد حالة {found!r} يمكن استثارتها. اختر من: {allowed}."


@dataclass(eq=False)
class NotGrading(KhatmError):
    """The grade was asked for where nothing is graded."""

    code: ClassVar[str] = "not-grading"
    en: ClassVar[str] = "This simulator does not grade. Start it with --grade REPORT."
    ar: ClassVar[str] = "هذا المحاكي لا يقيّم. شغّله بالخيار ‎--grade REPORT‎."
