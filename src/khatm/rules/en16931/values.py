"""The code lists of the European stylesheet, older than today's in places; the same in both editions.

Source: the EN rule specification, section 4.
"""

from typing import Final

from khatm.document.codes import COUNTRIES, CURRENCIES
from khatm.rules.patterns import norm

__all__ = [
    "COUNTRIES", "CREDITNOTE_TYPES", "CURRENCIES", "INVOICE_TYPES", "PAYMENT_MEANS", "TAX_CATEGORIES", "listed",
]  # fmt: skip


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


INVOICE_TYPES: Final = _codes(
    "80 82 84 130 202 203 204 211 295 325 326 380 381 383 384 385 386 387 388 389 390 393 394 395 456 457 527 575 623 "
    "633 751 780 935"
)
CREDITNOTE_TYPES: Final = _codes("81 83 261 262 296 308 396 420 458 532")
TAX_CATEGORIES: Final = _codes("AE L M E S Z G O K B")
PAYMENT_MEANS: Final = frozenset([*map(str, (*range(1, 71), *range(74, 79), *range(91, 98))), "ZZZ"])


def listed(codes: frozenset[str], text: str) -> bool:
    """Tell whether the trimmed text is a member of the list; "" never is."""
    return text in codes or norm(text) in codes
