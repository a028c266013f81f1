"""The command line. Each command parses, calls and prints; what it calls is imported when it runs, so that `serve`
starts without the loader's libraries.

Exit codes: 0 done, 1 failed (one line on standard error says why), 2 wrong usage.
"""

from __future__ import annotations

import datetime
import errno
import json
import sys
from collections.abc import Callable, Mapping
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO, cast

import click

from mipdns import __version__
from mipdns.errors import AddressError, ConfigError, MipdnsError
from mipdns.vocabulary import CLASS_NAMES

if TYPE_CHECKING:
    from mipdns.config import Config
    from mipdns.fetch import Fetched


class _Address(click.ParamType[int]):
    """An address argument, as its 128-bit integer."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401 click's signature
        from mipdns import net

        try:
            return value if isinstance(value, int) else net.parse_address(value)
        except AddressError as fault:
            self.fail(str(fault), param, ctx)


class _Range(click.ParamType[tuple[int, int]]):
    """A prefix, range or address argument, as first and last 128-bit integer."""

    name = "prefix"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:  # noqa: ANN401 click's signature
        from mipdns import net

        try:
            return value if isinstance(value, tuple) else net.parse_range(value)
        except AddressError as fault:
            self.fail(str(fault), param, ctx)


class _Listener(click.ParamType[tuple[str, int]]):
    """ADDRESS:PORT, as a pair."""

    name = "address:port"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:  # noqa: ANN401 click's signature
        from mipdns.config import parse_listen

        try:
            return value if isinstance(value, tuple) else parse_listen(value)
        except ValueError as fault:
            self.fail(str(fault), param, ctx)


class _Duration(click.ParamType[int]):
    """A duration such as 90m, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401 click's signature
        from mipdns.config import duration_s

        try:
            return value if isinstance(value, int) else duration_s(value)
        except ValueError as fault:
            self.fail(str(fault), param, ctx)


class _Kinds(click.ParamType[tuple[str, ...]]):
    """Names of what labels are made of, joined by commas, each once."""

    name = "kinds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:  # noqa: ANN401 click's signature
        from mipdns.validation.labelling import KINDS

        kinds = value if isinstance(value, tuple) else tuple(dict.fromkeys(part.strip() for part in value.split(",")))
        for kind in kinds:
            if kind not in KINDS:
                self.fail(f"{kind!r} makes no labels; there are {', '.join(KINDS)}", param, ctx)
        return kinds


_EXTRAS = {"duckdb": "load", "numpy": "load", "zstandard": "load", "scipy": "train", "sklearn": "train"}
"""Packages that come with an extra, so that their absence is a matter of installation and no fault of ours."""


