"""Why the digest of SignedProperties is not the recomputed one: other layout, other namespaces, other values.

The text that is hashed is in no file, so most vendors get it wrong once. Source: the stamp standard, section 4.3.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import chain, product
from typing import Final

from lxml import etree

from khatm.doctor.case import Case
from khatm.doctor.causes import Word
from khatm.doctor.difference import first_difference
from khatm.doctor.digests import Written, is_placeholder, other_algorithm, readings
from khatm.doctor.findings import Finding, facts

ELEMENT: Final = "ds:DigestValue (#xadesSignedProperties)"
_XADES: Final = ' xmlns:xades="http://uri.etsi.org/01903/v1.3.2#"'
_DS: Final = ' xmlns:ds="http://www.w3.org/2000/09/xmldsig#"'
_BETWEEN: Final = re.compile(r">\s+<")
_VALUE: Final = re.compile(r"(?<=>)[^<>]+(?=</)")
_TOKEN: Final = re.compile(r"<[^>]+>|[^<]+")
_CHECKS: Final = ("signed_properties_digest",)
_DAY: Final = 86_400
_LARGE: Final = 16_384
"""Characters; a usual text has about 1,700, and of a long one only the simple mistakes are tried."""

Change = tuple[str, dict[str, str]]
"""A cause that a changed text would prove, and its facts."""


@dataclass(frozen=True, slots=True)
class Text:
    """One text that may have been hashed, and the changes that lead to it from the right one."""

    data: str
    changes: tuple[Change, ...]


def examine_properties(case: Case) -> Iterator[Finding]:
    """Yield every change that has to be undone for the digest to fit; together they reproduce it."""
    if not case.failed("signed_properties_digest"):
        return
    text = case.stamp.properties_digest
    if text is None:
        yield Finding("DOCTOR-VALUE-MISSING", "read", _CHECKS, facts(element=ELEMENT))
    elif is_placeholder(text):
        yield Finding("DOCTOR-VALUE-PLACEHOLDER", "read", _CHECKS, facts(element=ELEMENT, found=text or '""'))
    elif case.properties is None:
        yield Finding("DOCTOR-PROPERTIES-COMMENT", "read", _CHECKS, facts(element="xades:SignedProperties"))
    else:
        yield from _explained(case, case.properties.decode("utf-8", "surrogatepass"), text)


def _explained(case: Case, right: str, text: str) -> Iterator[Finding]:
    digest = hashlib.sha256(right.encode("utf-8", "surrogatepass"))
    told = facts(element=ELEMENT, found=text, expected=case.verification.checks[_CHECKS[0]].expected)
    written = readings(text)
    for each in written:
        if each.digest == digest.digest():
            yield Finding("DOCTOR-PROPERTIES-FORM", "reproduced", _CHECKS, {**told, "form": Word(each.form)})
            return
    algorithm = other_algorithm(text, right.encode("utf-8", "surrogatepass"))
    if algorithm is not None:
        yield Finding("DOCTOR-HASH-ALGORITHM", "reproduced", _CHECKS, {**told, "algorithm": algorithm})
        return
    tried = 0
    for candidate in chain(_Texts(case, right).all(), _times(right, written)):
        tried += 1
        data = candidate.data.encode("utf-8", "surrogatepass")
        match = next((each for each in written if each.digest == hashlib.sha256(data).digest()), None)
        if match is not None:
            yield from _found(candidate, match, told, right, data)
            return
    yield Finding("DOCTOR-PROPERTIES-UNEXPLAINED", "excluded", _CHECKS, {**told, "tried": str(tried)})


def _found(candidate: Text, match: Written, told: object, right: str, data: bytes) -> Iterator[Finding]:
    parting = first_difference("text of SignedProperties", right.encode("utf-8", "surrogatepass"), data)
    changes = list(candidate.changes)
    if match.form != "form-base64-hex":
        changes.append(("DOCTOR-PROPERTIES-FORM", {"form": Word(match.form)}))
    laid_out = [change for change in changes if change[0] == "DOCTOR-PROPERTIES-REINDENTED"]
    for code, added in [change for change in changes if change not in laid_out[:-1]]:
        yield Finding(code, "reproduced", _CHECKS, {**dict(told), **added}, parting)  # type: ignore[call-overload]
        parting = None


class _Texts:
    """The texts that vendors hash: every combination of values, namespaces and layout, the likely ones first."""

    def __init__(self, case: Case, right: str) -> None:
        self.case = case
        self.right = right

    def all(self) -> Iterator[Text]:
        """Yield the texts; those with fewer changes come first."""
        yield from self._canonical()
        right = Text(self.right, ())
        yield from self._values[1:]
        yield from _declarations(self.right)[1:]
        if len(self.right) > _LARGE:
            return
        yield from _layouts(self.right)
        for value in (right, *self._values[1:]):
            for declared in _declarations(value.data):
                for layout in _layouts(declared.data, few=len(value.changes) > 1):
                    yield Text(layout.data, (*value.changes, *declared.changes, *layout.changes))

    def _canonical(self) -> Iterator[Text]:
        """The element in canonical XML, as XML signature has it."""
        element = self.case.stamp.signed_properties
        if element is None:
            return
        for name, exclusive in (("method-inclusive", False), ("method-exclusive", True)):
            made: bytes = etree.tostring(
                element, method="c14n", exclusive=exclusive, with_comments=False, with_tail=False
            )
            yield Text(made.decode(), (("DOCTOR-PROPERTIES-METHOD", {"method": Word(name)}),))
        printed: str = etree.tostring(element, encoding="unicode", with_tail=False)
        yield Text(printed, (("DOCTOR-PROPERTIES-METHOD", {"method": Word("method-printed")}),))

    @cached_property
    def _values(self) -> list[Text]:
        """The right text with values as they may have been when it was hashed."""
        right = self.right
        times = [Text(right, ())]
        for moment in _other_times(self.case):
            data = _with(right, "xades:SigningTime", moment)
            if data != right:
                times.append(Text(data, (("DOCTOR-PROPERTIES-TIME", {"value": moment}),)))
        tidy = _VALUE.sub(lambda value: " ".join(value[0].split()) if value[0].strip() else value[0], right)
        if tidy != right:
            times.append(Text(tidy, (("DOCTOR-PROPERTIES-REINDENTED", {"layout": Word("layout-values")}),)))
        made = list(times)
        certificate = self.case.certificate
        if certificate is not None:
            wanted = (
                ("ds:X509IssuerName", certificate.issuer_name),
                ("ds:X509SerialNumber", str(certificate.serial_number)),
                ("ds:DigestValue", certificate.digest),
            )
            for text, chosen in product(times, product((False, True), repeat=3)):
                data, changes = text.data, list(text.changes)
                for (element, value), taken in zip(wanted, chosen, strict=True):
                    other = _with(data, element, value) if taken else data
                    if other != data:
                        data = other
                        changes.append(("DOCTOR-PROPERTIES-VALUE", {"field": element, "value": value}))
                if len(changes) > len(text.changes):
                    made.append(Text(data, tuple(changes)))
        return made


def _declarations(text: str) -> list[Text]:
    """The text with its namespace declarations elsewhere, or without them."""
    bare = text.replace(_XADES, "").replace(_DS, "")
    both = bare.replace("<xades:SignedProperties", "<xades:SignedProperties" + _XADES + _DS, 1)
    turned = bare.replace("<xades:SignedProperties", "<xades:SignedProperties" + _DS + _XADES, 1)
    late = text.replace(_XADES, "", 1).replace('Id="xadesSignedProperties"', f'Id="xadesSignedProperties"{_XADES}', 1)
    only = bare.replace("<xades:SignedProperties", "<xades:SignedProperties" + _XADES, 1)
    places = (
        (bare, "DOCTOR-PROPERTIES-EMBEDDED", "namespaces-none"),
        (only, "DOCTOR-PROPERTIES-NAMESPACES", "namespaces-xades"),
        (both, "DOCTOR-PROPERTIES-NAMESPACES", "namespaces-root"),
        (turned, "DOCTOR-PROPERTIES-NAMESPACES", "namespaces-root"),
        (late, "DOCTOR-PROPERTIES-NAMESPACES", "namespaces-after-id"),
    )
    made = [Text(text, ())]
    made += [Text(data, ((code, {"place": Word(place)}),)) for data, code, place in places if data != text]
    return made


def _layouts(text: str, *, few: bool = False) -> Iterator[Text]:
    """The text as it is, on one line, and in the indentations that are around; with other line ends."""
    yield Text(text, ())
    change = "DOCTOR-PROPERTIES-REINDENTED"
    flat = _BETWEEN.sub("><", text)
    spread = re.sub(r"(<[\w:]+(?: [^<>]*)?)/>", r"\1 />", text)
    yield Text(flat, ((change, {"layout": Word("layout-minified")}),))
    yield Text(_laid_out(flat, 32, 4), ((change, {"layout": Word("layout-sdk")}),))
    for step in () if few else (4, 2, 3):
        for first in range(0, 45):
            yield Text(_laid_out(flat, first, step), ((change, {"layout": Word(f"indent-{step}")}),))
    ends = "DOCTOR-PROPERTIES-LINE-ENDS"
    for data in (text.replace("\n", "\r\n"), text + "\n", text.replace("\n", "&#xD;\n"), text.replace("\n", "")):
        yield Text(data, ((ends, {}),))
    yield Text(spread, (("DOCTOR-PROPERTIES-METHOD", {"method": Word("method-printed")}),))


def _laid_out(flat: str, first: int, step: int) -> str:
    """Write a minified text one element a line; the end tag of the root stands at `first` blanks."""
    out: list[str] = []
    depth, after_text = 0, False
    for token in _TOKEN.findall(flat):
        if not token.startswith("<"):
            out.append(token)
            after_text = True
            continue
        if token.startswith("</"):
            depth -= 1
        if out and not after_text:
            out.append("\n" + " " * (first + depth * step))
        out.append(token)
        if not token.startswith("</") and not token.endswith("/>"):
            depth += 1
        after_text = False
    return "".join(out)


def _with(text: str, element: str, value: str) -> str:
    """Return the text with another value in an element (its last one of that name)."""
    escaped = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(rf"(<{element}\b[^>]*>)[^<]*(?=</{element}>)", lambda start: start[1] + escaped, text)


def _other_times(case: Case) -> Iterator[str]:
    """Yield the signing time in other zones and spellings, and the other times of the document."""
    text = (case.stamp.signing_time or "").strip()
    bare = text[:19]
    yield from (bare, bare + "Z", f"{bare}.000Z", f"{bare}+03:00", bare.replace("T", " "))
    moment = _moment(bare)
    if moment is not None:
        for hours in (3, -3):
            moved = (moment + timedelta(hours=hours)).isoformat()
            yield from (moved, moved + "Z")
    issued = f"{case.facts.issue_date}T{case.facts.issue_time}"
    yield from (issued, issued + "Z", case.facts.issue_date)


def _times(right: str, written: list[Written]) -> Iterator[Text]:
    """Yield the right text with the one signing time within a day that gives the digest, if there is one."""
    place = re.search(r"<xades:SigningTime[^>]*>([^<]*)<", right)
    moment = _moment(place[1].strip()[:19]) if place else None
    if place is None or moment is None:
        return
    before, after = right[: place.start(1)].encode(), right[place.end(1) :].encode()
    targets = {each.digest for each in written}
    ending = "Z" if place[1].strip().endswith("Z") else ""
    start = hashlib.sha256(before)
    for seconds in range(1, _DAY):
        for sign in (1, -1):
            text = (moment + timedelta(seconds=sign * seconds)).isoformat() + ending
            made = start.copy()
            made.update(text.encode() + after)
            if made.digest() in targets:
                yield Text(_with(right, "xades:SigningTime", text), (("DOCTOR-PROPERTIES-TIME", {"value": text}),))
                return


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None
