"""A plain client with the mistakes that a test wants: it knows HTTP and nothing of ours, and makes no attempt alone."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count

import httpx

from khatm.clock import saudi_time
from khatm.environment import Environment
from khatm.simulator.embedded import EmbeddedSimulator
from khatm.simulator.grading.grader import Grade, Grader
from tests.wire.simulator_caller import (
    DOCUMENTS,
    KINDS,
    Caller,
    Csid,
    Document,
    Unit,
    endpoint_of,
    stamped,
)

SIMPLE, STANDARD = "simplified-invoice", "standard-invoice"
CHECKS = "/compliance/invoices"
PCSIDS = "/production/csids"
_NUMBER = re.compile(r"<cbc:ID>[^<]+</cbc:ID>")


@dataclass
class Rehearsal:
    """A graded simulator whose clock stands still, and a unit that is driven by hand."""

    simulator: EmbeddedSimulator
    unit: Unit
    numbers: Iterator[int]

    @classmethod
    @contextmanager
    def open(cls, simulator: EmbeddedSimulator, *cases: str, onboarded: bool = True) -> Iterator["Rehearsal"]:
        """Begin anew; only `cases` are provoked. The unit is onboarded, unless its onboarding is what is graded."""
        fatoora = simulator.fatoora
        fatoora.reset()
        simulator.clock.freeze()
        fatoora.grader = None
        unit = Unit(Caller(simulator, Environment.SIMULATION))
        if onboarded:
            unit.onboarded()
        fatoora.grader = Grader(fatoora, cases, tick=lambda: 0.0)
        yield cls(simulator, unit, count(1))

    def grade(self) -> Grade:
        """How it went."""
        return self.simulator.grade()

    def failed(self) -> set[str]:
        """The cases that the client failed."""
        return {each.id for each in self.grade().cases("failed")}

    def call(self, path: str, body: object, csid: Csid | None, method: str = "POST", **headers: str) -> int | None:
        """Make one call; the status, None if there was no answer."""
        given = ({} if csid is None else csid.authorization) | headers
        try:
            return self.unit.caller.call(method, path, body, **given).status_code
        except httpx.TransportError:
            return None

    def document(
        self, kind: str, *, number: int | None = None, csid: Csid | None = None, age: timedelta = timedelta(0)
    ) -> Document:
        """The next document, under the next number or the one given."""
        found = next(self.numbers) if number is None else number
        written = _NUMBER.search((DOCUMENTS / f"{kind}.xml").read_text("utf-8"))
        assert written is not None
        changes = {written[0]: f"<cbc:ID>N-{found:04d}</cbc:ID>"}
        return self.unit.document(kind, csid, age=age, changes=changes)

    def send(self, kind: str, document: Document, csid: Csid | None = None, **headers: str) -> int | None:
        """Send a document where its kind goes."""
        return self.call(endpoint_of(kind), document.body, csid or self.unit.pcsid, **headers)

    def submit(self, kind: str, **options: int) -> tuple[Document, int | None]:
        """Issue a document and send it once."""
        document = self.document(kind, **options)
        return document, self.send(kind, document)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.simulator.clock.advance(timedelta(seconds=seconds))

    def ask_ccsid(self, otp: str) -> int | None:
        """Ask for a CCSID and keep it."""
        try:
            answer = self.unit.caller.call("POST", "/compliance", {"csr": self.unit.csr}, OTP=otp)
        except httpx.TransportError:
            return None
        if answer.status_code == 200:
            self.unit.ccsid = Csid.of(answer.json())
        return answer.status_code

    def check(self, kind: str, csid: Csid | None = None) -> int | None:
        """Send a test document."""
        used = csid or self.unit.ccsid
        return self.call(CHECKS, self.document(kind, csid=used).body, used)

    def ask_pcsid(self, csid: Csid | None = None, request_id: object = None) -> int | None:
        """Ask for the PCSID and keep it."""
        used = csid or self.unit.ccsid
        assert used is not None
        body = {"compliance_request_id": request_id or used.request_id}
        try:
            answer = self.unit.caller.call("POST", PCSIDS, body, **used.authorization)
        except httpx.TransportError:
            return None
        if answer.status_code == 200:
            self.unit.pcsid = Csid.of(answer.json())
        return answer.status_code

    def begin(self) -> None:
        """Get a CCSID."""
        assert self.ask_ccsid(self.unit.caller.otp()) == 200

    def all_checks(self, csid: Csid | None = None) -> list[int | None]:
        """Send each test document once."""
        return [self.check(kind, csid) for kind in KINDS["1100"]]

    def renew(self, otp: str | None = None) -> Csid | None:
        """Ask for a renewal; the new CCSID."""
        assert self.unit.pcsid is not None
        code = otp or self.unit.caller.otp("renewal")
        headers = self.unit.pcsid.authorization | {"OTP": code}
        try:
            answer = self.unit.caller.call("PATCH", PCSIDS, {"csr": self.unit.csr}, **headers)
        except httpx.TransportError:
            return None
        return Csid.of(answer.json()) if answer.status_code == 428 else None

    def stamped_again(self, document: Document) -> Document:
        """The same document with a stamp of another time: the hash stays, the bytes do not."""
        assert self.unit.pcsid is not None
        at = saudi_time(self.simulator.clock.now() + timedelta(minutes=1))
        return replace(stamped(document, self.unit.key, self.unit.pcsid, at), uuid=document.uuid)
