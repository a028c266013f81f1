"""The made listings in the form that each server reads, kept in a work folder. In: a folder, counts. Out: paths.

The one rule: every form says the same, and what one listing's A and TXT say comes from the functions that make answers.
What is there already is taken as it is; raise `FORM` when anything here, or the listings, change.
"""

from __future__ import annotations

import ipaddress
import os
import random
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

import listings as made
import numpy as np

from mipdns import net
from mipdns.answer import Identity
from mipdns.answer.rdata import TEST_TEXT, verdict_a, verdict_text
from mipdns.config import shipped_zones
from mipdns.store.version import SCHEMA_VERSION
from mipdns.zonefile import read_zones
from tests import builds

ORIGIN: Final = "mip.internal"
TTL: Final = 300
SERIAL: Final = 1_760_000_000
FORM: Final = 1
QUERIES: Final = 1_000_000
HIT_SHARE: Final = 0.5
TXT_SHARE: Final = 0.2

_SOA = f"ns1.{ORIGIN}. hostmaster.{ORIGIN}. {SERIAL} 3600 600 1209600 60"
_POWERDNS_SCHEMA = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")


class Forms:
    """One set of listings. Each method makes its form unless it is there, and returns where it is."""

    def __init__(self, work: Path, count: int, *, v6_share: float = 0.1) -> None:
        self.count = count
        self.v6_share = v6_share
        self.folder = work / f"{count}-v6-{v6_share:g}-form-{FORM}"
        self.folder.mkdir(parents=True, exist_ok=True)
        # rbldnsd gives up root before it reads its files.
        for folder in (work, self.folder):
            folder.chmod(0o755)

    @cached_property
    def listings(self) -> made.Listings:
        """The listings themselves."""
        return made.make_listings(self.count, v6_share=self.v6_share)

    def database(self) -> Path:
        """The store of mipdns. It has a folder to itself, for the server puts its index beside it."""
        folder = f"mipdns-schema-{SCHEMA_VERSION}"
        (self.folder / folder).mkdir(exist_ok=True)
        return self._once(
            f"{folder}/mip.db", lambda path: builds.write_build(path, made.make_verdicts(self.listings), SERIAL)
        )

    def rbldnsd(self) -> tuple[Path, Path]:
        """Its data files, ip4trie and ip6trie."""

        def write(path: Path, v6: bool) -> None:
            with path.open("w") as out:
                out.write(f"$TTL {TTL}\n" if v6 else self._apex())
                for key, a, text in self._rows():
                    if (key > net.UNIT_V4_LAST) == v6:
                        out.write(f"{_prefix(key)} :{a}:{text}\n")

        return self._once("ip4trie", lambda path: write(path, False)), self._once(
            "ip6trie", lambda path: write(path, True)
        )

    def rbldnsd_shared(self) -> tuple[Path, Path]:
        """The same as short as rbldnsd can have it: it keeps equal texts once where they follow each other.

        IPv4 is sorted by payload, and `$` stands for the address that was asked.
        """

        def write(path: Path) -> None:
            keys, payload, pool = self.listings
            v4 = int(np.searchsorted(keys, np.uint64(net.UNIT_V4_LAST), side="right"))
            order = np.argsort(payload[:v4], kind="stable")
            with path.open("w") as out:
                out.write(self._apex())
                for key, a, text in self._rows(made.Listings(keys[:v4][order], payload[:v4][order], pool), "$/32"):
                    out.write(f"{_prefix(key)} :{a}:{text}\n")

        return self._once("ip4trie-shared", write), self.rbldnsd()[1]

    def master_file(self) -> Path:
        """RFC 1035 §5: reversed octets for IPv4, a wildcard for each /64. Only the zone's own list."""

        def write(path: Path) -> None:
            with path.open("w") as out:
                out.write(f"$ORIGIN {ORIGIN}.\n$TTL {TTL}\n@ 3600 IN SOA {_SOA}\n@ 3600 IN NS ns1\nns1 A 127.0.0.1\n")
                out.write(f'2.0.0.127 A 127.0.0.2\n2.0.0.127 TXT "{TEST_TEXT}"\n')
                for key, a, text in self._rows():
                    owner = _owner(key)
                    out.write(f'{owner} A {a}\n{owner} TXT "{text}"\n')

        return self._once("master", write)

    def powerdns(self) -> Path:
        """A database of PowerDNS' SQLite backend; its indexes are made at the end, which is faster."""

        def rows() -> Iterator[tuple[str, str, str]]:
            yield ORIGIN, "SOA", _SOA
            yield ORIGIN, "NS", f"ns1.{ORIGIN}"
            yield f"ns1.{ORIGIN}", "A", "127.0.0.1"
            yield f"2.0.0.127.{ORIGIN}", "A", "127.0.0.2"
            for key, a, text in self._rows():
                owner = f"{_owner(key)}.{ORIGIN}"
                yield owner, "A", a
                yield owner, "TXT", f'"{text}"'

        def write(path: Path) -> None:
            statements = [text for text in _POWERDNS_SCHEMA.read_text().split(";") if text.strip()]
            connection = sqlite3.connect(path, isolation_level=None)
            connection.execute("PRAGMA journal_mode = OFF")
            for late in (False, True):
                for statement in statements:
                    if ("INDEX" in statement) == late:
                        connection.execute(statement)
                if not late:
                    connection.execute("BEGIN")
                    connection.execute("INSERT INTO domains (id, name, type) VALUES (1, ?, 'NATIVE')", (ORIGIN,))
                    connection.executemany(
                        f"INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, ?, ?, ?, {TTL})", rows()
                    )
                    connection.execute("COMMIT")
            connection.execute("ANALYZE")
            connection.close()

        return self._once("powerdns.db", write)

    def queries(self) -> Path:
        """Lines for dnsperf, a million: half of them listed, a fifth TXT, shuffled; the others lie anywhere."""

        def write(path: Path) -> None:
            chance = random.Random(made.SEED)
            keys = self.listings.keys
            with path.open("w") as out:
                for _ in range(QUERIES):
                    first, last = net.unit_range(int(keys[chance.randrange(len(keys))]))
                    address = chance.randint(first, last)
                    if chance.random() >= HIT_SHARE:
                        v4 = net.is_v4(first)
                        address = net.V4_FIRST | chance.randrange(1 << 24, 224 << 24) if v4 else _elsewhere(chance)
                    kind = "TXT" if chance.random() < TXT_SHARE else "A"
                    out.write(f"{net.reverse_name(address)}.{ORIGIN} {kind}\n")

        return self._once("queries", write)

    def _once(self, name: str, write: Callable[[Path], object]) -> Path:
        path = self.folder / name
        if not path.exists():
            unfinished = path.with_name(f"unfinished-{os.getpid()}-{path.name}")
            began = time.monotonic()
            write(unfinished)
            unfinished.rename(path)
            print(f"made {path} in {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
        return path

    @staticmethod
    def _apex() -> str:
        """How the first of rbldnsd's files starts."""
        apex = f"$SOA 3600 ns1.{ORIGIN} hostmaster.{ORIGIN} {SERIAL} 3600 600 1209600 60\n$NS 3600 ns1.{ORIGIN}\n"
        return f"{apex}$TTL {TTL}\n127.0.0.2 :127.0.0.2:{TEST_TEXT}\n"

    def _rows(self, listings: made.Listings | None = None, network: str = "") -> Iterator[tuple[int, str, str]]:
        """Unit key, A and TXT of each listing. All text but the network is made once a payload.

        network: what to write in the place of each listing's own.
        """
        rule = read_zones(shipped_zones(), Identity()).by_origin[tuple(map(str.encode, ORIGIN.split(".")))].lists[()]
        parts: dict[made.Payload, tuple[str, str, str]] = {}
        for key, payload in made.pairs(listings or self.listings):
            if payload not in parts:
                verdict = made.verdict(key, payload)
                before, _, rest = verdict_text(verdict.first, verdict).partition("net=")
                a = ".".join(map(str, verdict_a(verdict, rule)))
                parts[payload] = a, before, rest[rest.index(";") :]
            a, before, after = parts[payload]
            yield key, a, f"{before}net={network or _prefix(key)}{after}"


def _prefix(key: int) -> str:
    if key <= net.UNIT_V4_LAST:
        return f"{key >> 24}.{key >> 16 & 255}.{key >> 8 & 255}.{key & 255}/32"
    return f"{ipaddress.IPv6Address(key << 64)}/64"


def _owner(key: int) -> str:
    if key <= net.UNIT_V4_LAST:
        return f"{key & 255}.{key >> 8 & 255}.{key >> 16 & 255}.{key >> 24}"
    return "*." + ".".join(reversed(f"{key:016x}"))


def _elsewhere(chance: random.Random) -> int:
    return 0x2 << 124 | chance.getrandbits(124)
