"""The doctor on input that was made to hurt: it ends with findings or with an error of its own, never otherwise."""

import random

import pytest

from khatm.clock import SystemClock
from khatm.doctor.case import Case
from khatm.doctor.document import examine
from khatm.doctor.files import Beside, UnknownFile, describe
from khatm.doctor.spellings import tried
from khatm.errors import KhatmError
from tests import stamp_vectors
from tests.hostile_documents import SHAPES, shape
from tests.stamp_planter import CERTIFICATE, Stamper

SMALL = 1 << 14


@pytest.mark.parametrize("part", range(4))
def test_hostile_shapes_are_examined_or_refused(part: int) -> None:
    for name in list(SHAPES)[part::4]:
        try:
            found = examine(shape(name, SMALL))
        except KhatmError as error:
            assert error.code == "unreadable-xml", name
        else:
            assert found.invoice_hash or not found.sound, name


def test_damaged_documents_are_examined_or_refused() -> None:
    source = random.Random(20260115)
    xml = Stamper().stamped()
    for _ in range(120):
        damaged = bytearray(xml)
        for _ in range(source.randrange(1, 4)):
            place = source.randrange(len(damaged))
            if source.random() < 0.5:
                damaged[place] = source.randrange(256)
            else:
                del damaged[place : place + source.randrange(1, 200)]
        try:
            found = examine(bytes(damaged))
        except KhatmError as error:
            assert error.code == "unreadable-xml"
        else:
            assert not any(each.code == "DOCTOR-UNEXPLAINED" for each in found.findings), found.findings


def test_damaged_certificates_csrs_and_keys_are_described_or_refused() -> None:
    source = random.Random(20260116)
    keys = [bytes.fromhex(each["spki_hex"]) for each in stamp_vectors.vectors()["keys"]]
    for data in (CERTIFICATE, stamp_vectors.file("csr/own-en.simulation.csr.pem"), *keys):
        for _ in range(60):
            damaged = bytearray(data)
            damaged[source.randrange(len(damaged))] = source.randrange(256)
            try:
                describe(bytes(damaged), Beside(), SystemClock().now())
            except (UnknownFile, KhatmError):
                continue


def test_document_of_very_many_elements_gets_fewer_tries() -> None:
    usual = len(tried(Case(Stamper().stamped())).places)
    crowded = shape("foreign elements in a line", 1 << 20)
    assert 20 < len(tried(Case(crowded)).places) < usual / 2