_FULL = frozenset([errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
"""Where an output is to go is full, which is no fault of ours either."""


class _OneLineErrors(click.Group):
    """Prints our own errors as one line and exits with 1, and leaves every other exception to be seen."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 click's signature
        try:
            return super().invoke(ctx)
        except MipdnsError as fault:
            click.echo(f"mipdns: {fault}", err=True)
            ctx.exit(1)
        except click.FileError as fault:  # opened when first written to
            click.echo(f"mipdns: {fault.ui_filename}: cannot be opened: {fault.message}", err=True)
            ctx.exit(1)
        except ModuleNotFoundError as fault:
            package = (fault.name or "").partition(".")[0]
            if package not in _EXTRAS:
                raise
            what = f"`{ctx.invoked_subcommand}` needs {package}, which is not installed"
            click.echo(f"mipdns: {what}; get it with: pip install 'mipdns[{_EXTRAS[package]}]'", err=True)
            ctx.exit(1)
        except BrokenPipeError:
            # Whoever read our output has closed it (`| head`): nobody is left to tell.
            sys.stderr.close()
            ctx.exit(1)
        except OSError as fault:
            if fault.errno not in _FULL:
                raise
            what = f"`{ctx.invoked_subcommand}` could not write all of its output, so what is there is incomplete"
            click.echo(f"mipdns: {what}: {fault.strerror}", err=True)
            ctx.exit(1)


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")


@click.group(cls=_OneLineErrors, context_settings={"auto_envvar_prefix": "MIPDNS", "max_content_width": 100})
@click.option(
    "--config",
    "config_path",
    envvar="MIPDNS_CONFIG",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("mipdns.toml"),
    show_default=True,
    help="The configuration file.",
)
@click.version_option(__version__, prog_name="mipdns")
@click.pass_context
def main(ctx: click.Context, config_path: Path) -> None:
    """Find addresses that many people share, and answer for them over DNS."""
    ctx.obj = config_path


def with_config(command: Callable[..., None]) -> Callable[..., None]:
    """Hand the read configuration to a command as its first argument."""

    def run(*arguments: object, **options: object) -> None:
        from mipdns.config import read_config

        command(read_config(click.get_current_context().obj), *arguments, **options)

    return update_wrapper(run, command)


@main.command()
@click.option("--force", is_flag=True, help="Also if too much of what is listed changes, or the clock went back.")
@click.option("--wait", "wait_s", type=click.FloatRange(0), default=0.0, help="Seconds to wait for another load's end.")
@click.option("--fetch", "first_fetch", is_flag=True, help="Before that, get the sources that have an address.")
@as_json
@with_config
def load(config: Config, force: bool, wait_s: float, first_fetch: bool, as_json: bool) -> None:
    """Read every source, judge, regenerate the database, and compile the index."""
    from mipdns.load import load as run_load
    from mipdns.refresh import refresh_for_load
    from mipdns.status import describe_build, doubts, suspicions
    from mipdns.terminal import stage_line

    fetched: list[Fetched] = []
    with stage_line(sys.stderr) as progress:

        def first() -> None:
            fetched.extend(refresh_for_load(config, progress))

        try:
            build = run_load(config, progress, force=force, wait_s=wait_s, before=first if first_fetch else None)
        finally:
            _warn_of_stale(fetched)
    _print(describe_build(build), as_json)
    for line in (*doubts(build), *suspicions(build)):
        click.echo(f"mipdns: warning: {line}", err=True)


@main.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--force", is_flag=True, help="Ask at once and for the whole, and take also what has shrunk.")
@click.option("--strict", is_flag=True, help="Fail also where a fetch failed and an older copy stays in use.")
@as_json
@with_config
def fetch(config: Config, names: tuple[str, ...], force: bool, strict: bool, as_json: bool) -> None:
    """Get the sources that have an address (`url` or `preset`), all or the named ones."""
    from mipdns.fetch import describe, line
    from mipdns.refresh import refresh
    from mipdns.terminal import stage_line

    with stage_line(sys.stderr) as progress:
        fetched = refresh(config, names, force=force, progress=progress)
    if as_json:
        click.echo(json.dumps([describe(each) for each in fetched]))
    else:
        for each in fetched:
            click.echo(line(each))
    _warn_of_stale(fetched)
    if any(each.outcome == "failed" or (strict and each.outcome == "stale") for each in fetched):
        sys.exit(1)


@main.command()
@with_config
def serve(config: Config) -> None:
    """Answer over DNS until told to stop (SIGTERM); SIGHUP reads everything again."""
    from mipdns.server import serve as run_server

    run_server(config)


@main.command("run")
@with_config
def run_both(config: Config) -> None:
    """Answer over DNS as `serve` does, and load on time in a process beside it, as [run] says."""
    from mipdns.schedule.run import run

    run(config, click.get_current_context().obj)


@main.command()
@with_config
def reload(config: Config) -> None:
    """Tell the running server to read database, zones and cookie secrets again."""
    from mipdns.server.control import reload as tell

    click.echo(f"process {tell(config)} has read database, zones and cookie secrets again")


@main.command()
@click.argument("addresses", metavar="ADDRESS...", type=_Address(), nargs=-1, required=True)
@click.option("--server", type=_Listener(), help="Where to ask; default: the first listener of the configuration.")
@click.option("--zone", "origin", help="The zone's name; default: the configuration's only zone.")
@click.option("--list", "sub_list", default="", help="A sub-list, such as 'all', 't80' or 'cgnat'.")
@as_json
@click.pass_obj
def lookup(
    config_path: Path,
    addresses: tuple[int, ...],
    server: tuple[str, int] | None,
    origin: str | None,
    sub_list: str,
    as_json: bool,
) -> None:
    """Ask a server about addresses, over DNS."""
    from mipdns.lookup import check_list, describe_answer, where_to_ask
    from mipdns.lookup import lookup as ask

    check_list(sub_list)
    server, origin = where_to_ask(config_path, server, origin)
    for address in addresses:
        _print(describe_answer(address, ask(address, server, origin, sub_list)), as_json)


@main.command()
@click.argument("address", type=_Address())
@click.option(
    "--without",
    multiple=True,
    metavar="NAME",
    help="And what it would be without this signal, source or kind; may be repeated.",
)
@as_json
@with_config
def explain(config: Config, address: int, without: tuple[str, ...], as_json: bool) -> None:
    """Tell which evidence moved an address's confidence, and by how much."""
    from mipdns.explain import as_document, as_text
    from mipdns.explain import explain as run_explain
    from mipdns.store.build import LISTED_CONFIDENCE
    from mipdns.weights import scorecard_of
    from mipdns.zonefile import lowest_floor

    explanation = run_explain(Path(config.store.database), address, without, card=scorecard_of(config))
    if as_json:
        click.echo(json.dumps(as_document(explanation)))
    else:
        click.echo(as_text(explanation, lowest_floor(Path(config.serve.zones)) or LISTED_CONFIDENCE))


@main.command()
@click.option("--limit", default=50, show_default=True, type=click.IntRange(min=1), help="How many to tell.")
@as_json
@with_config
def disagreements(config: Config, limit: int, as_json: bool) -> None:
    """List where sources contradict each other most, for a person to work through."""
    from mipdns.disagreements import as_document, as_text, find
    from mipdns.weights import scorecard_of

    found = find(Path(config.store.database), limit, scorecard_of(config))
    click.echo(json.dumps(as_document(found)) if as_json else as_text(found))


@main.command()
@click.argument("verdict", type=click.Choice(["confirm", "deny", "forget"]))
@click.argument("prefix", type=_Range())
@click.option(
    "--class", "class_names", multiple=True, type=click.Choice(list(CLASS_NAMES)), help="Why; may be repeated."
)
@click.option("--who", default="", help="Who says so; default: the user's name.")
@click.option(
    "--observed",
    type=click.DateTime(["%Y-%m-%d"]),
    help="When it was true; default: today. Forgets of that day; default: of any.",
)
@with_config
def feedback(
    config: Config,
    verdict: str,
    prefix: tuple[int, int],
    class_names: tuple[str, ...],
    who: str,
    observed: datetime.datetime | None,
) -> None:
    """Confirm or deny that a prefix is used by many, or forget what you said of it; the next load goes by it."""
    from mipdns.feedback import forget, say

    database, day = Path(config.store.database), observed.date() if observed else None
    if verdict == "forget":
        if class_names:
            raise click.UsageError("--class says why a prefix is confirmed; all that was said of it is forgotten")
        for label in forget(database, prefix, who=who, observed=day):
            click.echo(f"forgotten: {label}; the next load goes without it")
        return
    label = say(database, prefix, confirmed=verdict == "confirm", class_names=class_names, who=who, observed=day)
    click.echo(f"noted: {label}; the next load uses it")


@main.command()
@click.option(
    "--truth",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A CSV of what is true; default: what the load's own sources say, as --labels has it.",
)
@click.option(
    "--labels",
    type=_Kinds(),
    metavar="KIND,…",
    help="Compare with what these say, each judged without it: partner, trace, list, names.  [default: trace,partner]",
)
@click.option("--without", multiple=True, metavar="NAME", help="Judge without this signal, source or kind, too.")
@click.option("--json", "json_file", type=click.File("w", "utf-8"), help="Write the whole document here; - for here.")
@click.option("--html", "html_file", type=click.File("w", "utf-8"), help="Write a page to look at.")
@click.option(
    "--draws",
    type=click.IntRange(10, 10_000),
    default=500,
    show_default=True,
    help="How many resamples the intervals come from.",
)
@click.option(
    "--seed", default=1, show_default=True, type=click.IntRange(0), help="The same seed gives the same intervals."
)
@with_config
def validate(
    config: Config,
    truth: Path | None,
    labels: tuple[str, ...] | None,
    without: tuple[str, ...],
    json_file: TextIO | None,
    html_file: TextIO | None,
    draws: int,
    seed: int,
) -> None:
    """Compare the newest build with what is true: how right is it, and where?"""
    from mipdns.validation.page import page
    from mipdns.validation.report import Plan
    from mipdns.validation.validate import LABELS, as_text
    from mipdns.validation.validate import validate as run_validate
    from mipdns.weights import scorecard_of

    _one_of_truth_and_labels(truth, labels)
    if json_file and html_file and json_file.name == html_file.name == "<stdout>":
        raise click.UsageError("--json and --html cannot both be written here: name a file for one of them")
    _check_outputs(config, {"--json": json_file, "--html": html_file}, *([truth] if truth else []))
    document = run_validate(
        Path(config.store.database),
        truth,
        labels=labels or LABELS,
        without=without,
        plan=Plan(draws=draws, seed=seed),
        card=scorecard_of(config),
    )
    if html_file:
        html_file.write(page(document))
    if json_file:
        json_file.write(json.dumps(document) + "\n")
    if json_file is None or json_file.name != "<stdout>":
        click.echo(as_text(document))


@main.command()
@click.argument("databases", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--truth",
    "truths",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A CSV of what is true of a database, one for each; default: what its own sources say, as --labels has it.",
)
@click.option(
    "--labels",
    type=_Kinds(),
    metavar="KIND,…",
    help="Whose word is true, and so no evidence: partner (and people), trace, list, names.  [default: all of them]",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The scorecard, as JSON.")
@click.pass_obj
def train(
    config_path: Path, databases: tuple[Path, ...], truths: tuple[Path, ...], labels: tuple[str, ...] | None, out: Path
) -> None:
    """Learn a scorecard from loaded databases whose truth is known."""
    from mipdns.inference import shipped_scorecard
    from mipdns.inference.training.text import card_text
    from mipdns.outputs import check as check_outputs
    from mipdns.terminal import stage_line
    from mipdns.train import train as run_train
    from mipdns.train import write
    from mipdns.validation.labelling import KINDS

    _one_of_truth_and_labels(truths, labels)
    check_outputs({"--out": out}, [*databases, *truths, *_files_of(config_path)])
    with stage_line(sys.stderr) as progress:
        card = run_train(databases, truths, shipped_scorecard(), labels or KINDS, progress)
    write(card_text(card), out)
    units = cast("dict[str, dict[str, int]]", card.trained["units"])
    known = "; ".join(f"{kind}: {of['shared']} shared, {of['other']} other" for kind, of in units.items())
    click.echo(f"learnt from units of the logs by {known}")
    if ranked := cast("dict[str, float]", card.trained["ranking"]):
        gap = ranked["trees"] - ranked["scorecard"]
        click.echo(
            f"units that were held out are ranked with an AUC of {ranked['scorecard']:.3f}; boosted trees, which may "
            f"combine all features: {ranked['trees']:.3f} (gap {gap:+.3f})"
        )
    click.echo(f'{out} is written; a load judges by it with [load] scorecard = "{out.resolve()}"')


@main.command()
@as_json
@with_config
def check(config: Config, as_json: bool) -> None:
    """Check configuration, zones, sources' files and database."""
    from mipdns.check import check as run_check

    findings = run_check(config)
    if as_json:
        click.echo(json.dumps([finding._asdict() for finding in findings]))
    else:
        for finding in findings:
            click.echo(f"{'ok    ' if finding.good else 'WRONG '}{finding.what}: {finding.says}")
    if not all(finding.good for finding in findings):
        sys.exit(1)


@main.command()
@click.option("--max-age", "age_max_s", type=_Duration(), help="Trouble, if the build is older, such as '3h'.")
@click.option("--files", "each_file", is_flag=True, help="Tell of each file, with its digest and first bad lines.")
@as_json
@with_config
def status(config: Config, age_max_s: int | None, each_file: bool, as_json: bool) -> None:
    """Tell what is served: the newest build, its sources and its age, and how the last load went.

    Exits with 1 if there is trouble: nothing to serve, a last load that failed, a build that is too old.
    """
    from mipdns.status import by_source
    from mipdns.status import status as run_status

    document = run_status(config, age_max_s=age_max_s)
    trouble, warnings = (cast("list[str]", document[name]) for name in ("trouble", "warnings"))
    if not as_json:
        del document["trouble"], document["warnings"]
        if not each_file:
            document["source"] = by_source(cast("list[dict[str, Any]]", document["source"]))
    _print(document, as_json)
    for line in (*trouble, *(f"warning: {line}" for line in warnings)):
        click.echo(f"mipdns: {line}", err=True)
    if trouble:
        sys.exit(1)


@main.group()
def export() -> None:
    """Write what is served in another form."""


@export.command("csv")
@click.option("--output", type=click.File("w", "utf-8"), default="-", help="Default: standard output.")
@with_config
def export_csv(config: Config, output: TextIO) -> None:
    """Every verdict, whatever its confidence, as CSV."""
    from mipdns.export import export_csv as write
    from mipdns.store import verdict_rows

    _check_outputs(config, {"--output": output})
    write(verdict_rows(Path(config.store.database)), output)


@export.command("zone")
@click.option("--zone", "origin", help="The zone's name; default: the configuration's only zone.")
@click.option(
    "--list", "lists", multiple=True, help="A list, such as 't80.cgnat'; '' is the zone's own. May be repeated."
)
@click.option("--records-max", type=click.IntRange(1), help="Refuse to write more records than this.")
@click.option("--output", type=click.File("w", "utf-8"), default="-", help="Default: standard output.")
@with_config
def export_zone(
    config: Config, origin: str | None, lists: tuple[str, ...], records_max: int | None, output: TextIO
) -> None:
    """A small build as a master file (RFC 1035), for Knot, NSD or BIND."""
    from mipdns.export import RECORDS_MAX
    from mipdns.export import export_zone as write
    from mipdns.store import read_build
    from mipdns.zonefile import choose_zone

    _check_outputs(config, {"--output": output})
    zone = choose_zone(Path(config.serve.zones), origin)
    with read_build(Path(config.store.database)) as (build, rows):
        write(rows, zone, build.serial, output, lists=lists or None, records_max=records_max or RECORDS_MAX)


@export.command("rbldnsd")
@click.option("--zone", "origin", help="The zone's name; default: the configuration's only zone.")
@click.option("--list", "name", default="", help="A list, such as 't80'; default: the zone's own.")
@click.argument("ipv4", type=click.File("w", "utf-8"))
@click.argument("ipv6", type=click.File("w", "utf-8"))
@with_config
def export_rbldnsd(config: Config, origin: str | None, name: str, ipv4: TextIO, ipv6: TextIO) -> None:
    """One list as rbldnsd data: an ip4trie file and an ip6trie file."""
    from mipdns.export import choose_list
    from mipdns.export import export_rbldnsd as write
    from mipdns.store import verdict_rows
    from mipdns.zonefile import choose_zone

    _check_outputs(config, {"IPV4": ipv4, "IPV6": ipv6})
    rule = choose_list(choose_zone(Path(config.serve.zones), origin), name)
    write(verdict_rows(Path(config.store.database)), ipv4, ipv6, rule=rule)


@main.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--seed", default=1, show_default=True, type=click.IntRange(0), help="The same seed makes the same files."
)
@click.option("--units", type=int, help="Active addresses and /64s.  [default: 3000]")
@click.option("--days", default=3, show_default=True, help="How many days of logs.")
@click.option("--format", "form", type=click.Choice(["mixed", "ndjson", "parquet"]), default="mixed", show_default=True,
              help="Logs of nine observers in all formats, or one log.")  # fmt: skip
@click.option(
    "--observer-share",
    type=click.FloatRange(0, 1, min_open=True),
    help="Share of connections seen.  [default: 1, or as --world or --draw has it]",
)
@click.option(
    "--shared-share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Multi-user share of units.  [default: 0.335, or as --world or --draw has it]",
)
@click.option(
    "--without",
    multiple=True,
    help="A source, an observer, or a column of a Parquet log, to leave out; may be repeated.",
)
@click.option("--world", "parameters", type=click.Path(dir_okay=False, path_type=Path), help="Parameters, as TOML.")
@click.option("--draw", is_flag=True, help="Draw the parameters from the seed.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="The last day.  [default: yesterday]")
@click.option("--scale", type=float, hidden=True, help="3,000 units times this.")
def simulate(
    folder: Path,
    seed: int,
    units: int | None,
    days: int,
    form: Literal["mixed", "ndjson", "parquet"],
    observer_share: float | None,
    shared_share: float | None,
    without: tuple[str, ...],
    parameters: Path | None,
    draw: bool,
    as_of: datetime.datetime | None,
    scale: float | None,
) -> None:
    """Write a made world as source files of every kind, with the truth beside them."""
    from mipdns.simulate import plan_for
    from mipdns.simulate import simulate as make
    from mipdns.terminal import stage_line

    if parameters and draw:
        raise click.UsageError("--world gives the parameters and --draw draws them: choose one")
    plan = plan_for(
        parameters, draw_seed=seed if draw else None, units=units if scale is None else round(3000 * scale),
        observer_share=observer_share, shared_share=shared_share, without=without,
    )  # fmt: skip
    last_day = as_of.date() if as_of else None
    with stage_line(sys.stderr) as progress:
        world = make(folder, seed=seed, days=days, plan=plan, form=form, as_of=last_day, progress=progress)
    made = f"{world.units} units and {world.log_lines} log lines in {folder}"
    click.echo(f"{made}; next: mipdns --config {folder / 'mipdns.toml'} load")


@main.command()
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), default=Path("demo"), show_default=True)
@click.option("--port", default=5300, show_default=True, help="0 lets the system choose.")
@click.option("--check", "only_check", is_flag=True, help="Ask the server the printed questions, then end.")
def demo(folder: Path, port: int, only_check: bool) -> None:
    """Simulate a small world, load it, serve it, and print what to ask."""
    from mipdns.demo import demo as run_demo

    run_demo(folder, port, only_check=only_check)


def _one_of_truth_and_labels(truth: object, labels: object) -> None:
    if truth and labels:
        raise click.UsageError("--truth says what is true and --labels who says so: choose one")


def _warn_of_stale(fetched: list[Fetched]) -> None:
    from mipdns.fetch import warning

    for each in fetched:
        if each.outcome in ("stale", "failed"):
            click.echo(f"mipdns: {'warning: ' if each.outcome == 'stale' else ''}{warning(each)}", err=True)


def _files_of(config_path: Path) -> list[Path]:
    """What the configuration keeps, of a command that runs without one too and may replace a scorecard."""
    from mipdns.config import read_config
    from mipdns.outputs import kept_by

    try:
        config = read_config(config_path)
    except ConfigError:
        return [config_path]
    return [config_path, *(path for path in kept_by(config) if path != Path(config.load.scorecard))]


def _check_outputs(config: Config, files: Mapping[str, TextIO | None], *read: Path) -> None:
    """files: what is written, by its option. read: what a load does not read, but this command."""
    from mipdns.outputs import check as check_outputs
    from mipdns.outputs import kept_by

    outs = {option: Path(file.name) for option, file in files.items() if file and file.name != "<stdout>"}
    check_outputs(outs, [click.get_current_context().obj, *kept_by(config), *read])


def _print(document: dict[str, object], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(document))
        return
    width = max(map(len, document))
    for key, value in document.items():
        for number, line in enumerate(value if isinstance(value, list) else [value]):
            click.echo(f"{'' if number else key:<{width}}  {_in_words(line)}")


def _in_words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_in_words(part)}" for key, part in value.items() if part)
    if isinstance(value, list):
        return "; ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)
