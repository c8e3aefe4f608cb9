"""Why onboarding or renewal stopped: one class per cause, with what the authority said and what to do.

No OTP, key, token or secret is ever a field here.
"""

from dataclasses import dataclass
from typing import ClassVar

from khatm.errors import KhatmError


@dataclass(eq=False)
class UnusableTypeMap(KhatmError):
    """The invoice type map asks for no documents, or is no map at all."""

    found: str
    allowed: str = "1000, 0100, 1100"

    code: ClassVar[str] = "unusable-type-map"
    en: ClassVar[str] = (
        "The invoice type map (csr.invoice.type) is {found!r}; allowed are {allowed}: "
        "standard, simplified or both. Correct it and add the unit again."
    )
    ar: ClassVar[str] = (
        "خريطة أنواع الفواتير (csr.invoice.type) هي {found!r} والمسموح {allowed}: ضريبية أو مبسطة أو كلتاهما. "
        "صحّحها ثم أضف الوحدة من جديد."
    )


@dataclass(eq=False)
class OnboardingBusy(KhatmError):
    """Another process is onboarding or renewing the same unit; nothing was changed."""

    unit: str
    pid: int | None
    """The process that holds the unit's lock; None in the instant before it has written its number."""

    code: ClassVar[str] = "onboarding-busy"
    exit_code: ClassVar[int] = 3
    en: ClassVar[str] = (
        "Unit {unit!r} is being onboarded or renewed by process {holder}; nothing was changed. "
        "Wait until that process has ended, then try again."
    )
    ar: ClassVar[str] = (
        "الوحدة {unit!r} قيد التسجيل أو التجديد في العملية رقم {holder}، ولم يتغيّر شيء. "
        "انتظر حتى تنتهي تلك العملية ثم أعد المحاولة."
    )

    def facts(self) -> dict[str, object]:
        """Return the fields, and the holder as a sentence shows it."""
        return {"unit": self.unit, "pid": self.pid, "holder": self.pid if self.pid is not None else "?"}


@dataclass(eq=False)
class OtpNotGiven(KhatmError):
    """The next call needs an OTP and none was given."""

    unit: str
    environment: str
    purpose: str
    """`onboarding` or `renewal`: the portal has a journey of its own for each."""

    code: ClassVar[str] = "otp-not-given"
    en: ClassVar[str] = (
        "Unit {unit!r} needs an OTP for {purpose} in the {environment} environment. "
        "Generate one in the Fatoora portal (it lives one hour) and give it with --otp."
    )
    ar: ClassVar[str] = (
        "تحتاج الوحدة {unit!r} إلى رمز تحقق (OTP) لغرض {purpose} في بيئة {environment}. "
        "أنشئ رمزًا من بوابة فاتورة (صالح لساعة واحدة) ومرّره بالخيار --otp."
    )


@dataclass(eq=False)
class MalformedOtp(KhatmError):
    """What was given cannot be an OTP; it was not sent."""

    unit: str
    found: str
    """A description such as `7 characters`; never the text itself."""
    allowed: str

    code: ClassVar[str] = "malformed-otp"
    en: ClassVar[str] = "The OTP for unit {unit!r} has {found}; allowed: {allowed}. It was not sent: give it again."
    ar: ClassVar[str] = (
        "رمز التحقق (OTP) للوحدة {unit!r} مكوّن من {found} والمسموح: {allowed}. لم يُرسل الرمز، أدخله من جديد."
    )


@dataclass(eq=False)
class _Refusal(KhatmError):
    """What the authority answered to one call; the sentence repeats its codes and messages."""

    unit: str
    step: str
    """The call or the compliance step: `ccsid`, `pcsid`, `renewal`, or a wire name such as `simplified-compliant`."""
    http_status: int | None
    said: tuple[str, ...]
    """The authority's messages, each as `CODE: text`, errors first."""

    exit_code: ClassVar[int] = 1

    def facts(self) -> dict[str, object]:
        """Return the fields, and the authority's words as one line."""
        return {**super().facts(), "words": "; ".join(self.said) or f"HTTP {self.http_status}"}


