"""The files of a made world, read by the project's own readers: nothing is bad that was not made so."""

from __future__ import annotations

import csv
import ipaddress
from collections.abc import Callable
from typing import Any

import pytest

from mipdns import config, net
from mipdns.config import read_config
from mipdns.evidence import FileRead
from mipdns.simulate import Summary
from mipdns.simulate.plan import WorldPlan
from mipdns.sources import atlas, egress, peeringdb, ptr, routes, truth
from mipdns.sources.reading import Read
from tests.chunks import whole
from tests.unit.sources.logs.bench import read_whole

from .conftest import AS_OF

READERS: dict[str, Callable[..., Read[Any]]] = {
    "routes": routes.read,
    "peeringdb": peeringdb.read,
    "atlas": atlas.read,
    "egress": egress.read,
    "ptr": ptr.read,
    "truth": truth.read,
}


def test_the_configuration_is_valid(summary: Summary):
    read = read_config(summary.config)
    assert read.load.as_of is None, "the logs give it"
    assert read.store.database == str(summary.folder / "mip.db")


@pytest.mark.parametrize("kind", list(READERS))
def test_claims_are_read_whole(summary: Summary, kind: str):
    sources = [source for source in read_config(summary.config).sources if source.kind == kind]
    assert sources
    for source in sources:
        records, files = READERS[kind](source, bad_lines_max=0.0)
        assert records
        assert all(
            isinstance(file, FileRead) and file.rows and not file.rejected and not file.dropped for file in files
        )


def test_traceroutes_find_carrier_nat_and_nothing_else_shared(summary: Summary):
    [source] = [source for source in read_config(summary.config).sources if isinstance(source, config.Atlas)]
    kinds = _kinds(summary)
    records = atlas.read(source, bad_lines_max=0.0).records
    assert {kinds[record.first & 0xFFFFFFFF] for record in records if record.stance == "shared"} == {"cgnat"}
    assert {record.stance for record in records} == {"shared", "single"}


def test_logs_are_read_whole_but_for_the_torn_lines(summary: Summary):
    read = read_config(summary.config)
    sources = [source for source in read.sources if isinstance(source, config.Logs)]
    evidence, files = read_whole(sources, read.load, now=AS_OF)
    written = {str(file.path): file.rows for file in summary.files}
    assert {file.file for file in files} == {name for name in written if "/logs/" in name}
    for file in files:
        assert file.rejected <= 2 * WorldPlan().errors.torn_lines * written[file.file], file
        assert file.rows + file.rejected <= written[file.file]
        assert file.dropped == 0 or file.source in ("shop", "blog"), "health checks from 127.0.0.1"
    assert (evidence.as_of, evidence.complete_days) == (summary.last_day, 3)
    known = {_unit_key(row["prefix"]) for row in _truth(summary)}
    seen = set(whole(evidence).units.key.tolist())
    assert seen <= known
    assert len(known - seen) <= 3, "seen once, on a line that was torn"


def _unit_key(prefix: str) -> int:
    return net.unit_key(net.parse_address(prefix.removesuffix("/64")))


def _truth(summary: Summary) -> list[dict[str, str]]:
    with summary.truth.open() as file:
        return list(csv.DictReader(file))


def _kinds(summary: Summary) -> dict[int, str]:
    return {
        int(ipaddress.IPv4Address(row["prefix"])): row["kind"] for row in _truth(summary) if ":" not in row["prefix"]
    }
