"""Whatever befalls a load (`kill -9` at any point, a full disk, a clock that goes back, another load, a source that is
suddenly empty), nothing served is lost, it ends in one clear line, and the next load is as good as any."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mipdns import store
from mipdns.schedule.attempt import last_attempt
from tests.e2e import interrupted
from tests.e2e.commands import command, mipdns, must
from tests.e2e.interrupted import LISTED, World, asked_all_the_while, copy, load, make, serves, size
from tests.e2e.servers import eventually
from tests.peers import program

SEED = 20261122
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world with a build of the even variant, to be copied."""
    return make(tmp_path_factory.mktemp("original"))


@pytest.fixture(scope="module")
def expected(original: World) -> dict[interrupted.Variant, str]:
    """What each variant comes to if nothing disturbs its load."""
    return interrupted.digests(original)


@pytest.fixture
def world(original: World, tmp_path: Path) -> World:
    """A world with a build of the even variant."""
    return copy(original, tmp_path)


def failed_in_one_line(world: World, done: subprocess.CompletedProcess[str]) -> str:
    """The line in which a load failed, which `status` tells as well."""
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1), done.stderr
    line = done.stderr.removeprefix("mipdns: ").strip()
    told = mipdns(world.config, "status", "--json")
    document = json.loads(told.stdout)
    assert told.returncode == 1
    assert document["last_load"]["outcome"] == "failed"
    assert document["last_load"]["error"] == line
    assert [trouble for trouble in document["trouble"] if line in trouble]
    return line


Moment = Callable[[World, float], bool]
"""Whether the moment has come, so many seconds after a load began."""


def moments(chance: random.Random, load_s: float, database_bytes: int) -> list[tuple[str, Moment]]:
    """When to kill: spread over the whole, and on purpose while it counts, writes SQLite, and compiles the index."""

    def after(seconds: float) -> Moment:
        return lambda world, passed: passed >= seconds

    def once(happens: Callable[[World], bool], delay_s: float) -> Moment:
        since: list[float] = []

        def come(world: World, passed: float) -> bool:
            if not since and happens(world):
                since.append(passed)
            return bool(since) and passed >= since[0] + delay_s

        return come

    def logged(share: float) -> Callable[[World], bool]:
        return lambda world: size(world.database.with_name("mip.db-wal")) >= share * database_bytes

    return [
        *[(f"after {s:.3f} s", after(s)) for s in sorted(chance.uniform(0.02, load_s) for _ in range(12))],
        *[
            (f"counting, {s:.3f} s", once(lambda world: world.evidence.exists(), s))
            for s in (0.0, *(chance.uniform(0, 0.4) for _ in range(3)))
        ],
        *[(f"writing, {share:.2f}", once(logged(share), 0)) for share in (0.01, 0.2, 0.4, 0.6, 0.8)],
        *[
            (f"compiling, {s:.3f} s", once(lambda world: world.database.with_name("mip.idx.tmp").exists(), s))
            for s in (0.0, *(chance.uniform(0, 0.1) for _ in range(3)))
        ],
    ]


def kill_at(world: World, moment: Moment) -> None:
    began = time.monotonic()
    with load(world) as loading:
        while loading.poll() is None and not moment(world, time.monotonic() - began):
            time.sleep(0.0005)
        loading.kill()
        loading.communicate(timeout=PATIENCE_S)


