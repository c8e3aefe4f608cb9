"""The changes: each takes its choices from a generator and returns what it did, or None where it cannot be done."""

from collections.abc import Callable
from copy import deepcopy
from random import Random

from lxml import etree

from khatm.document.xml import CBC, Paths
from tests.differential.document import Draft, Element, fragment, in_stamp, insert, local
from tests.differential.elements import ADDITIONS
from tests.differential.values import ATTRIBUTES, DATES, SCHEMES, text_for
from tests.rulecases import delete as take_out
from tests.rulecases import set_text

Mutation = Callable[[Random, Draft], str | None]


def _parent_name(element: Element) -> str:
    parent = element.getparent()
    return "" if parent is None else local(parent)


def change_text(chance: Random, draft: Draft) -> str | None:
    """Give a leaf another text of its kind."""
    leaves = draft.leaves()
    if not leaves:
        return None
    leaf = chance.choice(leaves)
    text = text_for(chance, local(leaf), _parent_name(leaf), leaf.text or "")
    leaf.text = text
    return f"{Paths().of(leaf)} = {text[:60]!r}"


def change_one_kind(chance: Random, draft: Draft) -> str | None:
    """Give a leaf another text, every name as likely as every other, however often it occurs."""
    leaves = draft.leaves()
    names = sorted({(_parent_name(each), local(each)) for each in leaves})
    if not names:
        return None
    name = chance.choice(names)
    leaf = chance.choice([each for each in leaves if (_parent_name(each), local(each)) == name])
    text = text_for(chance, name[1], name[0], leaf.text or "")
    leaf.text = text
    return f"{Paths().of(leaf)} = {text[:60]!r}"


def change_attribute(chance: Random, draft: Draft) -> str | None:
    """Set, change or remove an attribute that the rules read."""
    name = chance.choice(sorted(ATTRIBUTES))
    having = draft.elements(lambda each: each.get(name) is not None and not in_stamp(each))
    roll = chance.random()
    if having and roll < 0.2:
        element = chance.choice(having)
        del element.attrib[name]
        return f"{Paths().of(element)}/@{name} removed"
    if not having or roll > 0.95:
        having = draft.leaves()
    if not having:
        return None
    element = chance.choice(having)
    value = chance.choice(ATTRIBUTES[name])
    element.set(name, value)
    return f"{Paths().of(element)}/@{name} = {value[:40]!r}"


def flip_flag(chance: Random, draft: Draft) -> str | None:
    """Turn one position of the transaction code, or move it to the other profile."""
    codes = draft.find("/inv:Invoice/cbc:InvoiceTypeCode[@name]")
    if not codes:
        return None
    name = codes[0].get("name") or ""
    at = chance.randrange(len(name) + 1)
    digit = chance.choice("011111229 x")
    changed = name[:at] + digit + name[at + 1 :]
    if chance.random() < 0.4:
        changed = {"01": "02", "02": "01"}.get(name[:2], "01") + name[2:]
    codes[0].set("name", changed)
    return f"transaction code {changed!r}"


def change_type(chance: Random, draft: Draft) -> str | None:
    """Turn an invoice into a note, a note into an invoice."""
    codes = draft.find("/inv:Invoice/cbc:InvoiceTypeCode")
    if not codes:
        return None
    codes[0].text = chance.choice(("388", "381", "383", "386"))
    return f"type code {codes[0].text}"


def delete(chance: Random, draft: Draft) -> str | None:
    """Remove an element, every name as likely as every other."""
    elements = draft.business()
    names = sorted({(_parent_name(each), local(each)) for each in elements})
    if not names:
        return None
    name = chance.choice(names)
    element = chance.choice([each for each in elements if (_parent_name(each), local(each)) == name])
    where = Paths().of(element)
    take_out(element)
    return f"{where} removed"


def duplicate(chance: Random, draft: Draft) -> str | None:
    """Repeat an element beside itself; of most leaves the schema allows one only."""
    elements = draft.business()
    if chance.random() < 0.8:
        elements = [each for each in elements if len(each)] or elements
    if not elements:
        return None
    element = chance.choice(elements)
    twin = deepcopy(element)
    twin.tail = None
    element.addnext(twin)
    return f"{Paths().of(element)} repeated"


def move(chance: Random, draft: Draft) -> str | None:
    """Put an element in another place: before or behind a sibling, or below another parent of the same name."""
    elements = draft.business()
    if not elements:
        return None
    element = chance.choice(elements)
    where = Paths().of(element)
    parents = [each for each in elements if each.tag == element.getparent().tag and each is not element.getparent()]
    if parents and chance.random() < 0.7:
        parent = chance.choice(parents)
        if parent is not element and element not in parent.iterancestors():
            take_out(element)
            insert(chance, parent, element)
            return f"{where} moved to {Paths().of(element)}"
    siblings = [each for each in element.getparent() if each is not element]
    if not siblings:
        return None
    target = chance.choice(siblings)
    take_out(element)
    element.tail = None
    if chance.random() < 0.5:
        target.addnext(element)
    else:
        target.addprevious(element)
    return f"{where} moved to {Paths().of(element)}"


def swap_texts(chance: Random, draft: Draft) -> str | None:
    """Exchange the texts of two leaves of one name: rates, categories, amounts."""
    leaves = draft.leaves()
    if len(leaves) < 2:
        return None
    first = chance.choice(leaves)
    others = [each for each in leaves if each.tag == first.tag and each is not first and each.text != first.text]
    if not others:
        return None
    second = chance.choice(others)
    first.text, second.text = second.text, first.text
    return f"{Paths().of(first)} and {Paths().of(second)} exchanged"


