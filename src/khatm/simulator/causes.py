"""Why the authority refused a call, where its answer does not say: for the recorder, never on the wire.

One 401 stands for eight causes and one `Invalid-OTP` for five (gateway contract 1.5, 4.4, 4.8, 6.6); whoever tests a
client wants to know which.
"""

from dataclasses import dataclass
from enum import StrEnum

from khatm.errors import Language


class Cause(StrEnum):
    """One cause, named as the recorder shows it."""

    UNKNOWN_PATH = "unknown-path"
    UNKNOWN_METHOD = "unknown-method"
    TOO_LARGE = "too-large"
    TOO_MANY_CALLS = "too-many-calls"
    PREFLIGHT = "preflight-refused"
    WRONG_VERSION = "wrong-version"
    NO_AUTHORIZATION = "no-authorization"
    UNREADABLE_AUTHORIZATION = "unreadable-authorization"
    UNKNOWN_TOKEN = "unknown-token"  # noqa: S105 - a cause's name
    OTHER_ENVIRONMENT = "token-of-another-environment"
    WRONG_SECRET = "wrong-secret"  # noqa: S105 - as above
    REVOKED = "revoked"
    EXPIRED = "expired"
    WRONG_KIND = "wrong-kind-of-csid"
    NO_CLEARANCE_STATUS = "no-clearance-status"
    WRONG_CONTENT_TYPE = "wrong-content-type"
    NO_JSON_OBJECT = "no-json-object"
    OTP_UNKNOWN = "otp-unknown"
    OTP_USED = "otp-used"
    OTP_EXPIRED = "otp-expired"
    OTP_FOR_OTHER_PURPOSE = "otp-for-another-purpose"
    OTP_OF_OTHER_TAXPAYER = "otp-of-another-taxpayer"
    OTP_FOR_OTHER_DEVICE = "otp-for-another-device"
    CSR_REFUSED = "csr-refused"
    OTHER_REQUEST_ID = "request-id-of-another-csid"
    SECOND_PCSID = "second-pcsid"
    CLEARANCE_OFF = "clearance-off"
    FAULT = "fault"
    OUR_FAULT = "simulator-failed"


@dataclass(frozen=True, slots=True)
class Because:
    """A cause with what was found."""

    cause: Cause
    found: str = ""

    def sentence(self, language: Language) -> str:
        """Return what is wrong and what to do."""
        text = _TEXTS[self.cause][language]
        found = self.found
        if self.cause is Cause.CSR_REFUSED and language == "ar":
            found = CSR_IN_ARABIC.get(found, found)
        return text.replace("{found}", found)


