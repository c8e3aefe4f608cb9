"""The two certificates that the authority holds itself: the platform's, which stamps cleared documents, and the
sandbox's fixed one, which answers everybody.

Source: stamp standard 7 (platform), gateway contract 2.6 (fixed certificate).
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from khatm.environment import Environment
from khatm.simulator import certificates, der
from khatm.simulator.authority import Authority
from khatm.simulator.certificates import IssuedCertificate
from khatm.simulator.csr import (
    BUSINESS_CATEGORY,
    COMMON_NAME,
    COUNTRY,
    ORGANIZATION,
    ORGANIZATION_UNIT,
    REGISTERED_ADDRESS,
    SURNAME,
    TITLE,
    USER_ID,
)
from khatm.simulator.errors import UnreadableCannedCertificate
from khatm.simulator.store import Store

CANNED_SECRET = "CkYsEXfV8c1gFHAtFWoZv73pGMvh/Qyo4LzKM2h/8Hg="  # noqa: S105 - a published constant of the sandbox
"""The secret that the sandbox gives everybody together with its fixed certificate."""

_DIRECTORY_NAME = 4


@dataclass(frozen=True, slots=True)
class _OwnSubject:
    """A subject of the authority's own making, in the shape of a request."""

    subject: bytes
    names: tuple[tuple[str, str], ...]
    alternative_name: bytes
    public_key: bytes


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """A key of the authority with the certificate on it."""

    key: ec.EllipticCurvePrivateKey
    certificate: IssuedCertificate


class OwnCertificates:
    """Makes the authority's own certificates at first use and renews them when they have expired."""

    def __init__(self, store: Store, authority: Authority, canned_file: IssuedCertificate | None = None) -> None:
        """`canned_file` is the fixed certificate that an operator configured, if any."""
        self._store = store
        self._authority = authority
        self._canned_file = canned_file
        self._held: dict[str, OwnCertificate] = {}

    def platform(self, environment: Environment, now: datetime) -> OwnCertificate:
        """Return the key that stamps an environment's cleared documents, with a certificate valid at `now`."""
        names = (
            (COUNTRY, "SA"),
            (ORGANIZATION_UNIT, "Clearance"),
            (ORGANIZATION, "Khatm Simulator"),
            (COMMON_NAME, f"KHATM-PLATFORM-{environment.value}"),
        )
        unit = ("1-Khatm|2-Simulator|3-platform", "300000000000003", "1100", "Loopback", "Clearance platform")
        return self._own(f"platform {environment.value}", environment, names, unit, now)

    def canned(self, now: datetime) -> IssuedCertificate:
        """Return the sandbox's fixed certificate: the configured one, else one of ours with the published subject."""
        if self._canned_file is not None:
            return self._canned_file
        names = (
            (COUNTRY, "SA"),
            (ORGANIZATION_UNIT, "Riyadh Branch"),
            (ORGANIZATION, "Maximum Speed Tech Supply LTD"),
            (COMMON_NAME, "TST-886431145-399999999900003"),
        )
        serial = "1-TST|2-TST|3-ed22f1d8-e6a2-1118-9b58-d9a8f11e445f"
        unit = (serial, "399999999900003", "1100", "RRRD2929", "Supply activities")
        return self._own("canned", Environment.SANDBOX, names, unit, now).certificate

    def _own(
        self,
        name: str,
        environment: Environment,
        names: tuple[tuple[str, str], ...],
        unit: tuple[str, str, str, str, str],
        now: datetime,
    ) -> OwnCertificate:
        held = self._held.get(name) or self._kept(name)
        if held is None or now >= held.certificate.not_after:
            key = ec.generate_private_key(ec.SECP256K1()) if held is None else held.key
            issued = self._authority.issue_pcsid(environment, _subject(names, unit, key), now)
            encoded = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
            self._store.keep_authority_key(name, encoded, issued.der)
            held = OwnCertificate(key, issued)
        self._held[name] = held
        return held

    def _kept(self, name: str) -> OwnCertificate | None:
        kept = self._store.authority_key(name)
        if kept is None:
            return None
        key = load_der_private_key(kept[0], password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return OwnCertificate(key, certificates.read_issued(kept[1]))


def _subject(
    names: tuple[tuple[str, str], ...], unit: tuple[str, str, str, str, str], key: ec.EllipticCurvePrivateKey
) -> _OwnSubject:
    kinds = (SURNAME, USER_ID, TITLE, REGISTERED_ADDRESS, BUSINESS_CATEGORY)
    directory = der.name((kind, der.utf8(text)) for kind, text in zip(kinds, unit, strict=True))
    return _OwnSubject(
        subject=der.name((kind, der.printable(text)) for kind, text in names),
        names=names,
        alternative_name=der.sequence(der.explicit(_DIRECTORY_NAME, directory)),
        public_key=certificates.public_key_info(key),
    )


def read_canned_file(path: Path) -> IssuedCertificate:
    """Read the file that an operator configured as the sandbox's fixed certificate.

    Raises UnreadableCannedCertificate.
    """
    try:
        issued = certificates.read_issued(certificates.decode_certificate_file(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise UnreadableCannedCertificate(path=str(path), reason=str(error)) from error
    if not (issued.vat_number and issued.type_map):
        raise UnreadableCannedCertificate(path=str(path), reason="it names no VAT number and invoice type map")
    return issued
