"""The UBL structure check on small documents with one fault each, and the simple types."""

import pytest
from lxml import etree

from khatm.document.schema import check_structure
from khatm.document.schema_model import START, Table, ubl21
from khatm.document.schema_types import BUILTIN
from khatm.document.xml import CAC, CBC, EXT, INV, parse

MINIMAL = f"""<Invoice xmlns="{INV}" xmlns:cac="{CAC}" xmlns:cbc="{CBC}" xmlns:ext="{EXT}">
  <cbc:ID>1</cbc:ID>
  <cbc:IssueDate>2026-03-02</cbc:IssueDate>
  <cac:AccountingSupplierParty/>
  <cac:AccountingCustomerParty/>
  <cac:LegalMonetaryTotal>
    <cbc:PayableAmount currencyID="SAR">1.00</cbc:PayableAmount>
  </cac:LegalMonetaryTotal>
  <cac:InvoiceLine>
    <cbc:ID>1</cbc:ID>
    <cbc:LineExtensionAmount currencyID="SAR">1.00</cbc:LineExtensionAmount>
    <cac:Item/>
    <cac:Price>
      <cbc:PriceAmount currencyID="SAR">1.00</cbc:PriceAmount>
    </cac:Price>
  </cac:InvoiceLine>
</Invoice>"""
CBC_ITEM = f'{{"{CBC}":'


def findings(old: str = "", new: str = "") -> list[tuple[str, str]]:
    assert old in MINIMAL
    source = MINIMAL.replace(old, new, 1).encode()
    return [(finding.location, finding.message) for finding in check_structure(parse(source), source)]


def test_a_minimal_invoice_is_valid() -> None:
    assert findings() == []


@pytest.mark.parametrize(
    ("old", "new", "location", "message"),
    [
        (
            '<cbc:PriceAmount currencyID="SAR">1.00</cbc:PriceAmount>',
            "",
            "/Invoice/cac:InvoiceLine[1]/cac:Price[1]",
            "cvc-complex-type.2.4.b: The content of element 'cac:Price' is not complete. "
            f"One of '{CBC_ITEM}PriceAmount}}' is expected.",
        ),
        (
            "<cbc:ID>1</cbc:ID>\n  <cbc:IssueDate>2026-03-02</cbc:IssueDate>",
            "<cbc:IssueDate>2026-03-02</cbc:IssueDate>\n  <cbc:ID>1</cbc:ID>",
            "/Invoice/cbc:IssueDate[1]",
            "cvc-complex-type.2.4.a: Invalid content was found starting with element "
            f'\'{CBC_ITEM}IssueDate}}\'. One of \'{{"{EXT}":UBLExtensions, "{CBC}":UBLVersionID, '
            f'"{CBC}":CustomizationID, "{CBC}":ProfileID, "{CBC}":ProfileExecutionID, "{CBC}":ID}}\' is expected.',
        ),
        (
            "</cac:InvoiceLine>\n",
            "</cac:InvoiceLine><cac:Delivery/>",
            "/Invoice/cac:Delivery[1]",
            "cvc-complex-type.2.4.a: Invalid content was found starting with element "
            f"'{{\"{CAC}\":Delivery}}'. One of '{{\"{CAC}\":InvoiceLine}}' is expected.",
        ),
        (
            "</cac:Price>",
            "</cac:Price><cac:DeliveryTerms/><cac:DeliveryTerms/>",
            "/Invoice/cac:InvoiceLine[1]/cac:DeliveryTerms[2]",
            "cvc-complex-type.2.4.a: Invalid content was found starting with element "
            f'\'{{"{CAC}":DeliveryTerms}}\'. One of \'{{"{CAC}":SubInvoiceLine, "{CAC}":ItemPriceExtension}}\' '
            "is expected.",
        ),
        (
            ">2026-03-02<",
            ">2026-02-30<",
            "/Invoice/cbc:IssueDate[1]",
            "cvc-datatype-valid.1.2.1: '2026-02-30' is not a valid value for 'date'.",
        ),
        (
            ' currencyID="SAR">1.00</cbc:PriceAmount>',
            ">1.00</cbc:PriceAmount>",
            "/Invoice/cac:InvoiceLine[1]/cac:Price[1]/cbc:PriceAmount[1]",
            "cvc-complex-type.4: Attribute 'currencyID' must appear on element 'cbc:PriceAmount'.",
        ),
        (
            "<cac:Price>",
            '<cac:Price kind="x">',
            "/Invoice/cac:InvoiceLine[1]/cac:Price[1]",
            "cvc-complex-type.3.2.2: Attribute 'kind' is not allowed to appear in element 'cac:Price'.",
        ),
        (
            "<cac:Price>",
            '<cac:Price xml:lang="ar">',
            "/Invoice/cac:InvoiceLine[1]/cac:Price[1]",
            "cvc-complex-type.3.2.2: Attribute 'xml:lang' is not allowed to appear in element 'cac:Price'.",
        ),
        (
            "<cac:Price>",
            "<cac:Price>one <b/>",
            "/Invoice/cac:InvoiceLine[1]/cac:Price[1]",
            "cvc-complex-type.2.3: Element 'cac:Price' cannot have character [children], because the type's content "
            "type is element-only.",
        ),
        (
            "<cbc:ID>1</cbc:ID>",
            "<cbc:ID>1<cbc:ID/></cbc:ID>",
            "/Invoice/cbc:ID[1]",
            "cvc-complex-type.2.2: Element 'cbc:ID' must have no element [children], and the value must be valid.",
        ),
        (
            "<cac:Price>",
            '<cac:Price xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="false">',
            "/Invoice/cac:InvoiceLine[1]/cac:Price[1]",
            "cvc-elt.3.1: Attribute 'xsi:nil' must not appear on element 'cac:Price', because the {nillable} property "
            "of 'cac:Price' is false.",
        ),
    ],
)
def test_each_kind_of_fault(old: str, new: str, location: str, message: str) -> None:
    assert findings(old, new)[0] == (location, message)


