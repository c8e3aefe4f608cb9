"""What the blocks of a page are read with that no program runs: JSON, XML, TOML, synopses of commands."""

import json
import re
import shlex
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path

import click
from lxml import etree

from khatm.cli.khatm import khatm
from khatm.document.model import read_document
from khatm.document.schema import check_structure
from khatm.document.schema_model import ubl21
from khatm.document.xml import NAMESPACES, parse
from khatm.environment import Environment
from khatm.gateway.messages import BodyFamily, read_body
from khatm.simulator.fault_script import read_script
from khatm.simulator.profile import read_profile
from khatm.stamp.csr import CsrFields, lint, read_properties
from khatm.submission.alarms import Alarm, LateDocument
from tests.wire.page import ROOT


def read_json(text: str, folder: Path) -> None:
    """Read a block by whatever reads such JSON in the product; fail if nothing does."""
    value = json.loads(text)
    assert isinstance(value, dict), text
    if "faults" in value:
        assert read_script(value)
    elif "lines" in value:
        seller = json.loads((ROOT / "examples" / "seller.json").read_text(encoding="utf-8"))
        read_document(text, defaults={"seller": seller})
    elif "hours" in value:
        assert value.keys() == {each.name for each in fields(Alarm)}
        for late in value["documents"]:
            assert late.keys() == {each.name for each in fields(LateDocument)}
    elif "csr" in value or "invoiceHash" in value or "compliance_request_id" in value:
        assert value.keys() in ({"csr"}, {"invoiceHash", "uuid", "invoice"}, {"compliance_request_id"})
    else:
        assert read_body(text.encode()).family not in (BodyFamily.JSON, BodyFamily.BROKEN), text


def read_toml(text: str, folder: Path) -> None:
    """Read a block as TOML, and as a profile of the simulator where its tables are environments."""
    tables = tomllib.loads(text)
    if tables.keys() <= {"all", *(each.value for each in Environment)}:
        path = folder / "page.toml"
        path.write_text(text, encoding="utf-8")
        assert read_profile(path)


def read_csr_properties(text: str, folder: Path) -> None:
    """Read a block as the properties file of a CSR, and find nothing wrong in it."""
    assert lint(CsrFields.from_properties(read_properties(text.encode()))) == []


def read_xml(text: str, folder: Path) -> None:
    """Read a block as an invoice, or as a fragment whose elements stand where UBL has them."""
    if "<Invoice" in text:
        assert check_structure(parse(text.encode())) == []
        return
    names = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
    body = re.sub(r"^<\?xml [^?]*\?>", "", text)
    for element in parse(f"<fragment {names}>{body}</fragment>".encode()).getroot():
        if isinstance(element.tag, str):
            type_name = ubl21().elements.get(element.tag)
            assert type_name is not None, f"UBL has no {element.tag}"
            _check(element, type_name)


def _check(element: etree._Element, type_name: str) -> None:
    type_ = ubl21().type(type_name)
    for name, value in element.attrib.items():
        check, simple = type_.attributes[str(name)]
        assert "…" in value or check(str(value)) is None, (element.tag, name, simple)
    content = element.text or ""
    assert type_.text is None or "…" in content or type_.text(content) is None, (element.tag, content)
    for child in element:
        if isinstance(child.tag, str):
            assert type_.content is not None, element.tag
            assert child.tag in type_.content.declared, f"{child.tag} in {element.tag}"
            _check(child, type_.content.declared[child.tag])


def read_synopsis(text: str, folder: Path) -> None:
    """Find every word and option of a line such as `khatm validate [--pih B64] FILE…` in the command itself."""
    for line in text.splitlines():
        program, *words = shlex.split(re.sub(r"[\[\]|…]", " ", line))
        assert program == "khatm", line
        command: click.Command = khatm
        while words and isinstance(command, click.Group) and not words[0].startswith("-"):
            found = command.get_command(click.Context(command), words.pop(0))
            assert found is not None, line
            command = found
        options = {name for each in command.params for name in each.opts}
        assert {word for word in words if word.startswith("--")} <= options, line


READERS: Mapping[str, Callable[[str, Path], None]] = {
    "json": read_json,
    "toml": read_toml,
    "properties": read_csr_properties,
    "xml": read_xml,
}
"""The reader of each language that no program runs."""
