"""What the tables are, and how the database of an older mipdns becomes one of this. In: an open transaction.

The one rule: a migration that was released is never edited; what changes is a further one, and SCHEMA_VERSION with it.
"""

from __future__ import annotations

import re
import sqlite3
from importlib import resources

from sqlite_utils import Database, Migrations

from mipdns.store.version import APPLICATION_ID, SCHEMA_VERSION
from mipdns.vocabulary import Class, Signal, names

CLASS_MEANINGS: dict[Class, str] = {
    Class.CGNAT: "carrier-grade NAT: an operator's pool of addresses for many subscribers",
    Class.VPN: "exit of a VPN service",
    Class.PROXY: "forward, reverse or corporate proxy or gateway",
    Class.TOR: "Tor exit",
    Class.RELAY: "privacy relay, such as iCloud Private Relay",
    Class.CAMPUS: "school, university or enterprise network",
    Class.MOBILE: "gateway of a cellular network",
    Class.OTHER: "shared, in none of the ways above",
}

SIGNAL_MEANINGS: dict[Signal, str] = {
    Signal.PORTS: "distinct source ports and port blocks in the logs",
    Signal.AGENTS: "distinct user agents in the logs",
    Signal.TLS: "distinct TLS fingerprints in the logs",
    Signal.SHAPE: "shape of the day in the logs",
    Signal.ADDRESSES: "distinct addresses seen in the /64",
    Signal.FORWARDED: "clients that a proxy's own header names",
    Signal.NEIGHBOURS: "share of crowded units in the /24 or /48",
    Signal.NETWORK: "what the AS declares of itself",
    Signal.TRAFFIC: "network type that the traffic around shows",
    Signal.TRACE: "carrier-NAT hop in a traceroute",
    Signal.NAMES: "words in the reverse name",
    Signal.LIST: "a published list of ranges",
    Signal.PARTNER: "word of a partner, a product or a person",
}

migrations = Migrations("mipdns")


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the database to SCHEMA_VERSION inside the caller's transaction, so that all of it happens or nothing.

    Nothing here may commit. `executescript` would, so each statement goes alone; sqlite_utils nests by savepoints.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == SCHEMA_VERSION:
        return
    migrations.apply(Database(connection, execute_plugins=False))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


@migrations(name="0001_tables")
def _tables(db: Database) -> None:
    _run(db, "tables.sql")
    for class_, meaning in CLASS_MEANINGS.items():
        db.execute("INSERT INTO class (bit, name, meaning) VALUES (?, ?, ?)", _named(class_, meaning))
    for signal, meaning in SIGNAL_MEANINGS.items():
        db.execute("INSERT INTO signal (bit, name, meaning) VALUES (?, ?, ?)", _named(signal, meaning))


@migrations(name="0002_views")
def _views(db: Database) -> None:
    _run(db, "views.sql")


@migrations(name="0003_standing")
def _standing(db: Database) -> None:
    _run(db, "standing.sql")
    # An exact IPv6 range stands for its /64, and of several in one the first keeps it.
    db.execute(
        """
        INSERT OR IGNORE INTO standing (first, last, since)
        SELECT
            CASE WHEN v4 THEN first ELSE CAST(substr(first, 1, 8) || zeroblob(8) AS BLOB) END,
            CASE WHEN v4 THEN last ELSE CAST(substr(last, 1, 8) || x'FFFFFFFFFFFFFFFF' AS BLOB) END,
            (SELECT as_of FROM build ORDER BY id DESC LIMIT 1)
        FROM (SELECT *, substr(first, 1, 12) = x'00000000000000000000FFFF' AS v4 FROM verdict)
        WHERE confidence >= 50 ORDER BY first
        """
    )


@migrations(name="0004_beliefs")
def _beliefs(db: Database) -> None:
    _run(db, "beliefs.sql")


@migrations(name="0005_exposure")
def _exposure(db: Database) -> None:
    _run(db, "exposure.sql")


@migrations(name="0006_operators")
def _operators(db: Database) -> None:
    _run(db, "operators.sql")


@migrations(name="0007_days_logged")
def _days_logged(db: Database) -> None:
    _run(db, "days_logged.sql")


@migrations(name="0008_lesser")
def _lesser(db: Database) -> None:
    _add_features(db, "hours_lesser", "agents_lesser", "ports_lesser")


@migrations(name="0009_nearest")
def _nearest(db: Database) -> None:
    _add_features(db, "nearest_crowded", "seen_once", "agents_share")


@migrations(name="0010_agent_requests")
def _agent_requests(db: Database) -> None:
    _add_features(db, "agent_requests_day_max", "agent_hours_day_max")


def _add_features(db: Database, *names: str) -> None:
    """Further columns of what was seen of a unit, at the end of the table and of its view."""
    for name in names:
        db.execute(f"ALTER TABLE observation ADD COLUMN {name} REAL")
    ((view,),) = db.execute("SELECT sql FROM sqlite_schema WHERE type = 'view' AND name = 'observations'").fetchall()
    shown, of, rest = view.rpartition("\nFROM observation o ")
    db.execute("DROP VIEW observations")
    db.execute(f"{shown},\n    {', '.join(f'o.{name}' for name in names)}{of}{rest}")


def _named(bit: Class | Signal, meaning: str) -> tuple[int, str, str]:
    return bit.value, names(bit)[0], meaning


def _run(db: Database, file: str) -> None:
    statement = ""
    for line in resources.files("mipdns.store").joinpath(file).read_text("utf-8").splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            db.execute(_written_out(statement))
            statement = ""


def _written_out(statement: str) -> str:
    statement = re.sub(r"ADDRESS\((\w\.\w+)\)", lambda found: _address(found[1]), statement)
    return re.sub(r"NAMES\((\w+), (\w\.\w+)\)", lambda found: _names(found[1], found[2]), statement)


def _names(table: str, bits: str) -> str:
    """SQL for the names of the bits that are set, lowest first, joined by `+`; NULL where none is."""
    ordered = f"SELECT name FROM {table} t WHERE t.bit & {bits} ORDER BY t.bit"  # noqa: S608 words of views.sql
    return f"(SELECT group_concat(name, '+') FROM ({ordered}))"  # noqa: S608 likewise


def _address(blob: str) -> str:
    """SQL for an address as text: dotted octets, or eight uncompressed hextets in lower case."""
    hextets = " || ':' || ".join(f"substr(lower(hex({blob})), {at}, 4)" for at in range(1, 33, 4))
    octets = " || '.' || ".join(f"(16 * {_digit(blob, at)} + {_digit(blob, at + 1)})" for at in range(25, 33, 2))
    return f"CASE WHEN substr({blob}, 1, 12) = x'00000000000000000000FFFF' THEN {octets} ELSE {hextets} END"


def _digit(blob: str, at: int) -> str:
    """SQL for the value of one hexadecimal digit: SQLite reads no hexadecimal text as a number."""
    return f"(instr('0123456789ABCDEF', substr(hex({blob}), {at}, 1)) - 1)"