def test_killed_at_any_point_it_leaves_a_whole_build_and_the_next_load_is_as_good(
    world: World, expected: dict[interrupted.Variant, str]
) -> None:
    began = time.monotonic()
    must(world.config, "load")
    load_s = time.monotonic() - began
    chance = random.Random(SEED)
    held: interrupted.Variant = "even"
    outcomes = set()
    with asked_all_the_while(world) as server:
        serial = world.build()[0]
        for number, (name, moment) in enumerate(moments(chance, load_s, size(world.database))):
            # Every other time all is counted anew; in between, what a killed load had counted is there to go on from.
            if number % 2 == 0 or name.startswith("counting"):
                world.forget()
            wanted: interrupted.Variant = "odd" if held == "even" else "even"
            world.become(wanted)
            kill_at(world, moment)
            now, digest = world.build()
            assert digest in (expected[held], expected[wanted]), name
            assert now == serial if digest == expected[held] else now > serial, name
            outcomes.add(digest == expected[held])
            serial, held = now, held if digest == expected[held] else wanted
            told = last_attempt(world.database)
            assert told is None or told[1] in ("killed", "done"), name
        assert outcomes == {True, False}
        for variant in ("odd", "even"):
            world.become(variant)
            must(world.config, "load")
            assert world.build()[1] == expected[variant]
            assert world.build()[0] > serial
            assert eventually(lambda variant=variant: serves(server, variant))  # type: ignore[misc]  # mypy/15459
        assert mipdns(world.config, "status").returncode == 0
        assert mipdns(world.config, "check").returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of eight megabytes, which only root can mount."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system of its own for a full disk: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def leave(folder: Path, free_bytes: int) -> None:
    """Fill the file system up to so much."""
    filler = folder / "filler"
    filler.unlink(missing_ok=True)
    with filler.open("wb") as out:
        out.write(bytes(max(shutil.disk_usage(folder).free - free_bytes, 0)))


def test_a_full_work_folder_is_one_line_and_the_next_load_is_as_good(
    original: World, expected: dict[interrupted.Variant, str], tmp_path: Path, small_disk: Path
) -> None:
    world = copy(original, tmp_path / "world", work=small_disk / "work")
    with asked_all_the_while(world) as server:
        before = world.build()
        world.become("odd")
        for free_bytes in (0, 32 << 10):
            leave(small_disk, free_bytes)
            line = failed_in_one_line(world, mipdns(world.config, "load"))
            assert f"work folder {small_disk / 'work'}: there is no space left" in line
            assert world.build() == before
        (small_disk / "filler").unlink()
        must(world.config, "load")
        assert world.build()[1] == expected["odd"]
        assert eventually(lambda: serves(server, "odd"))


def test_a_full_disk_of_the_database_is_one_line_and_the_next_load_is_as_good(
    original: World, expected: dict[interrupted.Variant, str], tmp_path: Path, small_disk: Path
) -> None:
    world = copy(original, tmp_path / "world", database=small_disk / "mip.db")
    with asked_all_the_while(world) as server:
        serial, held = world.build()
        world.become("odd")
        for free_bytes in (0, 512 << 10):
            leave(small_disk, free_bytes)
            line = failed_in_one_line(world, mipdns(world.config, "load"))
            assert "mip.db" in line
            assert "no room left on its disk" in line
            assert world.build() == (serial, held)
        # Room for the build, but not for its index: that is committed, and the server says what it lacks.
        leave(small_disk, size(world.database) * 2 + (64 << 10))
        done = mipdns(world.config, "load")
        if done.returncode:
            assert "Traceback" not in done.stderr
            assert len(done.stderr.splitlines()) == 1
        assert world.build()[1] in expected.values()
        (small_disk / "filler").unlink()
        must(world.config, "load")
        assert world.build()[1] == expected["odd"]
        assert eventually(lambda: serves(server, "odd"))


def test_on_a_full_disk_a_server_starts_all_the_same(original: World, tmp_path: Path, small_disk: Path) -> None:
    world = copy(original, tmp_path / "world", database=small_disk / "mip.db")
    leave(small_disk, 0)
    with asked_all_the_while(world) as server:
        assert serves(server, "even")
    assert mipdns(world.config, "status").returncode == 0


@pytest.mark.parametrize("limit_bytes", [8 << 10, 512 << 10])
def test_a_limit_on_the_size_of_files_is_one_line_too(world: World, limit_bytes: int) -> None:
    """What anybody's disk quota comes to, and a full disk where no test may mount one."""
    before = world.build()
    world.become("odd")
    world.forget()
    done = subprocess.run(
        command(world.config, "load"),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes)),
    )
    failed_in_one_line(world, done)
    assert world.build() == before
    must(world.config, "load")
    assert mipdns(world.config, "status").returncode == 0


