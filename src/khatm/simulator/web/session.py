"""Who is signed in: a signed cookie that holds the VAT number and the environment, so that nothing is kept here.

There is no password, because there is nothing to protect but the user's own play from other pages: the cookie is
SameSite=Strict and HttpOnly, and every form carries a token bound to it.
"""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field, replace

from khatm.environment import Environment

_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Session:
    """One browser: anonymous until a VAT number is given."""

    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    vat_number: str | None = None
    environment: Environment = Environment.SIMULATION

    def signed_in(self, vat_number: str, environment: Environment) -> "Session":
        """Return a fresh session of a taxpayer."""
        return Session(vat_number=vat_number, environment=environment)

    def switched(self, environment: Environment) -> "Session":
        """Return the same session in another environment."""
        return replace(self, environment=environment)


class Sessions:
    """Signs sessions into cookies and reads them back; the key lives as long as the process."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)

    def seal(self, session: Session) -> str:
        """Return the cookie's value."""
        members = [session.nonce, session.vat_number, session.environment.value]
        payload = base64.urlsafe_b64encode(json.dumps(members).encode()).decode()
        return f"{payload}.{self._mac('session', payload)}"

    def open(self, value: str | None) -> Session:
        """Return the session of a cookie, an anonymous one for none or for one that we did not seal."""
        if value is None or len(value) > _LONGEST:
            return Session()
        payload, _, mac = value.partition(".")
        if not _same(mac, self._mac("session", payload)):
            return Session()
        nonce, vat_number, environment = json.loads(base64.urlsafe_b64decode(payload))
        return Session(nonce, vat_number, Environment(environment))

    def form_token(self, session: Session) -> str:
        """Return what every form of this session carries."""
        return self._mac("form", session.nonce)

    def accepts(self, session: Session, token: str) -> bool:
        """Tell whether a form is one of this session's."""
        return _same(token, self.form_token(session))

    def _mac(self, use: str, text: str) -> str:
        return hmac.new(self._key, f"{use}:{text}".encode(), hashlib.sha256).hexdigest()


def _same(given: str, own: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), own.encode())
