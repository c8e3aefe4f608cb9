"""The invoice document: what it says, how its numbers are computed, how it is written and read as UBL 2.1 XML.

`model` is the authoring format, `arithmetic` computes every total, `writer` emits the canonical bytes, `reader` turns
any UBL invoice into facts, `schema` checks the UBL 2.1 structure, `codes` holds the code lists, `xml` is the hardened
parser that every other room uses too. Nothing here knows of keys, network or storage.
"""
