"""The hardened parser: every refusal with its reason, and what must still be read."""

import pytest

from khatm.document.errors import UnreadableXml
from khatm.document.xml import Paths, parse, parse_strictly, text_of

BOMB = (
    b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><l>&c;</l>'
)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \n\t ", "empty"),
        (b"<a>", "not-well-formed"),
        (b"{}", "not-well-formed"),
        (b"<a>&undefined;</a>", "not-well-formed"),
        (b"<a>\x01</a>", "not-well-formed"),
        (b"<a b='1' b='2'/>", "not-well-formed"),
        (b"<a>\xff</a>", "encoding"),
        (b'<?xml version="1.0" encoding="no-such-thing"?><a/>', "encoding"),
        (BOMB, "doctype"),
        (b"<!DOCTYPE a><a/>", "doctype"),
        (b'<?xml version="1.0"?>\n<!-- <!DOCTYPE --> <!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "doctype"),
        ("<!DOCTYPE a><a/>".encode("utf-16"), "doctype"),
        (b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a+AD4APA-a/+AD4-', "doctype"),
        (b"<a>" * 10_000 + b"</a>" * 10_000, "too-deep"),
        (b"<a>" * 10_000, "too-deep"),
        (b"<a>" + b"x" * 11_000_000 + b"</a>", "resource-limit"),
    ],
)
def test_refusals_name_their_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableXml) as refusal:
        parse(data)
    assert refusal.value.reason == reason
    assert refusal.value.exit_code == 2
    for language in ("en", "ar"):
        sentence = refusal.value.sentence(language)
        assert sentence and "{" not in sentence and "None" not in sentence


def test_size_and_depth_limits_can_be_set() -> None:
    with pytest.raises(UnreadableXml, match="20 bytes; at most 10"):
        parse(b"<a>" + b"x" * 13 + b"</a>", max_bytes=10)
    parse(b"<a><b><c/></b></a>", max_depth=3)
    with pytest.raises(UnreadableXml, match="at most 2 levels"):
        parse(b"<a><b><c/></b></a>", max_depth=2)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ('<?xml version="1.0" encoding="UTF-16"?><a>ختم</a>'.encode("utf-16"), "encoding"),
        ('<?xml version="1.0" encoding="UTF-8"?><a>x</a>'.encode("utf-16"), "encoding"),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe9</a>', "encoding"),
        (b'<?xml version="1.1"?><a/>', "version"),
        (b"<a>" * 129 + b"</a>" * 129, "too-deep"),
    ],
)
def test_the_authoritys_profile_is_narrower(data: bytes, reason: str) -> None:
    parse(data)
    with pytest.raises(UnreadableXml) as refusal:
        parse_strictly(data)
    assert refusal.value.reason == reason
    assert "None" not in refusal.value.sentence("en") + refusal.value.sentence("ar")


def test_the_authoritys_profile_takes_utf8_with_and_without_mark_and_declaration() -> None:
    for data in ("<a>ختم</a>".encode(), "\ufeff<a>ختم</a>".encode(), '<?xml version="1.0"?><a>ختم</a>'.encode()):
        assert text_of(parse_strictly(data).getroot()) == "ختم"
    parse_strictly(b"<a>" * 128 + b"</a>" * 128)


def test_a_doctype_in_text_is_only_text() -> None:
    tree = parse(b"<a><!-- <!DOCTYPE x> --><![CDATA[<!DOCTYPE y>]]></a>")
    assert text_of(tree.getroot()) == "<!DOCTYPE y>"


def test_comments_do_not_split_a_value() -> None:
    root = parse(b"<a>1<!-- one -->2<?p i?>3</a>").getroot()
    assert text_of(root) == "123"
    assert text_of(None) == ""


def test_utf16_is_read() -> None:
    assert text_of(parse('<?xml version="1.0" encoding="UTF-16"?><a>ختم</a>'.encode("utf-16")).getroot()) == "ختم"


def test_paths_have_positions_and_known_prefixes() -> None:
    root = parse(
        b'<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2" '
        b'xmlns:x="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">'
        b'<x:Note/><x:Note/><y xmlns="urn:y"/></Invoice>'
    ).getroot()
    assert [Paths().of(child) for child in root] == [
        "/Invoice/cbc:Note[1]",
        "/Invoice/cbc:Note[2]",
        "/Invoice/Q{urn:y}y[1]",
    ]
    assert Paths().of(root) == "/Invoice"


def test_declarations_that_are_not_in_force_together_do_not_count() -> None:
    own = b"".join(b'<n xmlns="urn:%d"><b/></n>' % number for number in range(5000))
    assert len(parse_strictly(b"<a>" + own + b"</a>").getroot()) == 5000


def test_absurd_paths_are_cut() -> None:
    root = parse(
        b"<a>" + b"<" + b"n" * 400 + b">" + b"<" + b"m" * 900 + b"/>" + b"</" + b"n" * 400 + b">" + b"</a>"
    ).getroot()
    path = Paths().of(root[0][0])
    assert len(path) == 1001 and path.startswith("/a/Q{}nnn") and path.endswith("…")
