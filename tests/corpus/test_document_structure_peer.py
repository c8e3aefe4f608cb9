"""The structure check against libxml2's schema validator, on documents damaged at random.

An XML Schema is generated from our own table for the occasion, so the two differ in everything but the facts.
"""

import json
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest
from lxml import etree

from khatm.document.arithmetic import compute
from khatm.document.model import read_document
from khatm.document.schema import check_structure
from khatm.document.schema_model import ubl21
from khatm.document.schema_table import TABLE
from khatm.document.writer import ChainPlace, unstamped_xml, write
from khatm.document.xml import CAC, CBC, DS, EXT, SAC, SBC, SIG, XADES

AUTHORED = sorted((Path(__file__).parents[1] / "data" / "authored").glob("*.json"))
MUTANTS = 1500
XS = "http://www.w3.org/2001/XMLSchema"
OCCURS = {"": (1, 1), "?": (0, 1), "*": (0, "unbounded"), "+": (1, "unbounded")}
TEXTS = [
    "", "x", "1", "1.5", "-3", "2024-02-30", "2024-02-29", "24:00:00", "true", "True", "1e3", " 7 ", "a b", "QUJD",
    "QUJ=", "ar", "1a", "12:00:00Z", "http://a#b#c", "%zz", "+.5", "SAR", ".",
]  # fmt: skip
ATTRIBUTES = [
    "currencyID", "mimeCode", "Id", "name", "unitCode", "schemeID", "Algorithm", "URI", "foo", "languageID", "Target",
    "{http://www.w3.org/XML/1998/namespace}lang", "{urn:x}y", "{http://www.w3.org/2001/XMLSchema-instance}nil",
]  # fmt: skip


def simple(name: str) -> str:
    return name if ":" in name else f"xs:{name}"


def content(words: list[str]) -> str:
    """Turn the words of a content model into schema particles."""
    parts, out = iter(words), []
    for word in parts:
        suffix = word[-1] if word[-1] in "?*+" else ""
        name = word.removesuffix(suffix)
        occurs = 'minOccurs="{}" maxOccurs="{}"'.format(*OCCURS[suffix])
        if word.startswith("("):
            inner, depth = [], 1
            for part in parts:
                depth += part.startswith("(") - part.startswith(")")
                if not depth:
                    occurs = 'minOccurs="{}" maxOccurs="{}"'.format(*OCCURS[part[1:]])
                    break
                inner.append(part)
            tag = "choice" if word[1] == "|" else "sequence"
            out.append(f"<xs:{tag} {occurs}>{content(inner)}</xs:{tag}>")
        elif name.startswith("%"):
            scope, process = name[1:].split("/")
            out.append(f'<xs:any namespace="##{scope}" processContents="{process}" {occurs}/>')
        elif "=" in name:
            local, type_name = name.split("=")
            out.append(f'<xs:element name="{local.split(":")[1]}" type="{simple(type_name)}" {occurs}/>')
        else:
            out.append(f'<xs:element ref="{name}" {occurs}/>')
    return "".join(out)


def complex_type(name: str, words: list[str]) -> str:
    flags, attributes, text, model = "", "", "", []
    for word in words:
        if word in ("mixed", "abstract"):
            flags += f' {word}="true"'
        elif word.startswith("text="):
            text = simple(word[5:])
        elif word == "@*":
            attributes += '<xs:anyAttribute namespace="##any" processContents="strict"/>'
        elif word.startswith("@"):
            attribute, _, type_name = word[1:].partition(":")
            use = "required" if attribute.endswith("!") else "optional"
            attributes += f'<xs:attribute name="{attribute.rstrip("!")}" type="{simple(type_name)}" use="{use}"/>'
        elif not word.startswith("restricts="):
            model.append(word)
    body = f"<xs:sequence>{content(model)}</xs:sequence>" if model else ""
    if text:
        body = f'<xs:simpleContent><xs:extension base="{text}">{attributes}</xs:extension></xs:simpleContent>'
        attributes = ""
    return f'<xs:complexType name="{name.split(":")[1]}"{flags}>{body}{attributes}</xs:complexType>'


@pytest.fixture(scope="module")
def peer() -> etree.XMLSchema:
    """A schema generated from the packaged table."""
    namespaces: dict[str, str] = {}
    parts: dict[str, str] = {}
    for line in TABLE.read_text("utf-8").splitlines():
        kind, name, *rest = line.split(" ")
        if kind == "ns":
            namespaces[name] = rest[0]
            parts[name] = ""
        elif kind == "ty":
            parts[name.split(":")[0]] += complex_type(name, rest)
        elif kind == "st":
            values = "".join(f'<xs:enumeration value="{value}"/>' for value in rest[1:])
            parts[name.split(":")[0]] += (
                f'<xs:simpleType name="{name.split(":")[1]}"><xs:restriction base="{simple(rest[0])}">{values}'
                "</xs:restriction></xs:simpleType>"
            )
        else:
            for element in rest if kind == "el" else [name, *rest]:
                type_name = simple(name) if kind == "el" else f"{element}Type"
                parts[element.split(":")[0]] += f'<xs:element name="{element.split(":")[1]}" type="{type_name}"/>'
    declared = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in namespaces.items())

    class Memory(etree.Resolver):
        def resolve(self, url: str, public_id: str, context: Any) -> Any:
            prefix = url.removeprefix("memory:")
            imports = "".join(
                f'<xs:import namespace="{uri}" schemaLocation="memory:{other}"/>'
                for other, uri in namespaces.items()
                if other != prefix
            )
            schema = (
                f'<xs:schema xmlns:xs="{XS}" {declared} targetNamespace="{namespaces[prefix]}" '
                f'elementFormDefault="qualified">{imports}{parts[prefix]}</xs:schema>'
            )
            return self.resolve_string(schema, context, base_url=url)

    parser = etree.XMLParser()
    parser.resolvers.add(Memory())
    first = f'<xs:import namespace="{namespaces["inv"]}" schemaLocation="memory:inv"/>'
    start = f'<xs:schema xmlns:xs="{XS}">{first}</xs:schema>'
    return etree.XMLSchema(etree.fromstring(start, parser, base_url="memory:start"))


