"""Where the shipped datasette metadata is. Out: a path to give to `datasette --metadata`."""

from __future__ import annotations

from importlib import resources
from pathlib import Path


def metadata_path() -> Path:
    """`metadata.json` beside this module: titles, what each table and column means, units, sort orders and facets.

    It describes a database named `mip`: datasette goes by the file's name, and `mip.db` is the default.
    """
    return Path(str(resources.files("mipdns.store").joinpath("metadata.json")))
