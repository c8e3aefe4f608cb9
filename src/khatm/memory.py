"""How long documents are kept from costing more than their length: the garbage collector waits while they are built."""

import gc


class uncollected:  # noqa: N801 - a context manager reads as a word
    """Keep the garbage collector away while everything allocated is kept.

    A collection in the middle finds nothing, and with a long document each one looks at all of its objects again. Of
    overlapping threads the first one out lets the collector back in.
    """

    __slots__ = ("_collecting",)

    def __enter__(self) -> None:
        self._collecting = gc.isenabled()
        if self._collecting:
            gc.disable()

    def __exit__(self, *_: object) -> None:
        if self._collecting:
            gc.enable()
