"""Every error and notice of onboarding speaks both languages, says what to do, and holds nothing secret."""

import dataclasses
import inspect
import re
from typing import Any

import pytest

from khatm.errors import KhatmError
from khatm.onboarding import errors
from khatm.onboarding.events import Event, NoticeCode, Phase, RecordingListener, StepName, Teller

VALUES: dict[str, Any] = {
    "pid": 4711,
    "http_status": 400,
    "said": ("BR-KSA-63: no district",),
    "missing": ("standard-compliant",),
    "unknown": ("buyer-qr-code-compliant",),
}
CLASSES = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, KhatmError) and kind.__module__ == errors.__name__ and not kind.__name__.startswith("_")
]


def made(kind: type[KhatmError]) -> KhatmError:
    return kind(**{field.name: VALUES.get(field.name, f"<{field.name}>") for field in dataclasses.fields(kind)})


@pytest.mark.parametrize("kind", CLASSES)
def test_both_languages(kind: type[KhatmError]) -> None:
    error = made(kind)
    english, arabic = error.sentence("en"), error.sentence("ar")
    assert english.isascii()
    assert re.search(r"[\u0600-\u06ff]{3}", arabic)
    # Each sentence carries the same facts; advice is given per language.
    facts = [part for part in re.findall(r"<(\w+)>", english) if not part.endswith("_en")]
    assert sorted(set(facts)) == sorted({part for part in re.findall(r"<(\w+)>", arabic) if not part.endswith("_ar")})
    assert error.exit_code in (1, 2, 3)


def test_codes_are_kebab_case_and_each_its_own() -> None:
    codes = [kind.code for kind in CLASSES]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)


def test_a_refusal_without_words_shows_its_status() -> None:
    error = errors.CheckRefused(unit="till", step="standard-compliant", http_status=400, said=())
    assert "HTTP 400" in str(error)


def test_notices_speak_both_languages_and_reach_the_listener() -> None:
    heard = RecordingListener()
    for code in NoticeCode:
        Teller(heard).notice(StepName.CHECK, code, passed=[])
    for event, code in zip(heard.events, NoticeCode, strict=True):
        assert event.ok and not event.closes_step
        assert event.facts["message"] == {"en": code.sentence("en"), "ar": code.sentence("ar")}
        assert code.sentence("en") != code.sentence("ar")


def test_the_record_of_an_event_is_the_line_of_the_contract() -> None:
    assert Event(StepName.PCSID, Phase.DONE, {"generation": "G1"}).record() == {
        "step": "pcsid",
        "ok": True,
        "generation": "G1",
    }
    assert Event(StepName.OTP, Phase.FAILED, {"error": "otp-refused"}).record()["ok"] is False
