"""Issue: an authoring document becomes a stamped one at the next place of its unit's chain.

Joins the rooms document, stamp, rules and ledger: business facts in, exact stamped bytes out, durable when it returns.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from khatm.clock import Clock
from khatm.errors import KhatmError
from khatm.forecast import BrokenRule, WouldBeRejected, forecast
from khatm.ledger.documents import IssuedDocument, content_digest
from khatm.ledger.generations import Generation
from khatm.ledger.issue import Answer, ChainPlace, IssueRequest
from khatm.ledger.kept_input import pack
from khatm.ledger.ledger import Ledger
from khatm.ledger.units import Unit

if TYPE_CHECKING:
    from khatm.document.computed import ComputedDocument
    from khatm.document.model import AuthoredDocument
    from khatm.stamp.signers import FileSigner
    from khatm.stamp.xades import StampedInvoice

_CHAIN_FIELDS = ("uuid", "counter", "previous_hash")


@dataclass(eq=False)
class ChainFieldGiven(KhatmError):
    """The input claims a place in the chain that is not the one it gets."""

    field: str
    found: str
    allowed: str
    code: ClassVar[str] = "chain-field-given"
    en: ClassVar[str] = (
        "{field} is {found}, but the ledger gives {allowed}. Leave {field} out: UUID, counter (ICV) and previous hash "
        "(PIH) come from the unit's chain. Nothing was issued."
    )
    ar: ClassVar[str] = (
        "قيمة {field} هي {found} بينما يعطي السجل {allowed}. اترك {field} فارغًا: المعرّف والعدّاد (ICV) وبصمة المستند "
        "السابق (PIH) تأتي من سلسلة الوحدة. لم يُصدر شيء."
    )


@dataclass(eq=False)
class PartyNotTheUnit(KhatmError):
    """The VAT number of the issuing party is not the unit's."""

    field: str
    found: str
    allowed: str
    unit: str
    code: ClassVar[str] = "party-not-the-unit"
    en: ClassVar[str] = (
        "{field} is {found}, but the certificate of unit {unit} belongs to {allowed}: ZATCA would refuse the document. "
        "Issue it with a unit of that taxpayer. Nothing was issued."
    )
    ar: ClassVar[str] = (
        "قيمة {field} هي {found} بينما شهادة الوحدة {unit} تعود إلى {allowed}: سترفض الهيئة المستند. أصدره من وحدة ذلك "
        "المكلَّف. لم يُصدر شيء."
    )


@dataclass(eq=False)
class KindNotInTypeMap(KhatmError):
    """The unit's certificate does not cover documents of this profile."""

    profile: str
    unit: str
    type_map: str
    code: ClassVar[str] = "kind-not-in-type-map"
    en: ClassVar[str] = (
        "Unit {unit} has type map {type_map}, which does not cover {profile} documents. Allowed: the kinds that the "
        "CSR named (1000 standard, 0100 simplified, 1100 both). Use another unit. Nothing was issued."
    )
    ar: ClassVar[str] = (
        "نوع فواتير الوحدة {unit} هو {type_map} ولا يشمل المستندات من النوع {profile}. المسموح ما سمّاه طلب الشهادة "
        "(1000 ضريبية، 0100 مبسطة، 1100 كلاهما). استعمل وحدة أخرى. لم يُصدر شيء."
    )


