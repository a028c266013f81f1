"""What we remember: SQLite. Schema and migrations, regeneration in one transaction, reading back.

The two halves of mipdns meet here, so this door is in two halves as well: reading needs the standard library only;
what writes (and loads `sqlite_utils` with it) is imported when it is first asked for, which a server never does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from mipdns.store.build import Build
from mipdns.store.metadata import metadata_path
from mipdns.store.reading import (
    Observation,
    assertions_at,
    find_verdict,
    labels,
    latest_build,
    network_of,
    observation_at,
    read_build,
    sources,
    verdict_rows,
)
from mipdns.store.version import APPLICATION_ID, SCHEMA_VERSION

if TYPE_CHECKING:
    from mipdns.store.labelling import add_label
    from mipdns.store.regeneration import Contents, regenerate

__all__ = [
    "APPLICATION_ID",
    "SCHEMA_VERSION",
    "Build",
    "Contents",
    "Observation",
    "add_label",
    "assertions_at",
    "find_verdict",
    "labels",
    "latest_build",
    "metadata_path",
    "network_of",
    "observation_at",
    "read_build",
    "regenerate",
    "sources",
    "verdict_rows",
]

_WRITING = {"add_label": "labelling", "Contents": "regeneration", "regenerate": "regeneration"}


def __getattr__(name: str) -> object:
    if name in _WRITING:
        return getattr(import_module(f"mipdns.store.{_WRITING[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
