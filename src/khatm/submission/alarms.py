"""Alarms about late documents, and who is told of them: a command of the user's, or a memory for tests."""

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from khatm.environment import Environment
from khatm.submission.errors import EscalationFailed, UnusableEscalationCommand

COMMAND = "KHATM_ESCALATION_COMMAND"
"""The setting that names the command to be told; its words are split as a shell would, but no shell runs it."""
PATIENCE = 30.0
"""Seconds that a command may take."""
_SECRET_SETTINGS = ("KHATM_PASSPHRASE", "KHATM_DATABASE_URL")


@dataclass(frozen=True, slots=True)
class LateDocument:
    """A document that is late, as whoever is told sees it."""

    uuid: str
    icv: int
    state: str
    deadline: datetime | None
    attempts: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class Alarm:
    """Documents of one unit that have reached one level."""

    unit: str
    environment: Environment
    hours: int
    documents: tuple[LateDocument, ...]

    def as_json(self) -> dict[str, object]:
        """Return the alarm as plain values, times as ISO 8601 text."""
        return {
            "unit": self.unit,
            "environment": self.environment.value,
            "hours": self.hours,
            "documents": [
                {
                    "uuid": one.uuid,
                    "icv": one.icv,
                    "state": one.state,
                    "deadline": None if one.deadline is None else one.deadline.isoformat(),
                    "attempts": one.attempts,
                    "reason": one.reason,
                }
                for one in self.documents
            ],
        }


class AlarmHook(Protocol):
    """Anything that can be told of late documents."""

    def tell(self, alarm: Alarm) -> None:
        """Tell; raise EscalationFailed when it did not work, and it is tried again."""
        ...


@dataclass
class RememberedAlarms:
    """Keeps the alarms in memory, for tests and rehearsals; fails as often as it is told to."""

    alarms: list[Alarm] = field(default_factory=list)
    failures: int = 0

    def tell(self, alarm: Alarm) -> None:
        """Remember the alarm, or fail."""
        if self.failures:
            self.failures -= 1
            raise EscalationFailed(command="memory", reason="told to fail")
        self.alarms.append(alarm)


class CommandHook:
    """Runs a command with the alarm as one JSON object on its standard input; exit code 0 means that it took it.

    Nothing about the documents stands among its arguments, and the settings that hold secrets are kept from it.
    """

    def __init__(self, words: list[str], patience: float = PATIENCE) -> None:
        self._words = words
        self._patience = patience

    def tell(self, alarm: Alarm) -> None:
        """Run the command. Raises EscalationFailed when it cannot be run, fails, or takes too long."""
        settings = {name: value for name, value in os.environ.items() if name not in _SECRET_SETTINGS}
        try:
            process = subprocess.Popen(  # noqa: S603 (the user's own command, without a shell)
                self._words,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=settings,
                start_new_session=os.name == "posix",
            )
        except OSError as error:
            raise EscalationFailed(command=self._words[0], reason=error.strerror or type(error).__name__) from None
        try:
            process.communicate(json.dumps(alarm.as_json(), ensure_ascii=False).encode(), self._patience)
        except subprocess.TimeoutExpired:
            _end(process)
            raise EscalationFailed(command=self._words[0], reason=f"no end within {self._patience:g} s") from None
        if process.returncode != 0:
            raise EscalationFailed(command=self._words[0], reason=f"exit code {process.returncode}")


def hook_of(settings: Mapping[str, str]) -> AlarmHook | None:
    """Return the hook that the settings name, None without one. Raises UnusableEscalationCommand."""
    text = settings.get(COMMAND) or ""
    if not text:
        return None
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UnusableEscalationCommand(found=text, reason=str(error)) from None
    if not words:
        raise UnusableEscalationCommand(found=text, reason="it names no program")
    return CommandHook(words)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a command with everything that it has started."""
    with suppress(ProcessLookupError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
