"""Keeping secrets out of what is written down about a call: the journal's facts and stored bodies."""

import json
from collections.abc import Mapping

REDACTED = "(not kept)"
_SECRET_NAMES = frozenset(
    ("secret", "otp", "authorization", "proxy-authorization", "cookie", "set-cookie", "password", "passphrase")
)


def without_secrets(value: object) -> object:
    """Return plain data with every member of a secret's name blanked, also inside text that is itself JSON.

    A secret that the gateway hands out stands in the body of its answer; the body is kept as evidence, the
    secret is not. Source: the gateway contract 2.2 and 4.2.
    """
    if isinstance(value, Mapping):
        return {
            str(name): REDACTED if str(name).lower() in _SECRET_NAMES and item else without_secrets(item)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        if len(value) == 2 and str(value[0]).lower() in _SECRET_NAMES:
            return [value[0], REDACTED]  # a header as a pair
        return [without_secrets(item) for item in value]
    if value is None or isinstance(value, int | float):
        return value
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return _json_text_without_secrets(text) if text.lstrip()[:1] in ("{", "[") else text


def _json_text_without_secrets(text: str) -> str:
    try:
        parsed: object = json.loads(text)
    except ValueError:
        return text
    kept = without_secrets(parsed)
    # Untouched text stays byte for byte what was received.
    return text if kept == parsed else json.dumps(kept, ensure_ascii=False)
