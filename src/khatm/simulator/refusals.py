"""How management and the guard refuse a call: the error's facts and sentences as JSON, its cause as a status."""

from typing import Final

from starlette.responses import JSONResponse, Response

from khatm.errors import KhatmError
from khatm.simulator.errors import (
    BodyTooLarge,
    ForeignHost,
    ForeignOrigin,
    HeadersTooLarge,
    NoFreeOtp,
    NotGrading,
    NoTls,
    TaxpayerNotActive,
    TooManyFaults,
    TooManySnapshots,
    UnknownDevice,
    UnknownExchange,
    UnknownFault,
    UnknownSnapshot,
    UnusableStore,
)

_STATUSES: Final[dict[type[KhatmError], int]] = {
    BodyTooLarge: 413,
    ForeignHost: 403,
    ForeignOrigin: 403,
    HeadersTooLarge: 431,
    NoFreeOtp: 409,
    NoTls: 404,
    NotGrading: 404,
    TaxpayerNotActive: 409,
    TooManyFaults: 409,
    TooManySnapshots: 409,
    UnknownDevice: 404,
    UnknownExchange: 404,
    UnknownFault: 404,
    UnknownSnapshot: 404,
    UnusableStore: 507,
}


def refusal(error: KhatmError) -> Response:
    """Return the answer for an error; 400 where its cause has no status of its own."""
    members = {"error": error.code, "message": {"en": error.sentence("en"), "ar": error.sentence("ar")}}
    return JSONResponse({**members, **error.facts()}, _STATUSES.get(type(error), 400))
