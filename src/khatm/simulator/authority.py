"""The certification authority of one simulator: its own throw-away keys, and the CSIDs it issues.

Issuer names are ZATCA's, because clients copy them into their stamps; the keys and the root are the instance's own.
Source: stamp standard 2.2 (last table and paragraph), gateway contract 2.5.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from khatm.environment import Environment
from khatm.simulator import certificates, der
from khatm.simulator.certificates import IssuedCertificate, PcsidIssuer, Subject
from khatm.simulator.csr import COMMON_NAME
from khatm.simulator.store import Store

_ROOT, _EINVOICING = "root", "eInvoicing"
_PEZ, _PRZ = "PEZEINVOICESCA2-CA", "PRZEINVOICESCA4-CA"
_ISSUER = {Environment.SANDBOX: _PRZ, Environment.SIMULATION: _PEZ, Environment.PRODUCTION: _PRZ}
_PREFIX_TAIL_DAYS = {_PEZ: (0x1A, b"\x00\x00", 730), _PRZ: (0x11, b"\x00\x01", 1825)}
_ROOT_NAME = der.name([(COMMON_NAME, der.utf8("Khatm Simulator Root"))])
_FIRST_REQUEST_NUMBER = 0x1000
# Long enough to rehearse several renewals on a shifted clock, and within UTCTime.
_AUTHORITY_YEARS = 20
_SLACK = timedelta(days=1)
"""CA certificates begin a little before the instance, so that a client whose clock is behind accepts them."""


@dataclass(frozen=True, slots=True)
class _Holder:
    """One of the authority's names with its key."""

    key: ec.EllipticCurvePrivateKey
    certificate: bytes

    @property
    def public_key(self) -> bytes:
        return certificates.public_key_info(self.key)


class Authority:
    """Issues certificates; its keys live in the store, so that a restarted instance is the same authority."""

    def __init__(
        self,
        store: Store,
        now: datetime,
        *,
        address: str = "http://127.0.0.1",
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """`address` is where clients reach the simulator; `random` gives that many octets for serial numbers."""
        self._store = store
        self._random = random
        self.address = address
        self._einvoicing = self._held(_EINVOICING, ec.SECP256K1(), partial(self._bare, now=now))
        self._root = self._held(_ROOT, ec.SECP256R1(), partial(self._own, name=_ROOT_NAME, issuer=None, now=now))
        self._issuers = {
            name: self._held(name, ec.SECP256R1(), partial(self._subordinate, common_name=name, now=now))
            for name in (_PEZ, _PRZ)
        }

    def issue_ccsid(self, request: Subject, milliseconds: int, *, plain: bool = False) -> IssuedCertificate:
        """Return a CCSID issued at this Unix time, which becomes its serial number; `plain` is `sign`'s."""
        tbs = certificates.ccsid_tbs(request, milliseconds)
        return certificates.read_issued(certificates.sign(tbs, self._einvoicing.key, plain=plain))

    def issue_pcsid(
        self,
        environment: Environment,
        request: Subject,
        now: datetime,
        *,
        days: int | None = None,
        plain: bool = False,
    ) -> IssuedCertificate:
        """Return a PCSID of an environment's issuer, valid from this second.

        `days` None is what the issuer's certificates last; `plain` is `sign`'s.
        """
        name = _ISSUER[environment]
        issuer = self._issuer(name, days)
        number = self._store.next_number(f"certificates of {name}", first=_FIRST_REQUEST_NUMBER)
        serial = certificates.pcsid_serial(issuer, number, self._random(8))
        tbs = certificates.pcsid_tbs(request, issuer, serial, now)
        return certificates.read_issued(certificates.sign(tbs, self._issuers[name].key, plain=plain))

    def chain(self, environment: Environment) -> tuple[bytes, ...]:
        """Return the DER of the certificates that verify an environment's CSIDs: eInvoicing, PCSID issuer, root."""
        issuer = self._issuers[_ISSUER[environment]]
        return self._einvoicing.certificate, issuer.certificate, self._root.certificate

    def certificate_of(self, name: str) -> bytes | None:
        """Return the certificate that caIssuers of a PCSID points at, by the issuer's common name."""
        held = self._issuers.get(name)
        return None if held is None else held.certificate

    def _issuer(self, name: str, days: int | None) -> PcsidIssuer:
        prefix, tail, usual_days = _PREFIX_TAIL_DAYS[name]
        held = self._issuers[name]
        return PcsidIssuer(
            common_name=name,
            key_id=certificates.key_id(held.public_key),
            address=f"{self.address}/CertEnroll/{name}.crt",
            prefix=prefix,
            tail=tail,
            days=usual_days if days is None else days,
            ends=certificates.validity(held.certificate)[1],
        )

    def _held(
        self, name: str, curve: ec.EllipticCurve, certify: Callable[[ec.EllipticCurvePrivateKey], bytes]
    ) -> _Holder:
        with self._store.transaction():
            kept = self._store.authority_key(name)
            if kept is None:
                key = ec.generate_private_key(curve)
                certificate = certify(key)
                encoded = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
                self._store.keep_authority_key(name, encoded, certificate)
                return _Holder(key, certificate)
        loaded = load_der_private_key(kept[0], password=None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        return _Holder(loaded, kept[1])

    def _bare(self, key: ec.EllipticCurvePrivateKey, now: datetime) -> bytes:
        begins, ends = _authority_validity(now)
        public_key, name = certificates.public_key_info(key), certificates.EINVOICING_NAME
        return certificates.sign(certificates.bare_tbs(name, public_key, self._random(16), begins, ends), key)

    def _subordinate(self, key: ec.EllipticCurvePrivateKey, common_name: str, now: datetime) -> bytes:
        return self._own(key, certificates.pcsid_issuer_name(common_name), self._root, now)

    def _own(self, key: ec.EllipticCurvePrivateKey, name: bytes, issuer: _Holder | None, now: datetime) -> bytes:
        begins, ends = _authority_validity(now)
        public_key = certificates.public_key_info(key)
        tbs = certificates.authority_tbs(
            subject=name,
            issuer=name if issuer is None else _ROOT_NAME,
            public_key=public_key,
            issuer_key_id=certificates.key_id(public_key if issuer is None else issuer.public_key),
            serial=self._random(16),
            begins=begins,
            ends=ends,
            path_length=None if issuer is None else 0,
        )
        return certificates.sign(tbs, key if issuer is None else issuer.key)


def _authority_validity(now: datetime) -> tuple[datetime, datetime]:
    begins = (now - _SLACK).replace(microsecond=0)
    return begins, begins + timedelta(days=365 * _AUTHORITY_YEARS)
