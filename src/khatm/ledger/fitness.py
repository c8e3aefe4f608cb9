"""Whether a certificate that came back holds the public half of the key that asked for it."""

from khatm.errors import KhatmError
from khatm.ledger.errors import UnreadableToken


def compare(token: str, key_pem: bytes, *, unit: str, label: str) -> tuple[bool, str]:
    """Return whether the token's certificate fits the private key, and the certificate's common name.

    Raises UnreadableToken. Source: the stamp standard 4.1, the gateway contract 2.6.
    """
    from khatm.stamp.certificate import read_certificate
    from khatm.stamp.keys import load_key, public_key_info

    try:
        certificate = read_certificate(token)
    except (KhatmError, ValueError) as error:
        raise UnreadableToken(unit=unit, label=label, reason=type(error).__name__) from None
    return public_key_info(load_key(key_pem)) == certificate.spki, certificate.common_name
