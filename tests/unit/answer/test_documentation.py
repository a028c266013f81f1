"""docs/answers.md names every key of a zone file, only lists that exist, and levels as they are."""

from __future__ import annotations

import re

import msgspec

from mipdns import zonefile
from mipdns.answer.lists import LEVELS, SUB_LISTS, make_lists
from mipdns.answer.zone import LONGEST_BEFORE_ORIGIN
from mipdns.vocabulary import CLASS_NAMES, SIGNAL_NAMES
from tests.conftest import REPOSITORY

PAGE = (REPOSITORY / "docs" / "answers.md").read_text("utf-8")
LISTS = {b".".join(labels).decode() for labels in make_lists(50, SUB_LISTS)}


def keys(struct: type, before: str = "") -> dict[str, object]:
    return {
        before + field.encode_name: msgspec.UNSET if field.required else field.default
        for field in msgspec.structs.fields(struct)
    }


def test_every_key_of_a_zone_file_is_told_with_its_default():
    section = PAGE.partition("# The zone file\n")[2].partition("# Recipes\n")[0]
    told = dict(re.findall(r"^\| `([a-z_.]+)` \| [^|]+ \| ([^|]+) \|", section, re.MULTILINE))
    there = keys(zonefile._File) | keys(zonefile._Soa, "soa.") | keys(zonefile._NameServer, "nameserver.")
    words: dict[object, str] = {msgspec.UNSET: "required", (): "none"}
    words[SUB_LISTS] = "`[" + ", ".join(f'"{name}"' for name in SUB_LISTS) + "]`"
    assert told == {key: words.get(default, str(default)) for key, default in there.items()}
    assert f"at most {255 - LONGEST_BEFORE_ORIGIN} bytes" in section


def test_recipes_ask_lists_that_exist():
    recipes = PAGE.partition("# Recipes\n")[2]
    named = set(re.findall(r"(?:\b((?:[a-z0-9]+\.)*[a-z0-9]+)\.)?\bmip\.internal", recipes))
    assert named <= LISTS | {""}
    assert {"t80", "bits", "", "t90.tor", "t90.cgnat"} <= named


def test_levels_classes_and_signals_are_those_of_the_code():
    rows = re.findall(r"^\| (?:confidence|T|the level's own bit) \| (.+) \|$", PAGE, re.MULTILINE)
    floors, codes, bits = ([int(cell.strip("≥ ")) for cell in row.split("|")] for row in rows)
    assert list(zip(floors, codes, strict=True)) == sorted(LEVELS)
    assert codes == [sum(bits[: at + 1]) for at in range(len(bits))]
    for name, bit in CLASS_NAMES.items():
        assert f"`{name}` {int(bit)}" in " ".join(PAGE.split())
    assert f"`{' '.join(SIGNAL_NAMES)}`" in PAGE
