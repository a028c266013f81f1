"""Faults of keys in a TOML file, told alike in `mipdns.toml` and in zone files. In: msgspec's message and the struct of
the table it is about. Out: the message in words that people who write TOML know.

The one rule: who wrote a key that is unknown sees those that there are.
"""

from __future__ import annotations

import re

import msgspec

_UNKNOWN = re.compile("Object contains unknown field `(.*)`")
_MISSING = re.compile("Object missing required field `(.*)`")


def in_words(message: str, table: type[msgspec.Struct] | None) -> str:
    """The message, its place already taken off. table: None where it is about no table."""
    there = f"; the keys are {', '.join(keys(table))}" if table else ""
    message = _UNKNOWN.sub(lambda found: f"unknown key '{found[1]}'{there}", message)
    message = _MISSING.sub(r"key '\1' is missing", message)
    return message[:1].lower() + message[1:].replace(" | null", "")


def keys(table: type[msgspec.Struct]) -> list[str]:
    """The keys of a table, as they are written; first the one that says which of several kinds it is."""
    kind = table.__struct_config__.tag_field
    return [*([kind] if kind else []), *(field.encode_name for field in msgspec.structs.fields(table))]


def inner(table: type[msgspec.Struct], path: str) -> type[msgspec.Struct] | None:
    """The struct of a table within one, such as `spark` or `engine.spark`; "" is the table itself. None: no table."""
    found: object = table
    for step in filter(None, path.split(".")):
        if not (isinstance(found, type) and issubclass(found, msgspec.Struct)):
            return None
        found = {field.encode_name: field.type for field in msgspec.structs.fields(found)}.get(step)
    return found if isinstance(found, type) and issubclass(found, msgspec.Struct) else None