@dataclass(frozen=True, slots=True)
class Issued:
    """What became of one document of several: it was issued (perhaps before, by its reference), or it was refused."""

    document: IssuedDocument | None
    error: KhatmError | None
    warnings: tuple[BrokenRule, ...] = ()
    """Rules that a newly issued document breaks without being refused for it."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """A document that is ready to take a place: the request to the ledger, and what its input said of the place."""

    request: IssueRequest
    chain: Mapping[str, object]
    warnings: tuple[BrokenRule, ...]

    def finished(self, issued: IssuedDocument) -> IssuedDocument:
        """Return the issued document; raises ChainFieldGiven when it was issued before, at another place."""
        if issued.repeated:
            placed = issued.document
            for field, allowed in (
                ("uuid", placed.uuid),
                ("counter", placed.icv),
                ("previous_hash", placed.previous_hash),
            ):
                _require_equal(field, self.chain[field], allowed)
        return issued


Content = bytes | str | Mapping[str, object]
"""A document in the authoring format, as JSON or as data."""


class Issuer:
    """Issues documents of the units of one ledger; keeps each generation's signer while it lives.

    Usable from several threads, whose documents share commits. `allow_foreign_certificate` consents to stamps that do
    not verify, which the sandbox's canned certificate gives. `on_warnings` hears of the rules that a newly issued
    document breaks without being refused for it.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        *,
        allow_foreign_certificate: bool = False,
        on_warnings: Callable[[tuple[BrokenRule, ...]], None] | None = None,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._allow_foreign = allow_foreign_certificate
        self._on_warnings = on_warnings
        self._signers: dict[int, FileSigner] = {}

    def issue(self, unit_name: str, content: Content, *, reference: str | None = None) -> IssuedDocument:
        """Read, compute, write, stamp and store one document.

        The unit's seller block is filled in when `seller` is absent (`buyer` on self-billing), and the issue date and
        time are now, in Saudi time, unless given. With a `reference`, repeating the same content gives the same
        document back. `follows` in the content names the document that this one corrects or changes; what was given is
        kept for `khatm correct`. Raises the document room's errors, ChainFieldGiven, PartyNotTheUnit, KindNotInTypeMap,
        WouldBeRejected, and the ledger's; whatever is raised, no counter is used up. Source: document standard 15,
        gateway contract 8.4.
        """
        draft = self._draft(unit_name, content, reference)
        [answer] = self._ledger.issue_all([draft.request])
        if isinstance(answer, Exception):
            raise answer
        issued = draft.finished(answer)
        if draft.warnings and not issued.repeated and self._on_warnings is not None:
            self._on_warnings(draft.warnings)
        return issued

    def issue_all(self, unit_name: str, contents: Sequence[tuple[Content, str | None]]) -> list[Issued]:
        """Issue several documents, each with its reference, in the order given; say what became of each.

        They share commits. One that is refused uses no counter up and stops no other.
        """
        drafts: list[_Draft | KhatmError] = []
        for content, reference in contents:
            try:
                drafts.append(self._draft(unit_name, content, reference))
            except KhatmError as error:
                drafts.append(error)
        answers = iter(self._ledger.issue_all([each.request for each in drafts if isinstance(each, _Draft)]))
        return [
            self._outcome(each, next(answers)) if isinstance(each, _Draft) else Issued(None, each) for each in drafts
        ]

    def _outcome(self, draft: _Draft, answer: Answer) -> Issued:
        try:
            if isinstance(answer, Exception):
                raise answer
            issued = draft.finished(answer)
        except KhatmError as error:
            return Issued(None, error)
        return Issued(issued, None, () if issued.repeated else draft.warnings)

    def _draft(self, unit_name: str, content: Content, reference: str | None) -> _Draft:
        """Do all that needs no place in the chain: read, compute, have the rules judge, open the key."""
        from khatm.document.arithmetic import compute
        from khatm.document.model import authoring_data

        unit, live = self._ledger.issuing(unit_name)
        given = authoring_data(content)
        authored = self._read(unit, given)
        _require_unit(unit, authored)
        chain = {name: given.get(name) for name in _CHAIN_FIELDS}
        own = {name: value for name, value in given.items() if name not in _CHAIN_FIELDS}

        computed = compute(authored)
        refusal, warnings = (None, ()) if live is None else self._judged(unit, computed, live)
        if refusal is not None and reference is None:
            raise refusal

        def write(place: ChainPlace, generation: Generation) -> "StampedInvoice":
            if refusal is not None:  # with a reference it could have been an earlier document, given back as it is
                raise refusal
            for field, allowed in _place_values(place).items():
                _require_equal(field, chain[field], allowed)
            return self._stamped(computed, place, generation)

        request = IssueRequest(
            unit_name,
            write,
            reference=reference,
            content_digest=content_digest(own) if reference is not None else None,
            follows=None if authored.follows is None else authored.follows.lower(),
            authored=pack(own, _text_of),
        )
        return _Draft(request, chain, warnings)

    def _read(self, unit: Unit, given: Mapping[str, object]) -> "AuthoredDocument":
        from khatm.document.model import read_document

        party = "buyer" if "self_billed" in _flags(given) else "seller"
        content = {name: value for name, value in given.items() if name not in _CHAIN_FIELDS}
        if content.get(party) is None and unit.seller is not None:
            content[party] = unit.seller
        return read_document(content, now=self._clock.now())

    def _judged(
        self, unit: Unit, computed: "ComputedDocument", live: Generation
    ) -> tuple[WouldBeRejected | None, tuple[BrokenRule, ...]]:
        """Have the rules judge a copy of the document, stamped like the real one at the place that is next now.

        This runs before the unit is locked, and opens the key, which can take a tenth of a second.
        """
        place = ChainPlace(str(uuid.uuid4()), unit.next_icv, unit.last_hash)
        told = forecast(self._stamped(computed, place, live).xml, self._clock.now())
        if told.errors:
            findings = (*told.errors, *told.warnings)
            return WouldBeRejected(unit=unit.name, edition=told.edition, findings=findings), ()
        return None, told.warnings

    def _stamped(self, computed: "ComputedDocument", place: ChainPlace, generation: Generation) -> "StampedInvoice":
        from khatm.document.writer import write
        from khatm.stamp.xades import stamp

        return stamp(write(computed, place), self._signer(generation), self._clock.now())

    def _signer(self, generation: Generation) -> "FileSigner":
        from khatm.stamp.certificate import read_certificate
        from khatm.stamp.keys import load_key
        from khatm.stamp.signers import FileSigner

        if generation.id not in self._signers:
            assert generation.pcsid_token is not None
            self._signers[generation.id] = FileSigner(
                load_key(self._ledger.key_of(generation)),
                read_certificate(generation.pcsid_token),
                allow_foreign_certificate=self._allow_foreign,
            )
        return self._signers[generation.id]


def _flags(given: Mapping[str, object]) -> tuple[object, ...]:
    flags = given.get("flags")
    return tuple(flags) if isinstance(flags, (list, tuple)) else ()


def _text_of(value: object) -> str:
    """Return a value that came without being JSON, or a JSON number that is no whole one, as it was written."""
    return str(getattr(value, "text", value))


def _place_values(place: ChainPlace) -> dict[str, object]:
    return {"uuid": place.uuid, "counter": place.counter, "previous_hash": place.previous_hash}


def _require_equal(field: str, found: object, allowed: object) -> None:
    if found is not None and str(found) != str(allowed):
        raise ChainFieldGiven(field=field, found=str(found), allowed=str(allowed))


def _require_unit(unit: Unit, authored: "AuthoredDocument") -> None:
    if unit.type_map[0 if authored.profile == "standard" else 1] != "1":
        raise KindNotInTypeMap(profile=authored.profile, unit=unit.name, type_map=unit.type_map)
    party, name = (authored.buyer, "buyer.vat") if "self_billed" in authored.flags else (authored.seller, "seller.vat")
    found = party.vat if party is not None else None
    if found != unit.vat_number:
        raise PartyNotTheUnit(field=name, found=str(found), allowed=unit.vat_number, unit=unit.name)
