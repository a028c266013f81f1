"""Instructions an answer takes, counted by callgrind: the figure that noise cannot touch.

In: options. Out: JSON. The one rule: what is counted are the answers alone. The same packets are replayed once and
three times, and the difference is theirs: half listed, a fifth TXT, a tenth IPv6, all with EDNS.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import listings as made

from mipdns import net
from tests.conftest import REPOSITORY
from tests.forms import index_bytes
from tests.wire.packets import opt, packet

LISTINGS = 100_000
PACKETS = 5_000
BUDGET = Path(__file__).with_name("instructions.json")
TOLERANCE = 0.03
SOURCES = ("ahead", "answer", "asked", "cookie", "index", "text", "tree", "wire")
_ORIGIN = b"\3mip\x08internal\0"


def compile_replay(folder: Path) -> Path:
    """The program `replay`, compiled as the extension is, with names for valgrind to tell."""
    program = folder / "replay"
    native = REPOSITORY / "mipdns" / "native"
    command = ["gcc", "-std=c11", "-O2", "-g", f"-I{native}", f"-I{REPOSITORY / 'tests' / 'fuzz'}"]
    command += [str(Path(__file__).with_name("replay.c")), *(str(native / f"{name}.c") for name in SOURCES)]
    subprocess.run([*command, "-D_POSIX_C_SOURCE=200809L", "-o", str(program)], check=True)
    return program


def make_packets(keys: list[int]) -> Iterator[bytes]:
    """Queries as resolvers send them, about listings and about what lies anywhere."""
    chance = random.Random(made.SEED)
    for _ in range(PACKETS):
        first, last = net.unit_range(chance.choice(keys))
        address = chance.randint(first, last)
        if chance.random() < 0.5:
            address = net.V4_FIRST | chance.randrange(1 << 24, 224 << 24) if net.is_v4(first) else address ^ 1 << 100
        labels = net.reverse_name(address).encode().split(b".")
        name = b"".join(bytes((len(label),)) + label for label in labels) + _ORIGIN
        qtype = b"\0\x10" if chance.random() < 0.2 else b"\0\1"
        yield packet(name + qtype + b"\0\1" + opt(), (1, 0, 0, 1))


def write_frames(path: Path, packets: Iterator[bytes]) -> None:
    """Packets as `replay` reads them: each behind its length."""
    path.write_bytes(b"".join(len(each).to_bytes(2, "big") + each for each in packets))


def count() -> float:
    """Instructions an answer, reading ahead included."""
    listings = made.make_listings(LISTINGS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "index").write_bytes(index_bytes(made.make_verdicts(listings)))
        write_frames(folder / "packets", make_packets([int(key) for key in listings.keys]))
        program = compile_replay(folder)
        totals = []
        for rounds in (1, 3):
            command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(program)]
            command += [str(folder / "index"), str(folder / "packets"), str(rounds)]
            told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
            found = re.search(r"Collected : (\d+)", told)
            assert found, told
            totals.append(int(found[1]))
    return (totals[1] - totals[0]) / (2 * PACKETS)


def budget() -> float:
    """What an answer may take."""
    return float(json.loads(BUDGET.read_text("utf-8"))["instructions_per_answer"])


@click.command(help=__doc__)
@click.option("--write", is_flag=True, help="Make the count the new budget.")
def main(write: bool) -> None:
    """Count, print, and fail where the budget is passed."""
    counted = round(count(), 1)
    if write:
        compiler = subprocess.run(["gcc", "--version"], capture_output=True, text=True, check=True).stdout.split("\n")[
            0
        ]
        BUDGET.write_text(json.dumps({"instructions_per_answer": counted, "compiler": compiler}) + "\n", "utf-8")
    allowed = budget() * (1 + TOLERANCE)
    print(json.dumps({"instructions_per_answer": counted, "budget": budget(), "tolerance": TOLERANCE}))
    if counted > allowed:
        raise click.ClickException(f"{counted} instructions an answer, and {allowed:.0f} are allowed")


if __name__ == "__main__":
    main()