@dataclass(eq=False)
class OtpRefused(_Refusal):
    """The authority refused the OTP: wrong, used, expired, of another taxpayer, environment or purpose."""

    environment: str
    purpose: str

    code: ClassVar[str] = "otp-refused"
    en: ClassVar[str] = (
        "The authority refused the OTP of unit {unit!r} ({words}). An OTP works once, for one hour, for one taxpayer, "
        "for {purpose} in {environment} only. Generate a new one in the portal and run the command again; "
        "the key and the CSR are kept."
    )
    ar: ClassVar[str] = (
        "رفضت الهيئة رمز التحقق (OTP) للوحدة {unit!r} ({words}). يعمل الرمز مرة واحدة خلال ساعة ولمكلّف واحد ولغرض "
        "{purpose} في بيئة {environment} فقط. أنشئ رمزًا جديدًا من البوابة وأعد الأمر؛ المفتاح وطلب الشهادة محفوظان."
    )


@dataclass(eq=False)
class OtpSpent(OtpRefused):
    """An earlier request carried this OTP and its answer was lost; the OTP is used up."""

    code: ClassVar[str] = "otp-spent"
    en: ClassVar[str] = (
        "An earlier request of unit {unit!r} was sent and its answer was lost; the same OTP was tried once "
        "more and does not work any longer ({words}). Generate a new OTP for {purpose} in {environment} and run the "
        "command again; the key and the CSR are kept."
    )
    ar: ClassVar[str] = (
        "أُرسل طلب سابق للوحدة {unit!r} وفُقد ردّه، ثم جُرّب رمز التحقق (OTP) نفسه مرة أخرى ولم يعد صالحًا ({words}). "
        "أنشئ رمزًا جديدًا لغرض {purpose} في بيئة {environment} وأعد الأمر؛ المفتاح وطلب الشهادة محفوظان."
    )


@dataclass(eq=False)
class CsrRefused(_Refusal):
    """The authority found the CSR invalid; the attempt is closed, the next one makes a new key and CSR."""

    code: ClassVar[str] = "csr-refused"
    en: ClassVar[str] = (
        "The authority refused the CSR of unit {unit!r} ({words}). Correct the properties file (khatm csr names "
        "what is wrong in it) and add a unit with it; the live credentials, if any, are untouched."
    )
    ar: ClassVar[str] = (
        "رفضت الهيئة طلب الشهادة (CSR) للوحدة {unit!r} ({words}). صحّح ملف الخصائص (يبيّن الأمر khatm csr الخطأ فيه) "
        "وأضف وحدة به؛ لم تتأثر بيانات الاعتماد السارية إن وُجدت."
    )


@dataclass(eq=False)
class CertificateRefused(_Refusal):
    """The certificate authority behind the gateway would not sign, as for the template of another environment."""

    code: ClassVar[str] = "certificate-refused"
    en: ClassVar[str] = (
        "The authority did not issue the certificate of unit {unit!r} at step {step} ({words}). "
        "The usual cause is a CSR made for another environment than the gateway's: check the unit's environment "
        "and gateway address, then onboard anew."
    )
    ar: ClassVar[str] = (
        "لم تصدر الهيئة شهادة الوحدة {unit!r} في الخطوة {step} ({words}). السبب المعتاد طلب شهادة أُنشئ لبيئة غير بيئة "
        "البوابة: تحقّق من بيئة الوحدة وعنوان البوابة ثم سجّلها من جديد."
    )


@dataclass(eq=False)
class CheckRefused(_Refusal):
    """A compliance document was examined and refused."""

    code: ClassVar[str] = "check-refused"
    en: ClassVar[str] = (
        "The compliance document for {step} of unit {unit!r} was refused: {words}. "
        "It was made from the unit's CSR fields and seller block: correct the unit's data, then run the command again; "
        "steps already passed and the CSID are kept and no new OTP is needed."
    )
    ar: ClassVar[str] = (
        "رُفض مستند الامتثال للخطوة {step} للوحدة {unit!r}: {words}. أُنشئ المستند من حقول طلب الشهادة وبيانات البائع: "
        "صحّح بيانات الوحدة ثم أعد الأمر؛ الخطوات المجتازة والشهادة محفوظة ولا حاجة إلى رمز تحقق جديد."
    )


