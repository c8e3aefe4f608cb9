"""Refuse every connection that leaves the machine: loaded by Python itself in the tests and in their children."""

import ipaddress
import socket
import sys


def _is_loopback(address: object) -> bool:
    if isinstance(address, (str, bytes)):
        return True  # a Unix socket path never leaves the machine
    host = address[0] if isinstance(address, tuple) and address else ""
    if host in ("localhost", "", None):
        return True
    try:
        return ipaddress.ip_address(str(host).split("%")[0]).is_loopback
    except ValueError:
        return False


def _guard(event: str, arguments: tuple) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        sock, address = arguments[0], arguments[1]
        family = getattr(sock, "family", None)
        if family in (socket.AF_INET, socket.AF_INET6) and address is not None and not _is_loopback(address):
            raise PermissionError(f"tests talk to loopback only; refused {event} to {address!r}")
    elif event == "socket.getaddrinfo":
        host = arguments[0]
        text = host.decode() if isinstance(host, bytes) else host
        if text is not None and not _is_loopback((text,)):
            raise PermissionError(f"tests talk to loopback only; refused to look up {text!r}")


sys.addaudithook(_guard)
