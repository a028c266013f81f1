"""What we remember: SQLite. Schema and migrations, regeneration in one transaction, reading back.

The two halves of mipdns meet here, so whatever stands behind this door is imported when it is first asked for: a
server opens databases and nothing else, and never loads what writes them (and `sqlite_utils` with it).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mipdns.store.build import Build
    from mipdns.store.labelling import add_label, remove_feedback
    from mipdns.store.metadata import metadata_path
    from mipdns.store.reading import (
        Observation,
        Snapshot,
        assertions,
        assertions_at,
        beliefs,
        find_verdict,
        labels,
        latest_build,
        listed_since,
        network_of,
        observation_at,
        observations_within,
        read_build,
        snapshot,
        sources,
        verdict_rows,
    )
    from mipdns.store.regeneration import Contents, regenerate
    from mipdns.store.version import APPLICATION_ID, SCHEMA_VERSION

__all__ = [
    "APPLICATION_ID",
    "SCHEMA_VERSION",
    "Build",
    "Contents",
    "Observation",
    "Snapshot",
    "add_label",
    "assertions",
    "assertions_at",
    "beliefs",
    "find_verdict",
    "labels",
    "latest_build",
    "listed_since",
    "metadata_path",
    "network_of",
    "observation_at",
    "observations_within",
    "read_build",
    "regenerate",
    "remove_feedback",
    "snapshot",
    "sources",
    "verdict_rows",
]

_MODULES = {
    "APPLICATION_ID": "version",
    "SCHEMA_VERSION": "version",
    "Build": "build",
    "Contents": "regeneration",
    "add_label": "labelling",
    "remove_feedback": "labelling",
    "metadata_path": "metadata",
    "regenerate": "regeneration",
}
"""Where a name of `__all__` is from; those left out are from `reading`."""


def __getattr__(name: str) -> object:
    if name in __all__:
        return getattr(import_module(f"mipdns.store.{_MODULES.get(name, 'reading')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
