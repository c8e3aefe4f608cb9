"""What a user can get wrong about the gateway before anything is sent."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from khatm.errors import KhatmError, Language


@dataclass(eq=False)
class UnreadableGatewayUrl(KhatmError):
    """The gateway address is no absolute http(s) URL."""

    found: str
    code: ClassVar[str] = "gateway-url-unreadable"
    en: ClassVar[str] = (
        "The gateway address {found!r} cannot be read. Give a full URL with a host, such as "
        "https://gw-fatoora.zatca.gov.sa/e-invoicing or http://127.0.0.1:8080/e-invoicing."
    )
    ar: ClassVar[str] = (
        "تعذّرت قراءة عنوان البوابة {found!r}. أدخل رابطًا كاملًا يتضمن اسم المضيف، مثل "
        "https://gw-fatoora.zatca.gov.sa/e-invoicing أو http://127.0.0.1:8080/e-invoicing."
    )


@dataclass(eq=False)
class InsecureGatewayUrl(KhatmError):
    """The gateway address is not https and does not stay on this machine."""

    found: str
    code: ClassVar[str] = "gateway-url-insecure"
    en: ClassVar[str] = (
        "The gateway address {found!r} is not https. Plain http is allowed only for this machine "
        "(localhost, 127.0.0.0/8, ::1); use https for any other host."
    )
    ar: ClassVar[str] = (
        "عنوان البوابة {found!r} لا يستخدم https. لا يُسمح باستخدام http إلا لهذا الجهاز نفسه "
        "(localhost أو 127.0.0.0/8 أو ::1)؛ استخدم https لأي مضيف آخر."
    )


@dataclass(eq=False)
class GatewayUrlWithExtras(KhatmError):
    """The gateway address carries credentials, a query or a fragment (`part`); `found` leaves them out."""

    found: str
    part: Literal["user name or password", "query", "fragment"]
    code: ClassVar[str] = "gateway-url-extras"
    en: ClassVar[str] = (
        "The gateway address {found!r} carries a {part}. Give scheme, host, optional port and path only; "
        "credentials come from the CSID."
    )
    ar: ClassVar[str] = (
        "يحتوي عنوان البوابة {found!r} على جزء غير مسموح به ({part_ar}). أدخل البروتوكول والمضيف والمنفذ (اختياري) "
        "والمسار فقط؛ أما بيانات الاعتماد فتؤخذ من معرّف CSID."
    )

    _PARTS_AR: ClassVar[dict[str, str]] = {
        "user name or password": "اسم مستخدم أو كلمة مرور",
        "query": "استعلام",
        "fragment": "مُعرّف جزء",
    }

    def sentence(self, language: Language = "en") -> str:
        """Return the sentence, with the part named in its language."""
        template = self.ar if language == "ar" else self.en
        return template.format_map(self.facts() | {"part_ar": self._PARTS_AR[self.part]})


@dataclass(eq=False)
class UnusableOtp(KhatmError):
    """The OTP given is not a row of digits; the value itself is never repeated."""

    length: int
    code: ClassVar[str] = "otp-unusable"
    en: ClassVar[str] = (
        "The OTP given ({length} characters) is not a row of digits. Enter the 6 digits that the Fatoora portal shows."
    )
    ar: ClassVar[str] = (
        "رمز التحقق OTP المُدخل ({length} من الخانات) ليس سلسلة أرقام. أدخل الأرقام الستة الظاهرة في بوابة فاتورة."
    )
