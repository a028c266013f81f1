"""docs/store.md is kept true: its queries run, and it names every table, view and column there is."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mipdns import store
from mipdns.store.version import APPLICATION_ID, SCHEMA_VERSION
from tests.unit.store.made import everything

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "store.md").read_text("utf-8")
QUERIES = [
    statement.strip()
    for block in re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)
    for statement in block.split(";\n")
    if statement.strip()
] + re.findall(r'\$ sqlite3 mip\.db "(.*)"', TEXT)  # fmt: skip


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    path = tmp_path_factory.mktemp("docs") / "mip.db"
    store.regenerate(path, everything())
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_runs(connection, query):
    connection.execute("BEGIN")
    try:
        rows = connection.execute(query).fetchall()
    finally:
        connection.execute("ROLLBACK")
    assert rows or query.startswith("DELETE") or "deny" in query


def test_every_table_and_column_is_there(connection):
    named = connection.execute(
        "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c "
        "WHERE t.type = 'table' AND t.name NOT LIKE '\\_%' ESCAPE '\\' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    ).fetchall()
    assert len(named) > 80
    for table, column in named:
        heading = f"### `{table}`" if table not in ("class", "signal") else "### `class` and `signal`"
        section = TEXT.split(heading, 1)[1].split("\n## ", 1)[0].split("\n### ", 1)[0]
        assert f"`{column}`" in section or column == "id", (table, column)
    views = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'view'")]
    assert all(f"| `{name}` |" in TEXT for name in views)


def test_the_python_example_runs(tmp_path, monkeypatch):
    store.regenerate(tmp_path / "mip.db", everything())
    (tmp_path / "zones").symlink_to(Path(__file__).resolve().parents[3] / "zones")
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    exec(compile(example, "docs/store.md", "exec"), {})
    assert "87.1.0.127.cgnat A 127.0.1.87\n" in (tmp_path / "mip.internal.zone").read_text()
    assert "51.15.7.0/24 :127.0.65.87:v=mip1; conf=87" in (tmp_path / "mip.ip4trie").read_text()


def test_versions():
    assert f"0x{APPLICATION_ID:X}" in TEXT
    assert f"the schema's version, {SCHEMA_VERSION} now" in TEXT
