"""Steps on the screen: one line per step, live on a terminal, or one JSON object per step."""

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from khatm.cli.output import OutputFormat, emit, is_live, progress, say
from khatm.ledger.documents import Route
from khatm.onboarding.events import Event, Phase

if TYPE_CHECKING:
    from khatm.submission.report import DocumentResult

# step -> its name for people, and the facts worth a line of text; JSON lines carry them all.
_SHOWN: dict[str, tuple[str, tuple[str, ...]]] = {
    "csr": ("key and CSR", ("common_name", "template", "type_map")),
    "otp": ("one-time password", ()),
    "ccsid": ("Compliance CSID", ("request_id",)),
    "check": ("compliance check", ("name", "http_status")),
    "pcsid": ("Production CSID", ("request_id", "issuer", "not_after")),
    "issue": ("issued", ("icv", "profile", "kind", "payable")),
    "clear": ("cleared", ("icv", "type_code", "http_status", "state", "codes")),
    "report": ("reported", ("icv", "type_code", "http_status", "state", "codes")),
    "chain": ("chain verified", ("documents", "last_hash")),
}


class StepPrinter:
    """Prints steps as they happen; usable as an onboarding listener. In JSON mode only closed steps are printed, and
    notices go to stderr.
    """

    def __init__(self, output_format: OutputFormat) -> None:
        self._json = output_format == "json"
        self._live = not self._json and is_live(sys.stdout)
        self._pending = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clear()

    def __call__(self, event: Event, /) -> None:
        """Show one event of onboarding or renewal."""
        if event.closes_step:
            self.step(event.step.value, ok=event.ok, **event.facts)
        elif event.phase is Phase.NOTICE:
            message = event.facts.get("message")
            text = message.get("en") if isinstance(message, Mapping) else event.facts.get("notice")
            if self._json:
                progress(str(text))
            else:
                self._line(f"  · {text}")
        elif self._json:
            return
        elif event.phase is Phase.WAITING:
            self._line(
                f"  … {self._name(event.step.value)}: no usable answer; trying again in {event.facts.get('seconds')} s"
            )
        elif self._live:
            self._clear()
            say(f"  … {self._name(event.step.value)}{_detail(event.step.value, event.facts)}", newline=False)
            self._pending = True

    def step(self, step: str, *, ok: bool, **facts: object) -> None:
        """Show a finished step with its facts."""
        if self._json:
            emit({"step": step, "ok": ok, **facts})
            return
        self._line(f"  {'✓' if ok else '✗'} {self._name(step):<18}{_detail(step, facts)}")

    def document(self, result: "DocumentResult") -> None:
        """Show a document that was sent, and what the authority said of it."""
        document = result.document
        self.step(
            "clear" if document.route is Route.CLEARANCE else "report",
            ok=result.accepted,
            icv=document.icv,
            type_code=document.type_code,
            state=document.state.value,
            http_status=result.http_status,
            codes=[message.code for message in result.messages if message.level != "info"],
        )

    def summary(self, line: str, **facts: object) -> None:
        """Show what it all came to: a line for people, or the last JSON line with the facts."""
        if self._json:
            emit({"step": "summary", **facts})
        else:
            self._line(line)

    def text(self, line: str) -> None:
        """Show a line for people; nothing in JSON mode."""
        if not self._json:
            self._line(line)

    def _line(self, line: str) -> None:
        self._clear()
        say(line)

    def _clear(self) -> None:
        if self._pending:
            say("\r\033[K", newline=False)
            self._pending = False

    @staticmethod
    def _name(step: str) -> str:
        return _SHOWN[step][0] if step in _SHOWN else step


def _detail(step: str, facts: Mapping[str, object]) -> str:
    names = _SHOWN[step][1] if step in _SHOWN else tuple(facts)
    shown = [
        f"{name.replace('_', ' ')} {_value(facts[name])}" if name not in ("name", "state") else str(facts[name])
        for name in names
        if facts.get(name) not in (None, "", [], ())
    ]
    return "  " + ", ".join(shown) if shown else ""


def _value(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return " ".join(str(each) for each in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
