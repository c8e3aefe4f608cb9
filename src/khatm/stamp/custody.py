"""Sealing of keys and secrets at rest: AES-256-GCM under a passphrase (scrypt) or a random key file.

A sealed text is: magic `KHTM`, format 1, kind of secret (1 passphrase, 2 key file), log2 of scrypt's N, 16 bytes of
salt, 12 bytes of nonce, then ciphertext and tag. Everything before the nonce and the purpose are authenticated, so a
sealed text opens only for what it was sealed for. Source: the design's file key (scrypt + AES-256-GCM), RFC 7914.
"""

import base64
import binascii
import hashlib
import hmac
import os
from pathlib import Path
from typing import Final

from khatm.stamp.errors import CannotUnseal, UnusableKeyFile

_MAGIC: Final = b"KHTM\x01"
_PASSPHRASE, _KEY_FILE = 1, 2
_KINDS: Final = {_PASSPHRASE: "a passphrase", _KEY_FILE: "a key file (master.key)"}
_LOG2_N: Final = 15  # 32 MB and about a tenth of a second, once per salt
_HIGHEST_LOG2_N: Final = 20
_SALT, _NONCE = 16, 12
_HEADER: Final = len(_MAGIC) + 2 + _SALT


class Custodian:
    """Seals and opens secrets with one passphrase or key; the derived key is kept per salt, in memory only."""

    def __init__(self, secret: bytes, kind: int) -> None:
        self._secret = secret
        self._kind = kind
        self._keys: dict[bytes, bytes] = {}
        self._header = b""

    def __repr__(self) -> str:
        return f"Custodian({_KINDS[self._kind]})"

    @classmethod
    def from_passphrase(cls, passphrase: str) -> "Custodian":
        """Seal under a passphrase of any length."""
        return cls(passphrase.encode(), _PASSPHRASE)

    @classmethod
    def from_key_file(cls, path: Path) -> "Custodian":
        """Seal under the 32 random bytes that a file holds as base64; UnusableKeyFile if it does not."""
        try:
            secret = base64.b64decode(path.read_bytes().strip(), validate=True)
        except OSError as error:
            raise UnusableKeyFile(str(path), error.strerror or "it cannot be read") from None
        except binascii.Error:
            raise UnusableKeyFile(str(path), "it is not base64") from None
        if len(secret) != 32:
            raise UnusableKeyFile(str(path), f"it holds {len(secret)} bytes instead of 32")
        return cls(secret, _KEY_FILE)

    @classmethod
    def in_memory(cls) -> "Custodian":
        """Seal under a random key that lives as long as this object."""
        return cls(os.urandom(32), _KEY_FILE)

    def seal(self, plain: bytes, purpose: str) -> bytes:
        """Encrypt bytes for a purpose such as `private key of unit 3`; the same purpose opens them."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if not self._header:
            log2_n = _LOG2_N if self._kind == _PASSPHRASE else 0
            self._header = _MAGIC + bytes((self._kind, log2_n)) + os.urandom(_SALT)
        header = self._header
        nonce = os.urandom(_NONCE)
        return header + nonce + AESGCM(self._key(header)).encrypt(nonce, plain, header + purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """Decrypt what `seal` made for the same purpose.

        Raises CannotUnseal for another passphrase, key file or purpose, and for damaged bytes.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        header = self._checked_header(sealed, purpose)
        nonce, ciphertext = sealed[_HEADER : _HEADER + _NONCE], sealed[_HEADER + _NONCE :]
        try:
            plain = AESGCM(self._key(header)).decrypt(nonce, ciphertext, header + purpose.encode())
        except InvalidTag:
            raise CannotUnseal(purpose, f"{_KINDS[self._kind]} that does not fit, or damaged bytes") from None
        if not self._header and header[len(_MAGIC) + 1] in (0, _LOG2_N):
            self._header = header  # go on with a salt that is derived already
        return plain

    def _checked_header(self, sealed: bytes, purpose: str) -> bytes:
        header = sealed[:_HEADER]
        if not header.startswith(_MAGIC) or len(sealed) < _HEADER + _NONCE + 16:
            raise CannotUnseal(purpose, "bytes that were never sealed, cut short, or sealed by a newer version")
        kind, log2_n = header[len(_MAGIC)], header[len(_MAGIC) + 1]
        if kind != self._kind:
            raise CannotUnseal(
                purpose, f"sealed with {_KINDS.get(kind, 'something unknown')}, not {_KINDS[self._kind]}"
            )
        if log2_n > _HIGHEST_LOG2_N or (kind == _PASSPHRASE) != (log2_n > 0):
            raise CannotUnseal(purpose, "damaged bytes")
        return header

    def _key(self, header: bytes) -> bytes:
        key = self._keys.get(header)
        if key is None:
            key = self._keys[header] = _derive(self._secret, self._kind, header)
        return key


def _derive(secret: bytes, kind: int, header: bytes) -> bytes:
    salt = header[-_SALT:]
    if kind == _KEY_FILE:  # already random: one keyed hash separates the salts
        return hmac.digest(secret, b"khatm custody" + salt, "sha256")
    n = 1 << header[len(_MAGIC) + 1]
    return hashlib.scrypt(secret, salt=salt, n=n, r=8, p=1, maxmem=256 * n * 8, dklen=32)
