"""A load leaves its index, or neither index nor build; `check` reads it whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mipdns import store
from mipdns.index import layout
from mipdns.index.mapped import open_index
from tests.e2e.commands import mipdns, must

CONFIG = """
[serve]
zones = "zones"
[[source]]
name = "tor"
kind = "egress"
format = "cidr"
class = "tor"
path = "tor.txt"
"""


def list_addresses(folder: Path, second: int, many: int) -> None:
    """So many addresses of 8.second.0.0/16, of which no two are neighbours."""
    lines = (f"8.{second}.{at >> 7}.{(at & 127) * 2}" for at in range(many))
    (folder / "tor.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    list_addresses(tmp_path, 1, 12_000)
    (tmp_path / "zones").symlink_to(Path(__file__).resolve().parents[2] / "zones")
    (tmp_path / "mipdns.toml").write_text(CONFIG)
    must(tmp_path / "mipdns.toml", "load")
    return tmp_path / "mipdns.toml"


def test_a_build_that_changes_too_much_changes_nothing(config: Path) -> None:
    database, index = config.with_name("mip.db"), config.with_name("mip.idx")
    build, served = store.latest_build(database), index.read_bytes()
    assert open_index(index).serial == build.serial
    assert build.listed_v4 == 12_000
    list_addresses(config.parent, 2, 12_000)
    refused = mipdns(config, "load")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "of 12000 listed IPv4 addresses the new build loses 12000, and it gains 12000" in refused.stderr
    assert store.latest_build(database) == build
    assert index.read_bytes() == served
    must(config, "load", "--force")
    assert open_index(index).serial == store.latest_build(database).serial > build.serial


def test_the_stages_of_a_load_end_with_the_index(config: Path) -> None:
    told = json.loads(must(config, "load", "--json"))
    assert "compile" in json.dumps(told)


def test_check_reads_the_index_whole(config: Path) -> None:
    index = config.with_name("mip.idx")
    assert "its checksum is right" in must(config, "check")
    good = index.read_bytes()
    index.write_bytes(good[: layout.HEADER_SIZE] + bytes(1) + good[layout.HEADER_SIZE + 1 :])
    bad = mipdns(config, "check")
    assert bad.returncode == 1
    assert "body is damaged" in bad.stdout + bad.stderr
    index.unlink()
    assert "compiles it" in must(config, "check")