def test_another_document_element_is_refused() -> None:
    tree = parse(b'<CreditNote xmlns="urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"/>')
    [finding] = check_structure(tree)
    assert finding.rule == "cvc-elt.1.a"
    assert finding.location == "/CreditNote"


def test_places_are_those_behind_the_tag() -> None:
    source = MINIMAL.replace('<cbc:PriceAmount currencyID="SAR">1.00</cbc:PriceAmount>', "").encode()
    [finding] = check_structure(parse(source), source)
    assert (finding.line, finding.column) == (15, 17)  # behind </cac:Price>, four blanks before it
    [finding] = check_structure(parse(source))
    assert (finding.line, finding.column) == (13, None)
    crlf = source.replace(b"\n", b"\r\n")
    assert [(f.line, f.column) for f in check_structure(parse(crlf), crlf)] == [(15, 17)]


def test_the_check_goes_on_after_a_fault_and_stops_at_the_limit() -> None:
    source = MINIMAL.replace(">1.00<", ">one<").encode()
    assert len(check_structure(parse(source))) == 3
    assert len(check_structure(parse(source), most=2)) == 2


def test_extensions_are_checked_where_they_are_known_and_skipped_where_not() -> None:
    def with_extension(content: str) -> list[str]:
        extension = (
            "<ext:UBLExtensions><ext:UBLExtension><ext:ExtensionContent>"
            f"{content}</ext:ExtensionContent></ext:UBLExtension></ext:UBLExtensions>"
        )
        return [message for _, message in findings("  <cbc:ID>1</cbc:ID>\n", f"{extension}<cbc:ID>1</cbc:ID>")]

    assert with_extension("<x xmlns='urn:x' y='1'>text<z/></x>") == []
    assert with_extension('<ds:X509Data xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>')[0].startswith(
        "cvc-complex-type.2.4.b"
    )
    # Below an unknown element the known ones are still looked at.
    assert with_extension("<x xmlns='urn:x'><cbc:IssueDate>soon</cbc:IssueDate></x>") == [
        "cvc-datatype-valid.1.2.1: 'soon' is not a valid value for 'date'."
    ]
    assert with_extension("")[0].startswith("cvc-complex-type.2.4.b")
    signature = '<ds:Object xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="a"><ds:Object Id="a"/></ds:Object>'
    assert with_extension(signature) == ["cvc-id.2: There are multiple occurrences of ID value 'a'."]


