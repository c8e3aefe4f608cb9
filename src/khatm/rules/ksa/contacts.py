"""What counts as a telephone number and as a list of e-mail addresses.

Source: Saudi rule specification, site 146 (BR-KSA-85) and, in edition 3.3.3, BR-KSA-86.
"""

import re

from khatm.rules.ksa.facts import digits
from khatm.rules.patterns import is_word

_user = re.compile("[a-zA-Z0-9](?:[_a-zA-Z0-9.-]*[a-zA-Z0-9_])?").fullmatch
_top_level = re.compile("[a-zA-Z]{2,3}").fullmatch


def is_telephone(text: str) -> bool:
    """Tell whether the text is 0 or + and 4 to 15 ASCII digits."""
    return text[:1] in ("0", "+") and 5 <= len(text) <= 16 and digits(text[1:])


def is_mail_list(text: str) -> bool:
    """Tell whether the text is one or more addresses, each ended by a semicolon or the end of the text.

    The official pattern nests repetitions; this reads the same texts in linear time.
    """
    addresses = text.split(";")
    if len(addresses) > 1 and addresses[-1] == "":
        addresses.pop()
    return all(map(_is_mail_address, addresses))


def _is_mail_address(text: str) -> bool:
    user, _, place = text.partition("@")
    name, _, top_level = place.rpartition(".")
    return bool(_user(user) and _top_level(top_level)) and _is_domain(name)


def _is_domain(name: str) -> bool:
    ends = name[:1] + name[-1:]
    return len(name) >= 2 and ends.isascii() and ends.isalnum() and all(char in "-." or is_word(char) for char in name)
