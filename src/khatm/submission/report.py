"""What a run of submission tells: each document it tried, what waits, and which units cannot send and why."""

from dataclasses import dataclass, field

from khatm.errors import KhatmError, Language
from khatm.gateway.messages import Message
from khatm.gateway.verdict import Outcome
from khatm.ledger.documents import Document, DocumentState
from khatm.ledger.ledger import Ledger
from khatm.ledger.units import Unit

_GOOD = (DocumentState.ACCEPTED, DocumentState.ACCEPTED_WITH_WARNINGS)
_REFUSED = (DocumentState.REJECTED, DocumentState.SET_ASIDE)


@dataclass(frozen=True, slots=True)
class DocumentResult:
    """One document that was tried: as it stands now, and the outcome that decided."""

    unit: str
    document: Document
    outcome: Outcome | None
    """None when nothing was sent."""
    stops_unit: bool = False
    """Whether the outcome stopped the whole unit."""
    cleared: bool = False
    """Whether a cleared copy came and was stored."""
    objection: KhatmError | None = None
    """Why the document is set aside although the answer was a yes, or before anything was sent."""

    @property
    def accepted(self) -> bool:
        """Whether the document is accepted, with or without warnings."""
        return self.document.state in _GOOD

    @property
    def messages(self) -> tuple[Message, ...]:
        """The authority's messages about the document."""
        return () if self.outcome is None else self.outcome.messages

    @property
    def http_status(self) -> int | None:
        """The HTTP status of the answer, None when there was none."""
        return None if self.outcome is None else self.outcome.http_status

    def sentence(self, language: Language = "en") -> str:
        """Return what happened and what to do."""
        told = self.objection or self.outcome
        assert told is not None
        return told.sentence(language)


@dataclass(frozen=True, slots=True)
class NotOnboarded:
    """A unit without a Production CSID: nothing was sent for it."""

    unit: str
    generation: str | None
    """The credentials under way (G1 …), None when onboarding never began."""
    has_ccsid: bool
    missing_checks: tuple[str, ...]
    """Compliance checks that have not passed yet, by their names on the wire."""
    blocks: bool = True
    """Whether documents wait for it or it was asked for by name; a unit still being set up is no failure."""

    @property
    def command(self) -> str:
        """What to run next; with a CCSID in hand no new OTP is needed."""
        return f"khatm unit onboard {self.unit}" + ("" if self.has_ccsid else " --otp …")

    def sentence(self, language: Language = "en") -> str:
        """Return which step is missing and how to take it."""
        checks = ", ".join(self.missing_checks)
        if language == "ar":
            text = f"الوحدة {self.unit}: معرف الختم الإنتاجي (PCSID) غير موجود، فلم يُرسل شيء. نفّذ `{self.command}`."
            if not self.has_ccsid:
                return f"{text} معرف ختم الامتثال (CCSID) غير موجود أيضًا."
            return f"{text} فحوص الامتثال الناقصة: {checks}." if checks else f"{text} اجتيزت كل فحوص الامتثال."
        text = f"Unit {self.unit}: production CSID missing, nothing was sent: run `{self.command}`."
        if not self.has_ccsid:
            return f"{text} The compliance CSID is missing too."
        return f"{text} Missing compliance checks: {checks}." if checks else f"{text} All compliance checks passed."


@dataclass(frozen=True, slots=True)
class Stopped:
    """A unit whose sending is stopped, now or since an earlier run."""

    unit: str
    reason: str
    waiting: int

    def sentence(self, language: Language = "en") -> str:
        """Return why the unit sends nothing and how to go on."""
        if language == "ar":
            return (
                f"الوحدة {self.unit} متوقفة عن الإرسال و{self.waiting} من مستنداتها في الانتظار. السبب: {self.reason} "
                f"بعد إصلاح السبب نفّذ `khatm submit --unit {self.unit} --resume`."
            )
        return (
            f"Unit {self.unit} is stopped with {self.waiting} documents waiting: {self.reason} "
            f"When the cause is mended, run `khatm submit --unit {self.unit} --resume`."
        )


@dataclass(slots=True)
class SubmissionReport:
    """The sum of one run."""

    results: list[DocumentResult] = field(default_factory=list)
    """What was tried, in the order of its outcomes; empty for a run that keeps none because it may go on for long."""
    keeps_results: bool = True
    accepted: int = 0
    """How many of the documents tried are accepted, with or without warnings."""
    refused: int = 0
    """How many of the documents tried were rejected or set aside."""
    not_onboarded: list[NotOnboarded] = field(default_factory=list)
    stopped: list[Stopped] = field(default_factory=list)
    waiting: int = 0
    """Documents without a decision after this run, tried or not."""

    def hear(self, result: DocumentResult) -> None:
        """Count a document that was tried."""
        self.accepted += result.accepted
        self.refused += result.document.state in _REFUSED
        if self.keeps_results:
            self.results.append(result)

    def note_what_is_left(self, ledger: Ledger, unit: Unit) -> None:
        """Count what a unit still has to send, and say so if it is stopped."""
        left = ledger.unsent_count(unit)
        self.waiting += left
        reason = ledger.unit(unit.name).stopped_reason
        if reason is not None and left:
            self.stopped.append(Stopped(unit.name, reason, left))

    @property
    def exit_code(self) -> int:
        """1 if a document was refused or a unit cannot send what it should, else 3 if any still waits, else 0."""
        if self.refused or self.stopped or any(each.blocks for each in self.not_onboarded):
            return 1
        return 3 if self.waiting else 0
