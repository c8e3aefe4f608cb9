"""Where the gateway is: the base address of each environment, and which addresses may replace it."""

import ipaddress
from urllib.parse import SplitResult, urlsplit

from khatm.environment import Environment
from khatm.gateway.errors import GatewayUrlWithExtras, InsecureGatewayUrl, UnreadableGatewayUrl

OFFICIAL_BASE = "https://gw-fatoora.zatca.gov.sa/e-invoicing"
"""The authority's gateway; a replacement takes the place of exactly this text (the gateway contract 1.1)."""

_LOOPBACK_V4 = ipaddress.IPv4Network("127.0.0.0/8")


def gateway_base(environment: Environment, override: str | None = None) -> str:
    """Return the base address of an environment, without trailing slash.

    `override` replaces OFFICIAL_BASE. Raises UnreadableGatewayUrl, GatewayUrlWithExtras (credentials, query,
    fragment) or InsecureGatewayUrl (http to anything but this machine).
    """
    base = OFFICIAL_BASE if override is None else checked_base(override)
    return f"{base}/{environment.path_segment}"


def checked_base(url: str) -> str:
    """Return a gateway address without trailing slash, or raise what is wrong with it."""
    text = url.strip()
    parts = _split(text)
    shown = _without_userinfo(parts)
    if "@" in parts.netloc:
        raise GatewayUrlWithExtras(found=shown, part="user name or password")
    if "?" in text:
        raise GatewayUrlWithExtras(found=shown, part="query")
    if "#" in text:
        raise GatewayUrlWithExtras(found=shown, part="fragment")
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise InsecureGatewayUrl(found=shown)
    return text.rstrip("/")


def is_loopback(host: str) -> bool:
    """Say whether a host name or address literal means this machine: localhost, 127.0.0.0/8 or ::1."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return address in _LOOPBACK_V4
    return address == ipaddress.IPv6Address("::1")


def _split(text: str) -> SplitResult:
    if not text.isascii() or not text.isprintable() or set(text) & set(' \\"<>^`{|}'):
        raise UnreadableGatewayUrl(found=_shorten(text))
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UnreadableGatewayUrl(found=_shorten(text)) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise UnreadableGatewayUrl(found=_shorten(text))
    return parts


def _without_userinfo(parts: SplitResult) -> str:
    """Return the address for a sentence: a password must not be repeated there, nor a long query."""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _shorten(text: str) -> str:
    """Return an unreadable address for a sentence, without anything that looks like credentials."""
    return text.rpartition("@")[2][:200]
