"""The SQL that stands in files beside the code, and versions of what reads and counts, taken from it.

The one rule: what another version of the code would have read or counted differently is told by a version here, and
nobody has to remember to raise it.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

import duckdb

from mipdns.sources.logs.files import glob_literal
from mipdns.sources.logs.formats.layout import quoted


def sql(package: str, name: str) -> str:
    """The text of one of our SQL files."""
    return resources.files(f"mipdns.sources.logs.{package}").joinpath(name).read_text("utf-8")


def parquet(paths: Iterable[Path]) -> str:
    """SQL: a list of Parquet files, for `read_parquet`; of a folder, the Parquet files in it."""
    names = (f"{glob_literal(path)}/*.parquet" if path.is_dir() else glob_literal(path) for path in paths)
    return "[" + ", ".join(map(quoted, names)) + "]"


@functools.cache
def reader_version() -> str:
    """Of what makes hits of lines, the table of crawlers included, and of DuckDB, whose hashes stand in hits."""
    return _digest("", "formats", "lines", suffixes=(".py", ".sql")) + f"/{duckdb.__version__}"


@functools.cache
def counter_version() -> str:
    """Of what makes day evidence of hits."""
    return _digest("counting", suffixes=(".sql",))


def _digest(*packages: str, suffixes: tuple[str, ...]) -> str:
    """Of the files in these packages of ours; of the topmost, those that read."""
    sha = hashlib.sha256()
    for package in packages:
        folder = resources.files(".".join(filter(None, ("mipdns.sources.logs", package))))
        for file in sorted(folder.iterdir(), key=lambda file: file.name):
            reads = package or file.name in ("files.py", "ingest.py", "scan.py")
            if reads and file.is_file() and file.name.endswith(suffixes):
                sha.update(file.name.encode() + b"\0" + file.read_bytes())
    return sha.hexdigest()[:16]
