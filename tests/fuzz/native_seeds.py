"""Seeds and index for the fuzzer of the native form, from the wire tables: `python -m tests.fuzz.native_seeds FOLDER`.

Writes FOLDER/index and one file a packet in FOLDER/seeds; the first byte of a seed chooses who asks, and
whether the next eight damage the index.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.forms import index_bytes
from tests.fuzz.making import SEEDS, Maker
from tests.small import VERDICTS

MADE = 500


def write_seeds(folder: Path) -> None:
    """The tables' packets, and some near what is listed."""
    seeds = folder / "seeds"
    seeds.mkdir(parents=True, exist_ok=True)
    (folder / "index").write_bytes(index_bytes())
    maker = Maker(5782, VERDICTS)
    for number, packet in enumerate([*SEEDS, *(maker.query() for _ in range(MADE))]):
        (seeds / f"{number:04}").write_bytes(bytes((number & 0xF,)) + packet)
        damage = maker.chance.randbytes(8)
        (seeds / f"{number:04}-damaged").write_bytes(bytes((0x80 | number & 0xF,)) + damage + packet)


if __name__ == "__main__":
    write_seeds(Path(sys.argv[1]))
