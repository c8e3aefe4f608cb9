"""The blocks of the authoring model seen from outside: models, and dataclasses for what there are thousands of."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

Block = type[Any]
"""A class of the model with fields of its own."""


def fields_of(block: Block) -> dict[str, Any]:
    """Return the types of a block's fields by name, in order."""
    if issubclass(block, BaseModel):
        return {name: field.annotation for name, field in block.model_fields.items()}
    return {field.name: field.type for field in fields(block)}


def block_in(annotation: Any) -> Block | None:
    """Return the block that a field holds, alone, optional or in a list; None for any other type."""
    if isinstance(annotation, type) and (issubclass(annotation, BaseModel) or is_dataclass(annotation)):
        return annotation
    if get_origin(annotation) in (Union, UnionType, tuple):
        return next((block for block in map(block_in, get_args(annotation)) if block is not None), None)
    return None


def blocks_below(block: Block) -> Iterator[Block]:
    """Yield a block and all those inside it, some more than once."""
    yield block
    for annotation in fields_of(block).values():
        inside = block_in(annotation)
        if inside is not None:
            yield from blocks_below(inside)