@dataclass(eq=False)
class CcsidRefused(_Refusal):
    """The authority does not accept the stored compliance CSID any longer (401)."""

    code: ClassVar[str] = "ccsid-refused"
    en: ClassVar[str] = (
        "The authority answered 401 at step {step}: it does not accept the compliance CSID of unit {unit!r} any "
        "longer. Begin anew with a new OTP; the live credentials, if any, are untouched."
    )
    ar: ClassVar[str] = (
        "ردّت الهيئة بالرمز 401 في الخطوة {step}: لم تعد شهادة الامتثال (CCSID) للوحدة {unit!r} مقبولة. "
        "ابدأ من جديد برمز تحقق جديد؛ لم تتأثر بيانات الاعتماد السارية إن وُجدت."
    )


@dataclass(eq=False)
class PcsidRefused(_Refusal):
    """The authority does not accept the live production CSID, so it cannot be renewed (401)."""

    code: ClassVar[str] = "pcsid-refused"
    en: ClassVar[str] = (
        "The authority answered 401 to the renewal of unit {unit!r}: the production CSID is revoked, expired or "
        "already renewed away. It cannot be renewed: onboard the unit anew with an OTP for onboarding."
    )
    ar: ClassVar[str] = (
        "ردّت الهيئة بالرمز 401 على تجديد الوحدة {unit!r}: شهادة الإنتاج (PCSID) ملغاة أو منتهية أو استُبدلت بالفعل. "
        "لا يمكن تجديدها: سجّل الوحدة من جديد برمز تحقق لغرض التسجيل."
    )


@dataclass(eq=False)
class PcsidAnswerLost(PcsidRefused):
    """The answer to an earlier renewal request was lost, and the old production CSID does not work any longer."""

    code: ClassVar[str] = "pcsid-answer-lost"
    en: ClassVar[str] = (
        "An earlier renewal request of unit {unit!r} was sent and its answer was lost; the request was repeated and "
        "drew 401. The authority has probably renewed and revoked the old production CSID. "
        "Onboard the unit anew with an OTP for onboarding; the unit's chain continues."
    )
    ar: ClassVar[str] = (
        "أُرسل طلب تجديد سابق للوحدة {unit!r} وفُقد ردّه، ثم أُعيد الطلب فكان الرد 401. الأرجح أن الهيئة جدّدت الشهادة "
        "وألغت شهادة الإنتاج (PCSID) القديمة. سجّل الوحدة من جديد برمز تحقق لغرض التسجيل؛ وتستمر سلسلة مستنداتها."
    )


@dataclass(eq=False)
class CallRefused(_Refusal):
    """The authority refused a call for a reason that only a person can settle."""

    advice_en: str
    """What the answer means and what to do, from the outcome table."""
    advice_ar: str

    code: ClassVar[str] = "call-refused"
    en: ClassVar[str] = (
        "The authority refused the call at step {step} of unit {unit!r} (HTTP {http_status}): {words}. "
        "{advice_en} Everything done so far is kept; the command goes on from here when it is run again."
    )
    ar: ClassVar[str] = (
        "رفضت الهيئة الطلب في الخطوة {step} للوحدة {unit!r} (HTTP {http_status}): {words}. "
        "{advice_ar} كل ما أُنجز محفوظ، ويتابع الأمر من هنا عند إعادته."
    )


@dataclass(eq=False)
class StepsStillMissing(_Refusal):
    """The steps the authority named as missing were run again, and it still names some."""

    missing: tuple[str, ...]

    code: ClassVar[str] = "steps-still-missing"
    en: ClassVar[str] = (
        "The authority still misses compliance steps of unit {unit!r} after they were run again: {words}. "
        "Wait a little and run the command again; no new OTP is needed. If it stays, begin anew with a new OTP."
    )
    ar: ClassVar[str] = (
        "ما زالت الهيئة تطلب خطوات امتثال من الوحدة {unit!r} بعد إعادتها: {words}. انتظر قليلًا ثم أعد الأمر، "
        "ولا حاجة إلى رمز تحقق جديد. وإن استمر ذلك فابدأ من جديد برمز تحقق جديد."
    )


