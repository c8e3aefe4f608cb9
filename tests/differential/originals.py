"""The documents that the campaign changes: authored ones, stamped ones, and the cases of the rule corpora."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from lxml import etree

from khatm.clock import SAUDI
from khatm.document.arithmetic import compute
from khatm.document.model import read_document
from khatm.document.writer import ChainPlace, write
from khatm.stamp.canonical import INITIAL_PIH
from khatm.stamp.certificate import read_certificate
from khatm.stamp.keys import load_key
from khatm.stamp.signers import FileSigner, Signer
from khatm.stamp.xades import stamp
from tests import stamp_vectors
from tests.rulecases import en16931_cases, ksa_cases

DATA = Path(__file__).parents[1] / "data"
RANDOM_AUTHORED = 40
"""How many of the random authored documents are taken."""


@dataclass(frozen=True)
class Original:
    """A document to start from; `name` says what it is."""

    name: str
    xml: bytes


@dataclass(frozen=True)
class Pool:
    """Whole documents, and documents of the rule cases, each of which breaks about one rule."""

    whole: tuple[Original, ...]
    cases: tuple[Original, ...]


@cache
def signer() -> Signer:
    """The unit of the stamp's vectors, with its production certificate."""
    [key] = [each for each in stamp_vectors.vectors()["keys"] if each["name"] == "egs"]
    certificate = read_certificate(stamp_vectors.file("certificates/own-pcsid-en.der"))
    return FileSigner(load_key(key["sec1_pem"].encode()), certificate)


@cache
def pool(corpus: Path | None = None) -> Pool:
    """Return the documents, always in the same order; `corpus` adds the official samples below that folder."""
    whole = [*_authored(), *_vectors(), *_bases(DATA)]
    cases = [*_cases(DATA)]
    if corpus is not None:
        official = sorted((corpus / "official").rglob("*.xml"))
        whole += [Original(f"official/{each.name}", each.read_bytes()) for each in official if _is_invoice(each)]
        whole += _bases(corpus)
        cases = [*_cases(corpus)]
    return Pool(tuple(whole), tuple(cases))


def _authored() -> Iterator[Original]:
    folders = (DATA / "authored", DATA / "authored_random")
    paths = [*sorted(folders[0].glob("*.json")), *sorted(folders[1].glob("*.json"))[:RANDOM_AUTHORED]]
    for path in paths:
        document = json.loads(path.read_bytes())["input"]
        place = ChainPlace(document["uuid"], document["counter"] or 1, document["previous_hash"] or INITIAL_PIH)
        issued = datetime.fromisoformat(f"{document['issue_date']}T{document['issue_time']}")
        moment = issued if issued.tzinfo else issued.replace(tzinfo=SAUDI)
        invoice = write(compute(read_document(document)), place)
        yield Original(f"authored/{path.stem}", stamp(invoice, signer(), moment, allow_utc_issue_time=True).xml)


def _vectors() -> Iterator[Original]:
    for each in stamp_vectors.documents("own"):
        yield Original(f"stamp/{each.path}", each.xml)


def _bases(corpus: Path) -> Iterator[Original]:
    root = corpus / "rules"
    for path in [*sorted((root / "ksa").glob("*.xml")), *sorted((root / "en16931" / "bases").glob("*.xml"))]:
        yield Original(f"rules/{path.stem}", path.read_bytes())


def _cases(corpus: Path) -> Iterator[Original]:
    for case in [*ksa_cases(corpus), *en16931_cases(corpus)]:
        if case.schema_valid and case.base.is_file():
            yield Original(f"case/{case.id}", case.xml())


def _is_invoice(path: Path) -> bool:
    try:
        return etree.QName(etree.parse(path).getroot()).localname == "Invoice"
    except etree.XMLSyntaxError:
        return False