def test_long_certificate_serials_are_valid() -> None:
    assert BUILTIN["integer"]("379112742831380471835263969587287663520528387") is None


@pytest.mark.parametrize(
    ("type_name", "valid", "invalid"),
    [
        (
            "decimal",
            ["0", "-1.50", ".5", "5.", "+1", " 1 ", "\n1"],
            ["", "1e3", "1,5", "NaN", "INF", "1 0", "٣", "0x1"],
        ),
        ("integer", ["0", "-12", "+3"], ["1.0", "", "a"]),
        ("boolean", ["true", "false", "1", "0", " true "], ["True", "", "yes", "2"]),
        (
            "date",
            [
                "2026-03-02",
                "2026-03-02Z",
                "2024-02-29",
                "2026-03-02+03:00",
                "-0001-01-01",
                "12026-01-01",
                "9" * 5000 + "2000-02-29",
                "-0004-02-29",
                " 2026-03-02",
            ],
            [
                "2026-3-2",
                "2026-02-29",
                "1900-02-29",
                "0000-01-01",
                "-0000-01-01",
                "9" * 5000 + "1900-02-29",
                "2026-13-01",
                "2026-01-01+15:00",
                "02026-01-01",
                "",
            ],
        ),
        (
            "time",
            ["09:15:00", "09:15:00Z", "24:00:00", "09:15:00.123", "23:59:59-05:00"],
            ["9:15:00", "24:00:01", "09:15", "25:00:00", "09:60:00", "09:15:00+14:30"],
        ),
        ("dateTime", ["2026-03-02T09:15:00", "2026-03-02T24:00:00Z"], ["2026-03-02", "2026-02-30T00:00:00"]),
        (
            "base64Binary",
            ["", "QQ==", "QUI=", "QUJD", "QU JD\n", "Q Q = ="],
            ["QQ", "QR==", "QUJ=", "Q===", "QUJD=", "ü"],
        ),
        (
            "anyURI",
            ["", "urn:x:y", "#id", "http://a/b?c#d", "a b", "../x", "http://a/%20", "طريق"],
            ["%zz", "http://a/%2", "a#b#c", ":x", "1a:b"],
        ),
        ("language", ["ar", "en-US"], ["", "arabiclanguage", "ar_SA", "1a"]),
        ("ID", ["signature", "_1", "أ"], ["1a", "", "a:b", "a b"]),
    ],
)
def test_simple_types(type_name: str, valid: list[str], invalid: list[str]) -> None:
    check = BUILTIN[type_name]
    assert [text for text in valid if check(text) is not None] == []
    assert [text for text in invalid if check(text) is None] == []


def test_groups_repeat_and_choose_as_their_suffixes_say() -> None:
    table = Table(
        "ns a urn:a\nst a:letters string x y\nel string a:p a:q a:r a:s\nty a:T (| a:p+ (, a:q a:r? )* ) a:s?\n"
    )
    model = table.type("a:T").content
    assert model is not None

    def accepts(letters: str) -> bool:
        step = model.step(START)
        for letter in letters:
            arc = step.elements.get(f"{{urn:a}}{letter}")
            if arc is None:
                return False
            step = model.step(arc.place)
        return step.complete

    accepted = ["", "s", "p", "ppp", "pps", "q", "qr", "qqrq", "qrs"]
    refused = ["r", "pq", "qp", "ss", "sp", "qrr", "qsr"]
    assert [word for word in accepted if not accepts(word)] == []
    assert [word for word in refused if accepts(word)] == []


def test_every_type_of_the_table_compiles() -> None:
    table = ubl21()
    for tag, name in table.elements.items():
        assert etree.QName(tag).localname
        content = table.type(name).content
        for state in [START, *range(len(content.particles) if content else 0)]:
            if content:
                content.step(state)
