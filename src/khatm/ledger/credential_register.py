"""Credential generations with their sealed keys and secrets, one transaction per method."""

import uuid

from khatm.ledger import fitness, generations, units
from khatm.ledger.errors import CertificateNotOurs, CredentialsAbsent
from khatm.ledger.generations import Generation, Purpose, StoredCredentials
from khatm.ledger.register import Register
from khatm.ledger.units import Unit


class CredentialRegister(Register):
    """The part of the ledger that keeps keys, CCSIDs and PCSIDs."""

    def begin_generation(
        self, unit: Unit | str, key_pem: bytes, csr_pem: bytes, purpose: Purpose | str = Purpose.ONBOARDING
    ) -> Generation:
        """Store a new private key (sealed) and its CSR beside whatever is live. Raises GenerationOpen."""
        seal_id = uuid.uuid4().hex
        sealed_key = self._seals.seal(key_pem, _key_purpose(seal_id))
        with self._store.write() as connection:
            found = units.locked(connection, unit)
            return generations.begin(
                connection,
                unit_id=found.id,
                unit_name=found.name,
                number=units.take_generation_number(connection, found.id),
                purpose=Purpose(purpose),
                seal_id=seal_id,
                sealed_key=sealed_key,
                csr_pem=csr_pem,
                now=self._clock.now(),
            )

    def generation(self, generation: Generation | int) -> Generation:
        """Return a generation as it stands now."""
        with self._store.read() as connection:
            return generations.by_id(connection, generation if isinstance(generation, int) else generation.id)

    def generations(self, unit: Unit | str) -> list[Generation]:
        """Return a unit's generations, oldest first."""
        with self._store.read() as connection:
            return generations.of_unit(connection, units.find(connection, unit).id)

    def live_generation(self, unit: Unit | str) -> Generation | None:
        """Return the generation that holds the unit's Production CSID, if there is one."""
        with self._store.read() as connection:
            return generations.live_one(connection, units.find(connection, unit).id)

    def open_generation(self, unit: Unit | str) -> Generation | None:
        """Return the generation under way (prepared or compliance), if there is one."""
        with self._store.read() as connection:
            return generations.open_one(connection, units.find(connection, unit).id)

    def record_ccsid(self, generation: Generation, token: str, secret: str, request_id: str) -> Generation:
        """Store the Compliance CSID that `POST /compliance` (or a renewal's 428) gave; prepared → compliance.

        Repeating it with the same token changes nothing. Raises WrongGenerationState.
        """
        sealed = self._seals.seal(secret.encode(), _secret_purpose(self._seal_id(generation), "ccsid"))
        with self._store.write() as connection:
            name = units.locked(connection, generation).name
            return generations.set_ccsid(
                connection, generation, name, token=token, sealed_secret=sealed, request_id=request_id
            )

    def record_step(self, generation: Generation, step_name: str) -> Generation:
        """Record a passed compliance step, once. Raises WrongGenerationState."""
        with self._store.write() as connection:
            name = units.locked(connection, generation).name
            return generations.add_step(connection, generation, name, step_name, self._clock.now())

    def reset_steps(self, generation: Generation, steps: tuple[str, ...] | None = None) -> Generation:
        """Forget passed steps, all or those named, because the authority says that it lacks them."""
        with self._store.write() as connection:
            name = units.locked(connection, generation).name
            return generations.clear_steps(connection, generation, name, steps)

    def record_pcsid(
        self,
        generation: Generation,
        token: str,
        secret: str,
        request_id: str,
        *,
        foreign_certificate: bool = False,
    ) -> Generation:
        """Store the Production CSID; the generation becomes live and the former one retires, in one transaction.

        The certificate must hold the generation's own key, unless the caller opts in to a foreign one (the sandbox's
        fixed certificate); stamping with it needs the same opt-in. A stopped unit may send again. Repeating it with
        the same token changes nothing. Raises CertificateNotOurs, UnreadableToken, WrongGenerationState.
        """
        fits, subject = self._compare(generation, token)
        if not fits and not foreign_certificate:
            raise CertificateNotOurs(
                unit=self._unit_name(generation), label=generation.label, certificate_subject=subject
            )
        sealed = self._seals.seal(secret.encode(), _secret_purpose(self._seal_id(generation), "pcsid"))
        with self._store.write() as connection:
            name = units.locked(connection, generation).name
            units.resume(connection, generation.unit_id)
            return generations.go_live(
                connection,
                generation,
                name,
                token=token,
                sealed_secret=sealed,
                request_id=request_id,
                foreign_certificate=not fits,
                now=self._clock.now(),
            )

    def abandon_generation(self, generation: Generation, reason: str) -> Generation:
        """Give up a generation that is not live. Raises WrongGenerationState."""
        with self._store.write() as connection:
            name = units.locked(connection, generation).name
            return generations.abandon(connection, generation, name, reason, self._clock.now())

    def key_of(self, generation: Generation) -> bytes:
        """Open a generation's private key, exactly as it was given (PEM)."""
        with self._store.read() as connection:
            row = generations.sealed(connection, generation.id)
        return self._seals.open(row.key, _key_purpose(row.seal_id))

    def ccsid_credentials(self, generation: Generation) -> StoredCredentials:
        """Open a generation's Compliance CSID. Raises CredentialsAbsent."""
        with self._store.read() as connection:
            row = generations.sealed(connection, generation.id)
            token = generations.by_id(connection, generation.id).ccsid_token
        return self._credentials(generation, "ccsid", token, row.ccsid_secret, row.seal_id)

    def pcsid_credentials(self, generation: Generation) -> StoredCredentials:
        """Open a generation's Production CSID. Raises CredentialsAbsent."""
        with self._store.read() as connection:
            row = generations.sealed(connection, generation.id)
            token = generations.by_id(connection, generation.id).pcsid_token
        return self._credentials(generation, "pcsid", token, row.pcsid_secret, row.seal_id)

    def _seal_id(self, generation: Generation) -> str:
        with self._store.read() as connection:
            return generations.sealed(connection, generation.id).seal_id

    def _unit_name(self, generation: Generation) -> str:
        with self._store.read() as connection:
            return units.by_id(connection, generation.unit_id).name

    def _compare(self, generation: Generation, token: str) -> tuple[bool, str]:
        return fitness.compare(token, self.key_of(generation), unit=self._unit_name(generation), label=generation.label)

    def _credentials(
        self, generation: Generation, kind: str, token: str | None, sealed: bytes | None, seal_id: str
    ) -> StoredCredentials:
        if token is None or sealed is None:
            raise CredentialsAbsent(unit=self._unit_name(generation), label=generation.label, kind=kind.upper())
        return StoredCredentials(token, self._seals.open(sealed, _secret_purpose(seal_id, kind)).decode())


# A seal is bound to its row and column: a sealed value moved elsewhere in the database does not open.


def _key_purpose(seal_id: str) -> str:
    return f"private key {seal_id}"


def _secret_purpose(seal_id: str, kind: str) -> str:
    return f"{kind} secret {seal_id}"