def stamped_shell() -> str:
    """Signature parts of the right shape, so that their types are damaged too."""
    return (
        f'<ext:UBLExtensions xmlns:ext="{EXT}"><ext:UBLExtension><ext:ExtensionContent><sig:UBLDocumentSignatures '
        f'xmlns:sig="{SIG}" xmlns:sac="{SAC}" xmlns:sbc="{SBC}"><sac:SignatureInformation>'
        f'<cbc:ID xmlns:cbc="{CBC}">1</cbc:ID>'
        f'<sbc:ReferencedSignatureID>2</sbc:ReferencedSignatureID><ds:Signature xmlns:ds="{DS}" Id="signature">'
        '<ds:SignedInfo><ds:CanonicalizationMethod Algorithm="a"/><ds:SignatureMethod Algorithm="b"/>'
        '<ds:Reference Id="r" URI=""><ds:Transforms><ds:Transform Algorithm="t"><ds:XPath>x</ds:XPath></ds:Transform>'
        '</ds:Transforms><ds:DigestMethod Algorithm="d"/><ds:DigestValue>QUJD</ds:DigestValue></ds:Reference>'
        "</ds:SignedInfo><ds:SignatureValue>QUJD</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>QUJD</ds:X509Certificate>"
        f'</ds:X509Data></ds:KeyInfo><ds:Object><xades:QualifyingProperties xmlns:xades="{XADES}" Target="signature">'
        '<xades:SignedProperties Id="p"><xades:SignedSignatureProperties><xades:SigningTime>2026-03-02T09:15:00'
        "</xades:SigningTime><xades:SigningCertificate><xades:Cert><xades:CertDigest>"
        '<ds:DigestMethod Algorithm="d"/><ds:DigestValue>QUJD</ds:DigestValue></xades:CertDigest><xades:IssuerSerial>'
        "<ds:X509IssuerName>CN</ds:X509IssuerName><ds:X509SerialNumber>379112742831380471835263969587287663520528387"
        "</ds:X509SerialNumber></xades:IssuerSerial></xades:Cert></xades:SigningCertificate>"
        "</xades:SignedSignatureProperties></xades:SignedProperties></xades:QualifyingProperties></ds:Object>"
        "</ds:Signature></sac:SignatureInformation></sig:UBLDocumentSignatures></ext:ExtensionContent>"
        "</ext:UBLExtension></ext:UBLExtensions>"
    )


def bases() -> list[etree._Element]:
    roots = []
    for path in AUTHORED:
        document = read_document(json.loads(path.read_text("utf-8"))["input"])
        roots.append(etree.fromstring(unstamped_xml(write(compute(document), ChainPlace("u", 1, "QUJD")))))
        if len(roots) % 2:
            roots[-1].insert(0, etree.fromstring(stamped_shell()))
    return roots


def damage(rng: Random, root: etree._Element, tags: list[str]) -> None:
    elements = list(root.iter("*"))[1:]
    for _ in range(rng.choice([1, 1, 2, 3])):
        element = rng.choice(elements)
        parent = element.getparent()
        if parent is None:
            continue
        match rng.randrange(11):
            case 0:
                parent.remove(element)
            case 1:
                parent.insert(rng.randrange(len(parent) + 1), deepcopy(element))
            case 2:
                rng.choice(elements).append(deepcopy(element))
            case 3:
                element.tag = rng.choice(tags)
            case 4:
                element.append(etree.Element(rng.choice(tags)))
            case 5:
                element.text = rng.choice(TEXTS)
            case 6:
                element.set(rng.choice(ATTRIBUTES), rng.choice(TEXTS))
            case 7 if element.attrib:
                del element.attrib[rng.choice(list(element.attrib))]
            case 8:
                element.insert(0, etree.Comment("c"))
            case 9:
                parent.insert(parent.index(element), etree.Element("{urn:u}u"))
            case _:
                element.tail = rng.choice(["x", " ", "\n", "\u00a0"])


def test_damaged_documents_get_the_same_verdict(peer: etree.XMLSchema) -> None:
    rng, roots, tags = Random(2), bases(), list(ubl21().elements)
    tags += [f"{{{CAC}}}Delivery", f"{{{CBC}}}ID"] * 100
    assert all(peer.validate(root) and not check_structure(root.getroottree()) for root in roots)
    valid, different = 0, []
    for number in range(MUTANTS):
        root = deepcopy(rng.choice(roots))
        damage(rng, root, tags)
        tree = etree.fromstring(etree.tostring(root)).getroottree()
        verdict, findings = peer.validate(tree), check_structure(tree)
        valid += verdict
        # libxml2 passes characters outside the alphabet in base64; XML Schema does not.
        if verdict != (not findings) and not (verdict and all("base64Binary" in each.message for each in findings)):
            different.append((number, verdict, [str(each) for each in findings[:2]], str(peer.error_log)[:300]))
    assert different == []
    assert MUTANTS * 0.1 < valid < MUTANTS * 0.6
