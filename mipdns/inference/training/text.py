"""A scorecard as text that a person can read and compare line by line. In: a scorecard. Out: JSON.

The one rule: the same scorecard is the same text, and reading it back gives the same scorecard.
"""

from __future__ import annotations

import json

import msgspec

from mipdns.inference.scorecard import Scorecard

WIDTH = 110


def card_text(card: Scorecard) -> str:
    """The file, with a line break at its end. What fits on a line stands on one."""
    document = {key: value for key, value in msgspec.to_builtins(card).items() if value != {}}
    return _text(document, 0) + "\n"


def _text(value: object, depth: int) -> str:
    plain = _plain(value)
    if depth >= 2 and (len(plain) + 2 * depth <= WIDTH or not isinstance(value, dict | list | tuple)):
        return plain
    inner, outer = "  " * (depth + 1), "  " * depth
    if isinstance(value, dict):
        lines = [f"{inner}{json.dumps(key)}: {_text(part, depth + 1)}" for key, part in value.items() if part != {}]
        return "{\n" + ",\n".join(lines) + f"\n{outer}}}"
    if isinstance(value, list | tuple) and any(isinstance(part, dict) for part in value):
        return "[\n" + ",\n".join(f"{inner}{_text(part, depth + 1)}" for part in value) + f"\n{outer}]"
    return plain


def _plain(value: object) -> str:
    """JSON on one line, whole numbers without a point."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {_plain(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_plain, value)) + "]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)
