"""docs/logs.md is kept true: every sample in it is read, without a bad line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from mipdns import config
from tests.unit.sources.logs.bench import lines

TEXT = (Path(__file__).resolve().parents[4] / "docs" / "logs.md").read_text("utf-8")
SAMPLES = re.findall(r"^```(\S+)( port)?\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
FORMATS = set(get_args(get_type_hints(config.Logs)["format"]))


@pytest.mark.parametrize(("form", "port", "content"), SAMPLES)
def test_samples(tmp_path: Path, form: str, port: str, content: str) -> None:
    columns = {"time": "when", "client": "ip", "port": "sport", "agent": "ua"} if form == "csv" else {}
    found = lines(tmp_path, content, format=form, port=bool(port), columns=columns)
    assert found
    assert [line.reason for line in found if line.reason] == []


def test_every_format_has_its_sample() -> None:
    assert {form for form, _, _ in SAMPLES} == FORMATS - {"parquet", "clickhouse"}


def test_every_column_is_named() -> None:
    table = TEXT[TEXT.index("| ours | is |") :]
    for name in get_args(config.LogColumn):
        assert f"`{name}`" in table