def graft(chance: Random, draft: Draft) -> str | None:
    """Add an element that the rules read, where the schema has a place for it."""
    xpath, text = chance.choice(ADDITIONS)
    parents = draft.find(xpath)
    if not parents:
        return None
    parent = chance.choice(parents)
    for part in fragment(text):
        insert(chance, parent, part)
    return f"{text[:80]} added to {Paths().of(parent)}"


def transplant(chance: Random, draft: Draft) -> str | None:
    """Take an element from another document in place of one of the same name, or beside it."""
    donor = Draft(chance.choice(draft.pool.whole).xml, draft.pool)
    mine = {str(each.tag): each for each in draft.business()}
    given = [each for each in donor.business() if str(each.tag) in mine and len(each)]
    if not given:
        return None
    part = deepcopy(chance.choice(given))
    target = mine[str(part.tag)]
    part.tail = target.tail
    where = Paths().of(target)
    if chance.random() < 0.6:
        target.getparent().replace(target, part)
    else:
        insert(chance, target.getparent(), part)
    return f"{where} from another document"


def adopt(chance: Random, draft: Draft) -> str | None:
    """Take from another document an element that this one lacks below a parent that it has."""
    donor = Draft(chance.choice(draft.pool.whole).xml, draft.pool)
    parents = {str(each.tag): each for each in [draft.root, *draft.business()]}
    given = [
        (each, parents[tag])
        for each in donor.business()
        if (tag := str(each.getparent().tag)) in parents and parents[tag].find(str(each.tag)) is None
    ]
    if not given:
        return None
    part, parent = chance.choice(given)
    part = deepcopy(part)
    insert(chance, parent, part)
    return f"{Paths().of(part)} adopted"


def categorise(chance: Random, draft: Draft) -> str | None:
    """Give a tax category another code and rate, at one place or at all places of that code."""
    categories = draft.find("//cac:TaxCategory | //cac:ClassifiedTaxCategory")
    if not categories:
        return None
    code, percent = chance.choice(
        (("S", "15.00"), ("S", "5.00"), ("Z", "0.00"), ("E", "0.00"), ("O", "0.00"), ("O", None))
    )
    first = chance.choice(categories)
    present = first.findtext(f"{{{CBC}}}ID")
    everywhere = chance.random() < 0.5
    for each in categories:
        if each is first or (everywhere and each.findtext(f"{{{CBC}}}ID") == present):
            for identifier in each.findall(f"{{{CBC}}}ID"):
                identifier.text = code
            for rate in each.findall(f"{{{CBC}}}Percent"):
                if percent is None:
                    take_out(rate)
                else:
                    rate.text = percent
    return f"{'all ' + str(present) if everywhere else Paths().of(first)} become {code} at {percent}"


def change_currency(chance: Random, draft: Draft) -> str | None:
    """Change the currency at every amount, or the document currency alone."""
    currency = chance.choice(("USD", "EUR", "SAR"))
    if chance.random() < 0.5:
        for each in draft.elements(lambda each: each.get("currencyID") is not None):
            each.set("currencyID", currency)
    for code in draft.find("/inv:Invoice/cbc:DocumentCurrencyCode"):
        code.text = currency
    return f"currency {currency}"


def identify(chance: Random, draft: Draft) -> str | None:
    """Give a party another identification scheme and value."""
    found = draft.find("//cac:PartyIdentification/cbc:ID")
    if not found:
        return None
    element = chance.choice(found)
    element.set("schemeID", chance.choice(SCHEMES))
    if chance.random() < 0.6:
        element.text = text_for(chance, "ID", "PartyIdentification", element.text or "")
    return f"{Paths().of(element)} is {element.get('schemeID')} {(element.text or '')[:30]!r}"


def date(chance: Random, draft: Draft) -> str | None:
    """Give every issue date of the document another value."""
    found = draft.find("/inv:Invoice/cbc:IssueDate")
    if not found:
        return None
    found[0].text = chance.choice(DATES)
    return f"issue date {found[0].text!r}"


def split_text(chance: Random, draft: Draft) -> str | None:
    """Put a comment or an instruction into a text, or write it as CDATA."""
    leaves = [each for each in draft.leaves() if each.text]
    if not leaves:
        return None
    leaf = chance.choice(leaves)
    text = leaf.text or ""
    if chance.random() < 0.2:
        leaf.text = etree.CDATA(text.replace("]]>", "]]"))
        return f"{Paths().of(leaf)} as CDATA"
    cut = chance.randrange(len(text) + 1)
    inner = etree.Comment("c") if chance.random() < 0.5 else etree.ProcessingInstruction("p", "i")
    leaf.text, inner.tail = text[:cut], text[cut:]
    leaf.append(inner)
    return f"{Paths().of(leaf)} split at {cut}"


def empty(chance: Random, draft: Draft) -> str | None:
    """Take all content from an element and leave it there."""
    elements = draft.business()
    if not elements:
        return None
    element = chance.choice(elements)
    where = Paths().of(element)
    set_text(element, chance.choice(("", " ", "text")))
    return f"{where} emptied"


def rename(chance: Random, draft: Draft) -> str | None:
    """Give an element the name of another, or a name that no schema has."""
    elements = draft.business()
    if not elements:
        return None
    element = chance.choice(elements)
    where = Paths().of(element)
    names = sorted({str(each.tag) for each in elements} | {f"{{{CBC}}}Unknown"})
    element.tag = chance.choice(names)
    return f"{where} named {local(element)}"
