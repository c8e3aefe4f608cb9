"""What can be an OTP (gateway contract 6.6), and where one comes from."""

import pytest

from khatm.environment import Environment
from khatm.onboarding.otp import OtpReason, is_otp, normalise_otp, one_otp
from khatm.onboarding.patience import Patience


@pytest.mark.parametrize(
    ("typed", "otp"),
    [("482913", "482913"), (" 482 913\n", "482913"), ("٤٨٢٩١٣", "482913"), ("۴۸۲۹۱۳", "482913"), ("012345", "012345")],
)
def test_an_otp_is_taken_as_people_type_it(typed: str, otp: str) -> None:
    assert normalise_otp(typed) == otp


@pytest.mark.parametrize(
    ("text", "sandbox", "elsewhere"),
    [
        ("123456", True, True),
        ("12345", True, False),
        ("1234567", False, False),
        ("12345a", False, False),
        ("", False, False),
    ],
)
def test_what_can_be_an_otp(text: str, sandbox: bool, elsewhere: bool) -> None:
    assert is_otp(text, Environment.SANDBOX) is sandbox
    assert is_otp(text, Environment.SIMULATION) is elsewhere
    assert is_otp(text, Environment.PRODUCTION) is elsewhere


def test_a_given_otp_is_given_once() -> None:
    source = one_otp("482913")
    assert source(OtpReason.ONBOARDING) == "482913"
    assert source(OtpReason.REFUSED) is None
    assert one_otp(None)(OtpReason.ONBOARDING) is None


def test_every_reason_has_a_sentence_in_both_languages() -> None:
    for reason in OtpReason:
        assert reason.sentence("en") != reason.sentence("ar")


def test_waits_double_up_to_the_ceiling_and_respect_what_the_gateway_asks() -> None:
    patience = Patience(first_wait=2.0, longest_wait=300.0)
    assert [patience.wait_after(attempt) for attempt in range(1, 11)] == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert patience.wait_after(1, 30.0) == 30
    assert patience.wait_after(1, 86400.0) == 300
    assert patience.wait_after(3, 1.0) == 8
