"""One-time passwords: where they come from, why one is asked for, and what can be one at all.

Source: gateway contract, section 6.6 (six digits as text, one hour, single use).
"""

from collections.abc import Callable
from enum import StrEnum

from khatm.environment import Environment
from khatm.errors import Language


class OtpReason(StrEnum):
    """Why an OTP is asked for."""

    ONBOARDING = "onboarding"
    RENEWAL = "renewal"
    MALFORMED = "malformed"
    """The last one cannot be an OTP; it was not sent."""
    REFUSED = "refused"
    """The authority refused the last one."""
    ANSWER_LOST = "answer-lost"
    """The answer to a request was lost, and the OTP it carried does not work any longer."""

    def sentence(self, language: Language = "en") -> str:
        """Return the reason for people."""
        return _REASONS[self][language]


OtpSource = Callable[[OtpReason], str | None]
"""Gives an OTP for a reason, or None when it has none (any more)."""

_WESTERN = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")


def one_otp(otp: str | None) -> OtpSource:
    """Return a source that gives `otp` once and then has none, as `--otp` on a command line does."""
    remaining = [otp]

    def source(reason: OtpReason) -> str | None:
        del reason
        return remaining.pop() if remaining else None

    return source


def normalise_otp(text: str) -> str:
    """Return an OTP as it travels: no white space around or inside, Arabic-Indic digits as ASCII ones."""
    return "".join(text.split()).translate(_WESTERN)


def lengths_allowed(environment: Environment) -> tuple[int, ...]:
    """Return how many digits an OTP may have; the sandbox takes five too (gateway contract, section 6.6)."""
    return (5, 6) if environment is Environment.SANDBOX else (6,)


def is_otp(text: str, environment: Environment) -> bool:
    """Return whether a normalised text can be an OTP of the environment."""
    return text.isascii() and text.isdigit() and len(text) in lengths_allowed(environment)


_REASONS: dict[OtpReason, dict[Language, str]] = {
    OtpReason.ONBOARDING: {
        "en": "An OTP for onboarding is needed.",
        "ar": "مطلوب رمز تحقق (OTP) لغرض التسجيل.",
    },
    OtpReason.RENEWAL: {
        "en": "An OTP for renewal is needed.",
        "ar": "مطلوب رمز تحقق (OTP) لغرض التجديد.",
    },
    OtpReason.MALFORMED: {
        "en": "That cannot be an OTP: six digits are needed. It was not sent.",
        "ar": "لا يمكن أن يكون هذا رمز تحقق: المطلوب ستة أرقام. لم يُرسل.",
    },
    OtpReason.REFUSED: {
        "en": "The authority refused the OTP (wrong, used or expired); another one is needed.",
        "ar": "رفضت الهيئة رمز التحقق (خاطئ أو مستعمل أو منتهٍ)؛ مطلوب رمز آخر.",
    },
    OtpReason.ANSWER_LOST: {
        "en": "The answer to a request was lost and its OTP is used up; another one is needed.",
        "ar": "فُقد ردّ طلب واستُهلك رمز تحققه؛ مطلوب رمز آخر.",
    },
}
