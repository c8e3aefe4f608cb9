"""Who may call: the interface version, and Basic authentication with a CSID.

Source: gateway contract, sections 1.4 (version), 1.5 (the order of the checks) and 4.8 (one 401 for every failure).
"""

import base64
import binascii
import hmac
from collections.abc import Collection
from functools import lru_cache

from khatm.environment import Environment
from khatm.simulator.causes import Because, Cause
from khatm.simulator.certificates import read_issued
from khatm.simulator.exchange import Request
from khatm.simulator.fatoora import Fatoora
from khatm.simulator.registry import Credential, CredentialKind, digest
from khatm.simulator.store import utc_text
from khatm.simulator.switches import Switches

_VERSION = "V2"


def version_accepted(request: Request, switches: Switches) -> bool:
    """Tell whether the call names the interface version that there is."""
    version = request.header("accept-version") or ""
    return (version.upper() if switches.accept_version == "any-case" else version) == _VERSION


def authenticate(
    fatoora: Fatoora, environment: Environment, request: Request, kinds: Collection[CredentialKind]
) -> Credential | None:
    """Return the credential that a call proves to hold, None if it proves none that fits the endpoint.

    The user name is the token exactly as it was given out, up to the first colon, which base64 does not have.
    """
    pair = _basic_pair(request.header("authorization"))
    if pair is None:
        return None
    token, secret = pair
    offered = digest(secret)
    now = fatoora.clock.now()
    for credential in fatoora.registry.credentials_by_token(environment, token):
        if hmac.compare_digest(credential.secret_hash, offered) and credential.usable(now):
            return credential if credential.kind in kinds else None
    return None


def why_unauthorized(
    fatoora: Fatoora, environment: Environment, request: Request, kinds: Collection[CredentialKind]
) -> Because:
    """Return what is wrong with a call that `authenticate` refuses, in the order of its checks."""
    header = request.header("authorization")
    pair = _basic_pair(header)
    if pair is None:
        return Because(Cause.UNREADABLE_AUTHORIZATION if header else Cause.NO_AUTHORIZATION)
    token, secret = pair
    known = fatoora.registry.credentials_by_token(environment, token)
    if not known:
        others = (each for each in Environment if fatoora.registry.credentials_by_token(each, token))
        other = next(others, None)
        return Because(Cause.OTHER_ENVIRONMENT, other.value) if other else Because(Cause.UNKNOWN_TOKEN)
    held = [each for each in known if hmac.compare_digest(each.secret_hash, digest(secret))]
    if not held:
        return Because(Cause.WRONG_SECRET)
    now = fatoora.clock.now()
    usable = [each for each in held if each.usable(now)]
    if usable and usable[0].kind not in kinds:
        return Because(Cause.WRONG_KIND, usable[0].kind.upper())
    revoked_at = held[0].revoked_at
    if revoked_at is not None and revoked_at <= now:
        return Because(Cause.REVOKED, utc_text(revoked_at))
    return Because(Cause.EXPIRED, utc_text(held[0].not_after))


@lru_cache(maxsize=1024)
def vat_number_of(token: str) -> str | None:
    """Return the VAT number of the certificate in a token, None if there is none to read."""
    try:
        issued = read_issued(base64.b64decode(base64.b64decode(token, validate=True), validate=True))
    except (ValueError, IndexError):
        return None
    return issued.vat_number or None


def claimed_token(request: Request) -> str | None:
    """Return the token that a call says it holds, proven or not."""
    pair = _basic_pair(request.header("authorization"))
    return None if pair is None else pair[0]


@lru_cache(maxsize=64)
def _basic_pair(header: str | None) -> tuple[str, str] | None:
    if header is None:
        return None
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    token, colon, secret = text.partition(":")
    return (token, secret) if colon else None
