"""docs/sources.md says what the code does: lives, words for networks, and samples that can be read."""

from __future__ import annotations

import re

from mipdns import config, net
from mipdns.sources import ages, atlas, peeringdb, ptr
from tests.conftest import REPOSITORY

PAGE = (REPOSITORY / "docs" / "sources.md").read_text("utf-8")
SAMPLES = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_every_origin_is_told_with_its_life():
    told: dict[str, int] = {}
    for origins, days in re.findall(r"^\| (`[^|]+`) \| (\d+) \|", PAGE, re.MULTILINE):
        told |= dict.fromkeys(re.findall(r"`([^`]+)`", origins), int(days))
    names = told.pop("names.*")
    assert told | {origin: names for origin in ages.LIFE_DAYS if origin.startswith("names.")} == ages.LIFE_DAYS


def test_every_meaning_of_a_name_is_told():
    assert set(re.findall(r"^\| `(names\.\w+)`", PAGE, re.MULTILINE)) == set(ptr.MEANINGS)


def test_every_word_of_peeringdb_is_told():
    rows = re.findall(
        r"^\| ([A-Z][^|]*) \| (residential|transit|hosting|business|education|nothing)\b", PAGE, re.MULTILINE
    )
    told = {word: None if meaning == "nothing" else meaning for words, meaning in rows for word in words.split(", ")}
    told.pop("anything newer")
    told[""] = told.pop("empty")
    assert told == peeringdb.DECLARED


def test_the_samples_can_be_read(tmp_path):
    networks, trace = SAMPLES
    (tmp_path / "net.json").write_text(networks)
    read = peeringdb.read(config.PeeringDB(name="p", path=str(tmp_path / "net.json")), bad_lines_max=0)
    assert [(one.asn, one.declared) for one in read.records] == [(3303, "residential")]
    (tmp_path / "trace.json").write_text(f"[{trace}]")
    (one,) = atlas.read(config.Atlas(name="a", path=str(tmp_path / "trace.json")), bad_lines_max=0).records
    assert (net.format_address(one.first), one.origin) == ("170.203.209.230", "trace.cgnat")