_TEXTS: dict[Cause, dict[Language, str]] = {
    Cause.UNKNOWN_PATH: {
        "en": "There is no endpoint at this path. The six stand below /e-invoicing/developer-portal, simulation, core.",
        "ar": "لا توجد خدمة على هذا المسار. الخدمات الست تحت ‎/e-invoicing/‎ ثم developer-portal أو simulation أو core.",
    },
    Cause.UNKNOWN_METHOD: {
        "en": "This path does not take {found}. Renewal is PATCH on /production/csids, everything else is POST.",
        "ar": "لا يقبل هذا المسار الطريقة {found}. التجديد بالطريقة PATCH على ‎/production/csids‎ وما عداه POST.",
    },
    Cause.TOO_LARGE: {
        "en": "The body is larger than the switch max_body allows. Make the document smaller, or raise the switch.",
        "ar": "جسم الطلب أكبر مما يسمح به المفتاح max_body. صغّر المستند أو ارفع قيمة المفتاح.",
    },
    Cause.TOO_MANY_CALLS: {
        "en": "More calls in a minute than the switch rate_limit allows. Wait and send the same bytes again.",
        "ar": "عدد الطلبات في الدقيقة تجاوز ما يسمح به المفتاح rate_limit. انتظر ثم أعد إرسال البايتات نفسها.",
    },
    Cause.PREFLIGHT: {
        "en": "A browser may not call this path. Call it from a server, or set the switch cors to open.",
        "ar": "لا يُسمح للمتصفح باستدعاء هذا المسار. استدعه من خادم، أو اضبط المفتاح cors على open.",
    },
    Cause.WRONG_VERSION: {
        "en": "Accept-Version is {found}. Every call needs Accept-Version: V2.",
        "ar": "قيمة Accept-Version هي {found}. يلزم في كل طلب ‎Accept-Version: V2‎.",
    },
    Cause.NO_AUTHORIZATION: {
        "en": "There is no Authorization header. Send Basic with binarySecurityToken as user and secret as password.",
        "ar": "الترويسة Authorization غائبة. أرسل Basic واسم المستخدم فيها binarySecurityToken وكلمة المرور secret.",
    },
    Cause.UNREADABLE_AUTHORIZATION: {
        "en": "Authorization is not Basic with the base64 of token:secret. Encode both as they were given, once.",
        "ar": "ليست قيمة Authorization من نوع Basic يتبعها base64 للرمز والسر بينهما نقطتان. رمّزهما كما استُلما.",
    },
    Cause.UNKNOWN_TOKEN: {
        "en": "This authority never gave out the token. Send binarySecurityToken verbatim, without decoding it first.",
        "ar": "لم تُصدر هذه الجهة هذا الرمز. أرسل binarySecurityToken كما هو دون فك ترميزه.",
    },
    Cause.OTHER_ENVIRONMENT: {
        "en": "The token belongs to {found}. A CSID works only in the environment that issued it.",
        "ar": "ينتمي الرمز إلى البيئة {found}. لا تعمل الشهادة إلا في البيئة التي أصدرتها.",
    },
    Cause.WRONG_SECRET: {
        "en": "The token is known, the secret is not the one given out with it. Token and secret belong together.",
        "ar": "الرمز معروف لكن السر ليس السر الصادر معه. الرمز والسر متلازمان.",
    },
    Cause.REVOKED: {
        "en": "The CSID was revoked or renewed away at {found}. Use the renewed one, or onboard again.",
        "ar": "أُلغيت الشهادة أو حلّت محلها أخرى بالتجديد في {found}. استعمل المجددة أو أعد الربط.",
    },
    Cause.EXPIRED: {
        "en": "The CSID expired at {found}. Onboard again with a fresh OTP.",
        "ar": "انتهت صلاحية الشهادة في {found}. أعد الربط برمز تحقق جديد.",
    },
    Cause.WRONG_KIND: {
        "en": "A {found} was sent. Checks and the first PCSID take the CCSID; renewal and submission take the PCSID.",
        "ar": "أُرسلت شهادة من نوع {found}. الفحوص والشهادة الأولى بشهادة الامتثال، والتجديد والإرسال بشهادة الإنتاج.",
    },
    Cause.NO_CLEARANCE_STATUS: {
        "en": "Clearance-Status is neither 0 nor 1, and the switch clearance_status_required insists on it.",
        "ar": "يشترط المفتاح clearance_status_required أن تكون قيمة Clearance-Status صفرًا أو واحدًا.",
    },
    Cause.WRONG_CONTENT_TYPE: {
        "en": "Content-Type is {found}. Send application/json.",
        "ar": "قيمة Content-Type هي {found}. أرسل application/json.",
    },
    Cause.NO_JSON_OBJECT: {
        "en": "The body is no JSON object in UTF-8.",
        "ar": "جسم الطلب ليس كائن JSON بترميز UTF-8.",
    },
    Cause.OTP_UNKNOWN: {
        "en": "The portal of this environment never issued this OTP. Take one from the same environment.",
        "ar": "لم تُصدر بوابة هذه البيئة رمز التحقق هذا. خذ رمزًا من البيئة نفسها.",
    },
    Cause.OTP_USED: {
        "en": "The OTP was used at {found}. Each gives one CSID; take another.",
        "ar": "استُعمل رمز التحقق في {found}. لكل رمز شهادة واحدة؛ خذ رمزًا آخر.",
    },
    Cause.OTP_EXPIRED: {
        "en": "The OTP expired at {found}, an hour after it was issued. Take another.",
        "ar": "انتهت صلاحية رمز التحقق في {found} بعد ساعة من إصداره. خذ رمزًا آخر.",
    },
    Cause.OTP_FOR_OTHER_PURPOSE: {
        "en": "The OTP was issued for {found}. Onboarding and renewal have OTPs of their own.",
        "ar": "صدر رمز التحقق لغرض {found}. للربط رموز وللتجديد رموز.",
    },
    Cause.OTP_OF_OTHER_TAXPAYER: {
        "en": "The OTP is {found}'s, the CSR or the CSID names another VAT number.",
        "ar": "رمز التحقق يخص {found}، أما طلب الشهادة أو الشهادة ففيها رقم ضريبي آخر.",
    },
    Cause.OTP_FOR_OTHER_DEVICE: {
        "en": "The OTP was issued for the renewal of device {found}, and another one brought it.",
        "ar": "صدر رمز التحقق لتجديد الجهاز {found} وجاء به جهاز آخر.",
    },
    Cause.CSR_REFUSED: {
        "en": "The CSR was refused: {found}. `khatm csr` makes requests that pass.",
        "ar": "رُفض طلب الشهادة: {found}. ينشئ الأمر `khatm csr` طلبات مقبولة.",
    },
    Cause.OTHER_REQUEST_ID: {
        "en": "compliance_request_id is not the requestID that came with this CCSID, which is {found}.",
        "ar": "ليست قيمة compliance_request_id هي requestID الصادرة مع شهادة الامتثال هذه وهي {found}.",
    },
    Cause.SECOND_PCSID: {
        "en": "This CCSID has its PCSID already, and the switch second_production_csid refuses another.",
        "ar": "سبق أن صدرت شهادة إنتاج لشهادة الامتثال هذه، والمفتاح second_production_csid يمنع ثانية.",
    },
    Cause.CLEARANCE_OFF: {
        "en": "Clearance is switched off for this call. Stamp the document with the unit's CSID and report it.",
        "ar": "الاعتماد موقوف لهذا الطلب. اختم المستند بشهادة الوحدة وأرسله إلى خدمة الإبلاغ.",
    },
    Cause.FAULT: {
        "en": "A fault script did this, not the authority.",
        "ar": "هذا من فعل سيناريو أعطال وليس قرارًا من الجهة.",
    },
    Cause.OUR_FAULT: {
        "en": "The simulator failed; its log says where.",
        "ar": "تعطّل المحاكي نفسه؛ التفاصيل في سجله.",
    },
}

