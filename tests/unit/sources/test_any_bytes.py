"""Whatever stands in a file, a source is read or refused in one line: nothing else is ever raised."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mipdns import config
from mipdns.errors import SourceError
from mipdns.sources import atlas, egress, peeringdb, ptr, routes, truth


def load(kind: str, path: Path, format: str) -> Any:
    readers: dict[str, tuple[Any, Callable[..., Any], dict[str, str]]] = {
        "routes": (config.Routes, routes.read, {}),
        "peeringdb": (config.PeeringDB, peeringdb.read, {}),
        "atlas": (config.Atlas, atlas.read, {}),
        "ptr": (config.Ptr, ptr.read, {}),
        "egress": (config.Egress, egress.read, {"class_": "tor"}),
        "truth": (config.Truth, truth.read, {}),
    }
    struct, read, more = readers[kind]
    return read(struct(name="s", path=str(path), format=format, **more), bad_lines_max=1.0)


FORMATS = [
    ("routes", "ranges"),
    ("routes", "pfx2as"),
    ("routes", "iptoasn"),
    ("peeringdb", "api"),
    ("atlas", "results"),
    ("ptr", "csv"),
    ("egress", "cidr"),
    ("egress", "geofeed"),
    ("egress", "misp"),
    ("truth", "csv"),
]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "data",
                    "net",
                    "meta",
                    "generated",
                    "list",
                    "version",
                    "asn",
                    "info_type",
                    "info_types",
                    "updated",
                    "status",
                    "type",
                    "from",
                    "src_addr",
                    "dst_addr",
                    "timestamp",
                    "result",
                    "hop",
                    "late",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)

pieces = st.sampled_from(
    [
        "1.2.3.4",
        "1.2.3.0",
        "10.0.0.1",
        "2a00::",
        "/24",
        "/0",
        "24",
        "-",
        ",",
        "\t",
        " ",
        "\n",
        "\r\n",
        '"',
        "#",
        ";",
        "_",
        "{",
        "}",
        "AS7",
        "0",
        "64500",
        "99999999999",
        "confirm",
        "deny",
        "cgnat",
        "+",
        "2026-09-22",
        "prefix,verdict,class,observed,who\n",
        "address,name\n",
        "vpn.x.net",
        "é",
    ]
)

contents = st.one_of(
    st.binary(max_size=300),
    st.lists(pieces, max_size=60).map(lambda parts: "".join(parts).encode()),
    json_values.map(lambda value: json.dumps(value).encode()),
)


@pytest.mark.parametrize(("kind", "format"), FORMATS)
@given(data=contents, packed=st.booleans())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes(tmp_path: Path, kind: str, format: str, data: bytes, packed: bool):
    path = tmp_path / ("file.gz" if packed else "file")
    path.write_bytes(gzip.compress(data) if packed else data)
    try:
        read = load(kind, path, format)
    except SourceError as fault:
        assert "\n" not in str(fault)
        assert str(path) in str(fault)
        return
    assert len(read.files) == 1