def at_time(world: World, moment: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a machine whose clock says something else; what measures intervals goes on as ever."""
    return subprocess.run(
        [program("faketime"), "-f", moment, *command(world.config, *arguments)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        env=os.environ | {"DONT_FAKE_MONOTONIC": "1", "TZ": "UTC"},
    )


@pytest.mark.peers
def test_a_clock_that_goes_back_an_hour_leaves_the_serial_going_up(world: World) -> None:
    before = world.build()
    done = at_time(world, "-1h", "load", "--json")
    assert done.returncode == 0, done.stderr
    assert world.build() == (before[0] + 1, before[1])
    assert at_time(world, "-1h", "status").returncode == 0
    must(world.config, "load")
    assert world.build()[0] > before[0] + 1


@pytest.mark.peers
@pytest.mark.parametrize("moment", ["-2d"])
def test_a_clock_that_is_days_behind_the_last_build_is_not_believed(world: World, moment: str) -> None:
    """As of such a day all that the logs say would lie in the future, and count for nothing."""
    before = world.build()
    line = failed_in_one_line(world, at_time(world, moment, "load"))
    assert "the clock says" in line
    assert "--force" in line
    assert world.build() == before
    assert at_time(world, moment, "load", "--force").returncode == 0
    assert world.build()[0] == before[0] + 1
    must(world.config, "load")
    assert world.build()[1] == before[1]


def test_of_two_loads_at_once_one_wins_and_the_other_says_so(world: World) -> None:
    serial, _ = world.build()
    with load(world) as first, load(world) as second:
        told = [process.communicate(timeout=PATIENCE_S)[1] for process in (first, second)]
        codes = [first.returncode, second.returncode]
    assert sorted(codes) == [0, 1]
    loser = codes.index(1)
    winner = (first, second)[1 - loser]
    assert len(told[loser].splitlines()) == 1
    assert f"another load is running (process {winner.pid}, since 20" in told[loser]
    assert told[1 - loser] == ""
    now = world.build()[0]
    assert now > serial
    with load(world, "--wait", "60") as first, load(world, "--wait", "60") as second:
        assert [process.communicate(timeout=PATIENCE_S)[1] for process in (first, second)] == ["", ""]
        assert [first.returncode, second.returncode] == [0, 0]
    assert world.build()[0] >= now + 2
    assert mipdns(world.config, "status").returncode == 0


@pytest.mark.parametrize("left", ["", "# nothing today\n", f"{interrupted.ALWAYS}\n"], ids=["empty", "comment", "one"])
def test_a_source_that_shrinks_to_nothing_is_refused_until_forced(world: World, left: str) -> None:
    world.config.write_text(world.config.read_text().replace("change_max = 10\n", ""))
    before = world.build()
    (world.sources / "tor.txt").write_text(left)
    line = failed_in_one_line(world, mipdns(world.config, "load"))
    assert world.build() == before
    if interrupted.ALWAYS not in left:
        assert "tor.txt" in line
        return
    assert f"of {LISTED + 1} listed IPv4 addresses the new build loses" in line
    assert "`mipdns load --force`" in line
    must(world.config, "load", "--force")
    assert mipdns(world.config, "status").returncode == 0
    assert store.latest_build(world.database).listed_v4 < LISTED
    assert last_attempt(world.database) is not None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_load_that_is_told_to_stop_ends_soon_and_leaves_the_old_build(world: World, number: signal.Signals) -> None:
    before = world.build()
    world.become("odd")
    world.forget()
    with load(world) as loading:
        assert eventually(world.evidence.exists)
        loading.send_signal(number)
        _, told = loading.communicate(timeout=PATIENCE_S)
    assert loading.returncode != 0
    assert "Traceback" not in told
    assert world.build() == before
    assert mipdns(world.config, "status").returncode == 1
