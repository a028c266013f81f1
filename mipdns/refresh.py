"""Getting the sources that have addresses: fetching, with every new copy read by its own source before it is taken.

In: a `Config`, names. Out: what became of each address. Fetching knows nothing of what files hold, and sources know
nothing of where files come from; they meet here.
"""

from __future__ import annotations

from collections.abc import Sequence

from mipdns import config as configuration
from mipdns.config import Config, Source, memory_bytes
from mipdns.errors import ConfigError, FetchError
from mipdns.fetch import Fetched, Limits, fetch, warning
from mipdns.progress import Progress, silent
from mipdns.sources import atlas, egress, peeringdb, ptr, routes, truth


def refresh(
    config: Config, names: Sequence[str] = (), *, force: bool = False, progress: Progress = silent
) -> list[Fetched]:
    """Fetch the named sources, or all that have an address. Raises ConfigError for a name that cannot be fetched."""
    known = {source.name: source for source in config.sources}
    for name in names:
        if name not in known:
            raise ConfigError(f"no source is named {name!r}; there are {', '.join(known) or 'none'}")
        if not known[name].urls:
            raise ConfigError(f"source {name!r} has no 'url' or 'preset', so there is nothing to fetch")
    chosen = [source for source in config.sources if source.urls and (not names or source.name in names)]
    if not chosen:
        raise ConfigError("no source has a 'url' or a 'preset', so there is nothing to fetch")
    limit = config.load.bad_lines_max
    return fetch(chosen, _limits(config), taste=lambda source, _: _taste(source, limit), force=force, progress=progress)


def refresh_for_load(config: Config, progress: Progress = silent) -> list[Fetched]:
    """Fetch all that has an address, before a load; nothing where nothing has. What comes back is good or stale.

    Raises FetchError where a source has no copy that a load could use.
    """
    if not any(source.urls for source in config.sources):
        return []
    fetched = refresh(config, progress=progress)
    lost = [warning(each) for each in fetched if each.outcome == "failed"]
    if lost:
        raise FetchError("; ".join(lost))
    return fetched


def _limits(config: Config) -> Limits:
    asked = config.fetch
    return Limits(
        timeout_s=asked.timeout_s,
        deadline_s=asked.deadline_s,
        attempts=asked.attempts,
        bytes_max=memory_bytes(asked.bytes_max),
        unpacked_max=memory_bytes(asked.unpacked_max),
        shrink_max=asked.shrink_max,
        parallel=asked.parallel,
        contact=asked.contact,
    )


def _taste(source: Source, bad_lines_max: float) -> None:
    """Read a source whole, as a load would, and forget it. Raises SourceError.

    Logs are not tasted: counting them is most of a load, and their bad lines end it there.
    """
    match source:
        case configuration.Routes():
            routes.read(source, bad_lines_max=bad_lines_max)
        case configuration.PeeringDB():
            peeringdb.read(source, bad_lines_max=bad_lines_max)
        case configuration.Atlas():
            atlas.read(source, bad_lines_max=bad_lines_max)
        case configuration.Ptr():
            ptr.read(source, bad_lines_max=bad_lines_max)
        case configuration.Egress():
            egress.read(source, bad_lines_max=bad_lines_max)
        case configuration.Truth():
            truth.read(source, bad_lines_max=bad_lines_max)
        case configuration.Logs():
            pass
