"""Source ports as we see them, after whatever NAT stands between. In: connections. Out: their ports."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mipdns.simulate.agents import PLATFORMS
from mipdns.simulate.dice import mixed, uniform
from mipdns.simulate.kinds import PORT_MODES
from mipdns.simulate.layout import Ints
from mipdns.simulate.population import People, World

LINUX_PORTS = (32768, 61000)  # net.ipv4.ip_local_port_range as Linux ships it, and Android with it
DYNAMIC_PORTS = (49152, 65536)  # RFC 6335 §6: what Windows and Apple's systems use
_UNIX = np.array([name in ("linux", "android", "chromeos", "tv", "android_app", "library") for name in PLATFORMS])
_BUSY = 1.5
"""Activity from which a subscriber needs more than his first block."""


def source_ports(
    world: World, people: People, person: Ints, unit: Ints, platform: Ints, time_s: NDArray[np.float64], place: int,
    rng: np.random.Generator,
) -> Ints:  # fmt: skip
    """A port for each connection, by what the unit does (`kinds.PORT_MODES`)."""
    units = world.units
    mode = units.ports[unit]
    draw = rng.random(len(unit))
    kept, linux, _, counted, block = (mode == at for at in range(len(PORT_MODES)))
    unix = linux | (kept & _UNIX[platform])
    low = np.where(unix, LINUX_PORTS[0], np.where(kept, DYNAMIC_PORTS[0], units.first[unit]))
    size = np.where(
        unix, LINUX_PORTS[1] - LINUX_PORTS[0], np.where(kept, DYNAMIC_PORTS[1] - DYNAMIC_PORTS[0], units.room[unit])
    )
    offset = (draw * size).astype(np.int64)
    rows = np.flatnonzero(counted)
    offset[rows] = _counted(world, unit[rows], time_s[rows], draw[rows], place) % size[rows]
    rows = np.flatnonzero(block)
    offset[rows] = _in_blocks(world, people, person[rows], unit[rows], draw[rows], place, rng)
    return low + offset


def _counted(world: World, unit: Ints, time_s: NDArray[np.float64], draw: NDArray[np.float64], place: int) -> Ints:
    """A counter that other connections move on, to sites that we do not see: 0.02 to 2 ports a second."""
    rate = 0.02 * 100 ** uniform(unit, world.seed, 21)
    began = mixed(unit, world.seed, place, 22) % np.uint64(1 << 20)
    result: Ints = began.astype(np.int64) + (time_s * rate + 3 * draw).astype(np.int64)
    return result


def _in_blocks(
    world: World, people: People, person: Ints, unit: Ints, draw: NDArray[np.float64], place: int,
    rng: np.random.Generator,
) -> Ints:  # fmt: skip
    """Offsets within subscribers' blocks (RFC 7422). Where there are more subscribers than blocks, who comes later
    takes what another left. Busy ones of blocks of 1000 take a further, smaller block."""
    units, further = world.units, world.plan.translation.further
    block = np.minimum(units.block[unit], units.room[unit])
    blocks = np.maximum(units.room[unit] // block, 1)
    turn = mixed(unit, world.seed, place, 23) % np.uint64(1 << 20)
    number = (people.slot[person] + turn.astype(np.int64)) % blocks
    offset = number * block + (draw * block).astype(np.int64)
    more = (block == 1000) & (people.activity[person] > _BUSY) & (rng.random(len(unit)) < 0.3)
    room = units.room[unit] - (1 + people.slot[person] % 20) * further
    further_offset = np.maximum(room, 0) + (draw * further).astype(np.int64)
    result: Ints = np.where(more, further_offset, offset)
    return result
