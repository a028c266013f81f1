"""The database in the hands of `datasette` and `sqlite-utils`: every page opens, every column is explained."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from mipdns import store
from tests.unit.store.made import everything

VIEWS = ("verdicts", "observations", "assertions", "labels", "disagreements", "standings")
TABLES = (
    "verdict",
    "observation",
    "assertion",
    "network",
    "source",
    "build",
    "label",
    "class",
    "signal",
    "standing",
    "belief",
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("web") / "mip.db"
    store.regenerate(path, everything())
    return path


@pytest.fixture(scope="module")
def metadata():
    return json.loads(store.metadata_path().read_text("utf-8"))


@pytest.fixture(scope="module")
def pages(path, metadata):
    """Addresses inside datasette to (status, text), asked in one event loop."""
    app = pytest.importorskip("datasette.app", reason="datasette is not installed (pip install mipdns[web])")
    wanted = [
        "/",
        "/mip",
        *(f"/mip/{name}{more}" for name in (*TABLES, *VIEWS) for more in ("", ".json?_shape=array")),
        "/mip/verdicts.json?_facet=class&_size=1",
        "/mip/verdict.json?_facet=asn&_labels=on&_size=1",
        "/mip/network/64500",
    ]

    async def ask():
        served = app.Datasette([str(path)], metadata=metadata, settings={"num_sql_threads": 0})
        try:
            return {page: await served.client.get(page) for page in wanted}
        finally:
            for database in served.databases.values():
                database.close()

    return {page: (answer.status_code, answer.text) for page, answer in asyncio.run(ask()).items()}


def test_every_page_opens(pages):
    assert {page: status for page, (status, _) in pages.items() if status != 200} == {}


def test_the_front_page_and_the_list_of_tables(pages, metadata):
    assert metadata["title"] in pages["/"][1]
    listing = pages["/mip"][1]
    assert metadata["databases"]["mip"]["description"] in listing
    for name in (*TABLES, *VIEWS):
        assert f'href="/mip/{name}"' in listing


def test_a_view_shows_addresses_and_what_columns_mean(pages):
    page = pages["/mip/verdicts"][1]
    assert "51.15.7.0" in page
    assert "cgnat+mobile" in page
    assert "percent, 1 to 100" in page


def test_facets(pages):
    by_class = json.loads(pages["/mip/verdicts.json?_facet=class&_size=1"][1])["facet_results"]["class"]["results"]
    assert {facet["value"]: facet["count"] for facet in by_class} == {"cgnat+mobile": 1, "other": 1}
    by_asn = json.loads(pages["/mip/verdict.json?_facet=asn&_labels=on&_size=1"][1])["facet_results"]["asn"]["results"]
    assert {facet["label"] for facet in by_asn} == {"Example Mobile", "Example Hosting"}


def test_metadata_describes_every_column_and_no_other(path, metadata):
    described = metadata["databases"]["mip"]["tables"]
    assert set(described) == {*TABLES, *VIEWS, "_sqlite_migrations"}
    with closing(sqlite3.connect(path)) as connection:
        for name in (*TABLES, *VIEWS):
            columns = {row[1] for row in connection.execute(f"PRAGMA table_info({name})")} - {"id"}
            assert set(described[name]["columns"]) == columns, name
            for key in ("sort", "sort_desc", "label_column"):
                assert described[name].get(key, "id") in columns | {"id"}
            assert set(described[name].get("facets", ())) <= columns


@pytest.mark.parametrize(
    ("arguments", "shows"),
    [
        (["tables", "--counts"], '"table": "verdict", "count": 2'),
        (["views"], '"view": "verdicts"'),
        (["rows", "verdicts"], '"first": "51.15.7.0"'),
        (["schema", "verdict"], "STRICT"),
        (["rows", "disagreements", "--fmt", "plain"], "Example Mobile"),
    ],
)
def test_sqlite_utils(path, arguments, shows):
    command, *rest = arguments
    ran = subprocess.run(
        [sys.executable, "-m", "sqlite_utils", command, str(path), *rest],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert shows in ran.stdout