@dataclass(eq=False)
class UnknownComplianceSteps(_Refusal):
    """The authority asks for steps for which no document is known."""

    unknown: tuple[str, ...]

    code: ClassVar[str] = "unknown-compliance-steps"
    en: ClassVar[str] = (
        "The authority asks unit {unit!r} for compliance steps that no known document satisfies: {unknown_names} "
        "(its words: {words}). Positions 3 and 4 of the invoice type map may be the cause: use 1000, 0100 or 1100; "
        "otherwise ask the authority."
    )
    ar: ClassVar[str] = (
        "تطلب الهيئة من الوحدة {unit!r} خطوات امتثال لا يُعرف مستند يحققها: {unknown_names} (نص الرد: {words}). "
        "قد يكون السبب الخانتين الثالثة والرابعة في خريطة أنواع الفواتير: استعمل 1000 أو 0100 أو 1100، "
        "وإلا فاسأل الهيئة."
    )

    def facts(self) -> dict[str, object]:
        """Return the fields, and the unknown names as one text."""
        return {**super().facts(), "unknown_names": ", ".join(self.unknown)}


@dataclass(eq=False)
class CcsidNotOurs(KhatmError):
    """The compliance CSID is unreadable or was issued for another key than the unit's; the attempt is closed."""

    unit: str
    environment: str
    reason_en: str
    reason_ar: str

    code: ClassVar[str] = "ccsid-not-ours"
    exit_code: ClassVar[int] = 1
    en: ClassVar[str] = (
        "The compliance CSID that came for unit {unit!r} cannot be used in {environment}: {reason_en}. "
        "Check that the gateway address is the authority's, then begin anew with a new OTP."
    )
    ar: ClassVar[str] = (
        "لا يمكن استعمال شهادة الامتثال (CCSID) الواردة للوحدة {unit!r} في بيئة {environment}: {reason_ar}. "
        "تحقّق من أن عنوان البوابة هو عنوان الهيئة ثم ابدأ من جديد برمز تحقق جديد."
    )


@dataclass(eq=False)
class NoAnswer(KhatmError):
    """The gateway gave no usable answer within the allowed attempts; what was done is kept."""

    unit: str
    step: str
    failure: str

    code: ClassVar[str] = "no-answer"
    exit_code: ClassVar[int] = 3
    en: ClassVar[str] = (
        "The gateway gave no usable answer at step {step} of unit {unit!r}: {failure}. "
        "Everything done so far is kept: check the connection and run the command again."
    )
    ar: ClassVar[str] = (
        "لم تعطِ البوابة ردًّا صالحًا في الخطوة {step} للوحدة {unit!r}: {failure}. "
        "كل ما أُنجز محفوظ: تحقّق من الاتصال ثم أعد الأمر."
    )


@dataclass(eq=False)
class UnsafePeer(NoAnswer):
    """The peer could not prove that it is the gateway; nothing was sent to it."""

    code: ClassVar[str] = "unsafe-peer"
    en: ClassVar[str] = (
        "The server at the gateway's address did not prove its identity at step {step} of unit {unit!r}: {failure}. "
        "Nothing was sent. Check the gateway address, the network and the trusted certificates, then run the command "
        "again."
    )
    ar: ClassVar[str] = (
        "لم يُثبت الخادم عند عنوان البوابة هويته في الخطوة {step} للوحدة {unit!r}: {failure}. لم يُرسل شيء. "
        "تحقّق من عنوان البوابة والشبكة والشهادات الموثوقة ثم أعد الأمر."
    )


@dataclass(eq=False)
class NothingToRenew(KhatmError):
    """The unit has no live production CSID."""

    unit: str

    code: ClassVar[str] = "nothing-to-renew"
    en: ClassVar[str] = "Unit {unit!r} has no live production CSID, so there is nothing to renew: onboard it first."
    ar: ClassVar[str] = "ليس للوحدة {unit!r} شهادة إنتاج (PCSID) سارية فلا شيء يُجدَّد: سجّلها أولًا."


@dataclass(eq=False)
class PcsidExpired(KhatmError):
    """The live production CSID has expired and cannot authenticate its own renewal."""

    unit: str
    expired_at: str

    code: ClassVar[str] = "pcsid-expired"
    en: ClassVar[str] = (
        "The production CSID of unit {unit!r} expired at {expired_at} and cannot authenticate its own renewal. "
        "Onboard the unit anew with an OTP for onboarding; the unit's chain continues."
    )
    ar: ClassVar[str] = (
        "انتهت شهادة الإنتاج (PCSID) للوحدة {unit!r} في {expired_at} ولا يمكنها توثيق تجديد نفسها. "
        "سجّل الوحدة من جديد برمز تحقق لغرض التسجيل؛ وتستمر سلسلة مستنداتها."
    )
