"""The authority's portal: taxpayers and the one-time passwords that let a unit ask for its certificate."""

from enum import StrEnum


class Purpose(StrEnum):
    """What an OTP is good for: the portal has separate journeys for the two (gateway contract 6.6)."""

    ONBOARDING = "onboarding"
    RENEWAL = "renewal"