CSR_IN_ARABIC: dict[str, str] = {
    "not base64": "ليس بترميز base64",
    "a request has three parts": "للطلب ثلاثة أجزاء",
    "no version, subject or public key": "ينقصه الإصدار أو صاحب الشهادة أو المفتاح العام",
    "a public key that cannot be read": "تعذّرت قراءة المفتاح العام",
    "the public key is not on secp256k1": "المفتاح العام ليس على المنحنى secp256k1",
    "the request is not signed with ECDSA and SHA-256": "الطلب غير موقّع بخوارزمية ECDSA مع SHA-256",
    "a signature that is not whole octets": "التوقيع ليس بايتات كاملة",
    "the request's own signature does not verify": "توقيع الطلب نفسه غير صحيح",
    "an attribute without a value": "فيه خاصية بلا قيمة",
    "an extension without a value": "فيه امتداد بلا قيمة",
    "no certificate template name (1.3.6.1.4.1.311.20.2)": "لا يذكر اسم قالب الشهادة (1.3.6.1.4.1.311.20.2)",
    "no subject alternative name": "لا يحتوي على الاسم البديل لصاحب الشهادة",
    "no directory name in the subject alternative name": "لا يوجد اسم دليل ضمن الاسم البديل",
    "the EGS serial number is not 1-…|2-…|3-…": "الرقم التسلسلي للوحدة ليس بالصيغة ‎1-…|2-…|3-…‎",
    "the VAT number is not 15 digits from 3 to 3": "الرقم الضريبي ليس 15 رقمًا يبدأ وينتهي بالرقم 3",
    "the invoice type map is not four digits with a 1 among the first two": (
        "خريطة أنواع الفواتير ليست أربعة أرقام أحد أولها أو ثانيها 1"
    ),
    "no registered address": "العنوان المسجل غائب",
    "no business category": "نشاط المنشأة غائب",
    "the country is not SA": "الدولة ليست SA",
    "no common name in the subject": "الاسم الشائع غائب",
    "no organization in the subject": "اسم المنشأة غائب",
    "no unit in the subject": "اسم الفرع غائب",
    "the organization unit of a VAT group member is its 10-digit TIN": (
        "وحدة المنشأة لعضو المجموعة الضريبية هي رقمه المميز من 10 أرقام"
    ),
    "not a text": "القيمة ليست نصًا",
}
"""What `RefusedCsr.reason` says, in Arabic; what the DER reader says stays as it is."""
