"""What onboarding and renewal tell while they walk: small facts for a live line on a terminal or a JSON line.

No OTP, key, token or secret is ever a fact here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from khatm.errors import KhatmError, Language


class StepName(StrEnum):
    """The five steps of the walk, as the command line's JSON lines name them."""

    CSR = "csr"
    OTP = "otp"
    CCSID = "ccsid"
    CHECK = "check"
    PCSID = "pcsid"


class Phase(StrEnum):
    """What an event says about its step."""

    STARTED = "started"
    """The call is about to be made."""
    WAITING = "waiting"
    """The gateway did not answer usably; the call is repeated after `seconds`."""
    NOTICE = "notice"
    """Something worth knowing that stops nothing; `notice` names it."""
    DONE = "done"
    FAILED = "failed"
    """The walk ends here; the error is raised right after."""


class NoticeCode(StrEnum):
    """What a NOTICE event is about."""

    RESUMED = "resumed"
    ALREADY_LIVE = "already-live"
    PLACEHOLDER_ADDRESS = "placeholder-address"
    SAME_OTP_AGAIN = "same-otp-again"
    STEPS_REPEATED = "steps-repeated"
    FOREIGN_CERTIFICATE = "foreign-certificate"
    RENEWAL_NEEDS_CHECKS = "renewal-needs-checks"

    def sentence(self, language: Language = "en") -> str:
        """Return the notice for people."""
        return _NOTICES[self][language]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `facts` hold only what JSON can carry."""

    step: StepName
    phase: Phase
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """False only for the event after which the walk stops."""
        return self.phase is not Phase.FAILED

    @property
    def closes_step(self) -> bool:
        """Whether a JSON line of the contract belongs to this event: a step done or failed."""
        return self.phase in (Phase.DONE, Phase.FAILED)

    def record(self) -> dict[str, object]:
        """Return `{"step": …, "ok": …, **facts}`, the shape of the command line's JSON lines."""
        return {"step": self.step.value, "ok": self.ok, **self.facts}


class Listener(Protocol):
    """Anything that wants to know how the walk goes on."""

    def __call__(self, event: Event, /) -> None:
        """Take one event; called in order, in the walk's own thread."""
        ...


class SilentListener:
    """Wants to know nothing."""

    def __call__(self, event: Event, /) -> None:
        """Ignore the event."""


class RecordingListener:
    """Keeps every event, for tests and for callers that print at the end."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event, /) -> None:
        """Keep the event."""
        self.events.append(event)

    def done(self, step: StepName) -> list[Event]:
        """Return the DONE events of one step, in order."""
        return [event for event in self.events if event.step is step and event.phase is Phase.DONE]

    def notices(self) -> list[str]:
        """Return the codes of the notices, in order."""
        return [str(event.facts["notice"]) for event in self.events if event.phase is Phase.NOTICE]


class Teller:
    """Builds events for one walk and hands them to its listener."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._step = StepName.CSR

    def started(self, step: StepName, **facts: object) -> None:
        """Say that a call is about to be made."""
        self._tell(step, Phase.STARTED, facts)

    def waiting(self, step: StepName, **facts: object) -> None:
        """Say that a call is repeated after a pause."""
        self._tell(step, Phase.WAITING, facts)

    def done(self, step: StepName, **facts: object) -> None:
        """Say that a step is done and stored."""
        self._tell(step, Phase.DONE, facts)

    def notice(self, step: StepName, code: NoticeCode, **facts: object) -> None:
        """Say something worth knowing, with its sentence in both languages."""
        message = {"en": code.sentence("en"), "ar": code.sentence("ar")}
        self._tell(step, Phase.NOTICE, {"notice": code.value, "message": message, **facts})

    def failed(self, error: KhatmError) -> None:
        """Say that the walk ends with an error at the step last told about."""
        message = {"en": error.sentence("en"), "ar": error.sentence("ar")}
        self._tell(self._step, Phase.FAILED, {"error": error.code, "message": message})

    def _tell(self, step: StepName, phase: Phase, facts: Mapping[str, object]) -> None:
        self._step = step
        self._listener(Event(step, phase, facts))


_NOTICES: dict[NoticeCode, dict[Language, str]] = {
    NoticeCode.RESUMED: {
        "en": "An earlier attempt stopped on the way; going on from where it stopped.",
        "ar": "توقفت محاولة سابقة في الطريق؛ نتابع من حيث توقفت.",
    },
    NoticeCode.ALREADY_LIVE: {
        "en": "The unit holds a live production CSID already; nothing was done.",
        "ar": "للوحدة شهادة إنتاج (PCSID) سارية بالفعل؛ لم يُفعل شيء.",
    },
    NoticeCode.PLACEHOLDER_ADDRESS: {
        "en": "The unit has no seller block: its compliance documents carry the CSR's names and VAT number and a "
        "placeholder identifier and address. Nothing of the compliance phase is recorded as a tax document.",
        "ar": "ليس للوحدة بيانات بائع: تحمل مستندات الامتثال الاسم والرقم الضريبي من طلب الشهادة ومعرّفًا وعنوانًا "
        "مؤقتين. لا يُسجَّل شيء من مرحلة الامتثال مستندًا ضريبيًا.",
    },
    NoticeCode.SAME_OTP_AGAIN: {
        "en": "The answer to the last request was lost; the same OTP is tried once more.",
        "ar": "فُقد ردّ الطلب الأخير؛ يُجرَّب رمز التحقق (OTP) نفسه مرة أخرى.",
    },
    NoticeCode.STEPS_REPEATED: {
        "en": "The authority misses compliance steps; they are run again.",
        "ar": "تنقص الهيئةَ خطوات امتثال؛ تُعاد هذه الخطوات.",
    },
    NoticeCode.FOREIGN_CERTIFICATE: {
        "en": "The sandbox issued its canned certificate, which was not made for this unit's key. It was kept; "
        "documents stamped under it carry a stamp that does not verify, so stamping asks for consent first.",
        "ar": "أصدرت بيئة الاختبار شهادتها الجاهزة التي لم تُنشأ لمفتاح هذه الوحدة. حُفظت الشهادة؛ ولأن ختم المستندات "
        "بها لا يجتاز التحقق فإن الختم يتطلب موافقة صريحة.",
    },
    NoticeCode.RENEWAL_NEEDS_CHECKS: {
        "en": "The authority asks for the compliance checks before it renews; the old production CSID works meanwhile.",
        "ar": "تطلب الهيئة فحوص الامتثال قبل التجديد؛ وتبقى شهادة الإنتاج القديمة سارية في هذه الأثناء.",
    },
}
