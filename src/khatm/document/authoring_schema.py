"""The JSON Schema of the authoring format, with each field's own words as its description.

Source: the document standard, section 15.1; JSON Schema 2020-12.
"""

import ast
import inspect
import textwrap
from itertools import pairwise
from typing import Any

from pydantic import BaseModel

from khatm.document.blocks import Block, blocks_below


def json_schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of a model, describing its fields and those of the blocks inside it."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}
    _describe(schema, model)
    blocks = {block.__name__: block for block in blocks_below(model)}
    for name, definition in schema.get("$defs", {}).items():
        _describe(definition, blocks[name])
    return schema


def _describe(schema: dict[str, Any], block: Block) -> None:
    for base in reversed(block.__mro__):
        if not base.__module__.startswith("khatm.document."):
            continue
        for name, words in _words_of(base).items():
            member = schema.get("properties", {}).get(name)
            if member is not None:
                member["description"] = " ".join([words, *([member["description"]] if "description" in member else [])])


def _words_of(block: Block) -> dict[str, str]:
    """Return the texts that stand under the fields of a class; none where its source is not at hand."""
    try:
        source = inspect.getsource(block)
    except (OSError, TypeError):
        return {}
    [definition] = ast.parse(textwrap.dedent(source)).body
    assert isinstance(definition, ast.ClassDef)
    words = {}
    for statement, following in pairwise(definition.body):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
            and isinstance(following.value.value, str)
        ):
            words[statement.target.id] = inspect.cleandoc(following.value.value)
    return words
