"""docs/logs.md is kept true: every sample in it is read, without a bad line."""

from __future__ import annotations

import datetime
import re
import subprocess
import textwrap
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from mipdns import config
from mipdns.load import load
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


def test_a_mail_log_becomes_a_source(tmp_path: Path) -> None:
    section = TEXT[TEXT.index("## Mail servers") : TEXT.index("## How much it takes")]
    shown, command, source = (textwrap.dedent(block) for block in re.findall(r"(?:^    .*\n)+", section, re.MULTILINE))
    (tmp_path / "mail.log.1").write_text(shown)
    (tmp_path / "mail.log").write_text(
        "2026-11-20T12:00:01.5+00:00 mx1 postfix/smtpd[4711]: disconnect from h[192.0.2.7]:50123 quit=1 commands=1\n"
        "2026-11-20T13:00:02+01:00 mx1 postfix/submission/smtpd[4712]: connect from unknown[2a00:1:2:3::7]:50124\n"
        "2026-11-20T12:00:03+00:00 mx1 postfix/smtpd[4713]: connect from unknown[unknown]\n"
        "2026-11-20T12:00:04+00:00 mx1 postfix/smtp[4714]: connect to mx.example.net[9.9.9.8]:25: Connection refused\n"
        "2026-11-20T12:00:05+00:00 mx1 postfix/smtpd[4713]: connect from a.example[9.9.9.7]:50125\n"
    )
    command = command.replace("/var/log/", "")
    subprocess.run(command, shell=True, cwd=tmp_path, check=True)
    (tmp_path / "mipdns.toml").write_text(source)
    configured = config.read_config(tmp_path / "mipdns.toml")
    (mail,) = configured.sources
    assert isinstance(mail, config.Logs)
    found = lines(tmp_path, (tmp_path / "mail.csv").read_text(), format="csv", columns=mail.columns)
    noon = 1795176000
    assert {(line.fate, line.seconds, line.port) for line in found} == {
        ("special", noon, None),
        ("counts", noon + 2, 50124),
        ("counts", noon + 5, 50125),
    }
    build = load(configured)
    assert (build.counts["units"], build.as_of) == (2, datetime.date(2026, 11, 20))
