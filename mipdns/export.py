"""What is served, in the forms of others. In: verdicts, as a stream. Out: text, line by line.

    csv      for people and spreadsheets: every verdict, whatever its confidence
    zone     an RFC 1035 master file of one zone, so that Knot or NSD serve the same data and answers can be compared
    rbldnsd  the data files of rbldnsd, so that speed and memory can be

The one rule: A and TXT are made by the functions that make answers, never a second time here.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Final, TextIO

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from mipdns import net
from mipdns.answer import testpoints
from mipdns.answer.lists import THRESHOLDS, ListLabels, Rule
from mipdns.answer.rdata import TEST_TEXT, point_a, verdict_a, verdict_text
from mipdns.answer.zone import Zone
from mipdns.errors import ExportError
from mipdns.vocabulary import Class, Signal, Verdict, names

CSV_COLUMNS: Final = ("first", "last", "confidence", "class", "users_low", "users_high", "sources", "asn")
RECORDS_MAX: Final = 5_000_000
"""How many records a master file may hold unless more are asked for: about half a gigabyte of text."""

_RECORDS_PER_NAME: Final = 2
_NIBBLE_BITS: Final = 4
_WILDCARD_BITS_MIN: Final = 16


def export_csv(rows: Iterable[Verdict], out: TextIO) -> None:
    """CSV with a header, one line a verdict: classes and sources joined by `+`, empty where unknown."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for row in rows:
        writer.writerow(
            (
                net.format_address(row.first),
                net.format_address(row.last),
                row.confidence,
                _class_names(row.classes),
                row.users_low,
                row.users_high,
                _signal_names(row.sources),
                row.asn,
            )
        )


@cache
def _class_names(bits: int) -> str:
    return "+".join(names(Class(bits)))


@cache
def _signal_names(bits: int) -> str:
    return "+".join(names(Signal(bits)))


def export_zone(
    rows: Iterable[Verdict],
    zone: Zone,
    serial: int,
    out: TextIO,
    *,
    lists: Iterable[str] | None = None,
    every_test_point: bool = True,
    records_max: int = RECORDS_MAX,
) -> int:
    """A master file (RFC 1035 §5) of a zone with the build `serial`; returns how many records it holds.

    lists: the lists to write, by what stands before the origin (`t80.cgnat`; the zone's own is ``). By default all but
    the 900 with a threshold. every_test_point: False leaves of the test points only 127.0.0.2. Raises ExportError,
    with nothing written, for a list that the zone has not, or where there would be more than `records_max` records.

    IPv4 stands there address by address, under both its names. An IPv6 range is cut into prefixes of whole nibbles:
    a /128 is its name, anything wider a wildcard `*.<nibbles>`. A wildcard says more than mipdns does (RFC 4592 §2.2):
    it also answers for names between it and a full address, which are empty non-terminals here, and for names that
    are no addresses at all. For every full address, listed or not, the two say the same. Prefixes wider than /16 are
    cut into /16s: an IPv4 name beside a wider wildcard (7.0.4.2 beside *.0.4.2) would take its own IPv6 addresses,
    2407::/16, out of the wildcard's reach (RFC 4592 §4.1, closest encloser).
    """
    chosen = _choose(zone, lists)
    points = {labels: list(_points(rule, every_test_point)) for labels, rule in chosen.items()}
    count = _apex_records(zone) + sum(map(len, points.values())) * 2 * _RECORDS_PER_NAME
    _refuse_beyond(records_max, count, "the test points")
    kept = []
    for row in rows:
        admitting = sum(rule.admits(row) for rule in chosen.values())
        if admitting:
            kept.append(row)
            count += admitting * _count_owners(row) * _RECORDS_PER_NAME
            _refuse_beyond(records_max, count, net.format_range(row.first, row.last))
    _write_apex(zone, serial, out)
    suffixes = {labels: "".join("." + label.decode() for label in labels) for labels in chosen}
    for labels, rule in chosen.items():
        for point in points[labels]:
            for owner in _v4_owners(point):
                _write_name(out, owner + suffixes[labels], point_a(point), TEST_TEXT)
        for row in kept:
            if rule.admits(row):
                a = verdict_a(row, rule)
                for owner, address in _owners(row):
                    _write_name(out, owner + suffixes[labels], a, verdict_text(address, row))
    return count


def _refuse_beyond(records_max: int, count: int, at: str) -> None:
    if count > records_max:
        raise ExportError(
            f"the zone would hold more than {records_max:,} records (passed at {at}); choose fewer lists, or raise the "
            "limit if the name server has the memory"
        )


def _choose(zone: Zone, lists: Iterable[str] | None) -> Mapping[ListLabels, Rule]:
    if lists is None:
        return {labels: rule for labels, rule in zone.lists.items() if not (labels and labels[0] in THRESHOLDS)}
    return {_list_labels(text): choose_list(zone, text) for text in lists}


def choose_list(zone: Zone, name: str) -> Rule:
    """The rule of a list by what stands before the origin: `t80.cgnat`; "" is the zone's own. Raises ExportError."""
    rule = zone.lists.get(_list_labels(name))
    if rule is None:
        raise ExportError(f"the zone has no list {name!r}; see `lists` in its zone file")
    return rule


def _list_labels(name: str) -> ListLabels:
    return tuple(name.lower().encode("ascii", "replace").split(b".")) if name else ()


def _points(rule: Rule, every: bool) -> Iterator[int]:
    for address in range(testpoints.FIRST, testpoints.LAST + 1) if every else (testpoints.ALWAYS,):
        if testpoints.is_test_point(rule, address):
            yield address


def _owners(row: Verdict) -> Iterator[tuple[str, int]]:
    """The names that make up a range, before a list's labels, each with an address it stands for."""
    if net.is_v4(row.first):
        for address in range(row.first, row.last + 1):
            for owner in _v4_owners(address):
                yield owner, address
        return
    for network, length in net.prefixes(row.first, row.last):
        whole = _whole_nibbles(length)
        step = 1 << (net.ADDRESS_BITS - whole)
        for first in range(network, network + (1 << (net.ADDRESS_BITS - length)), step):
            nibbles = f"{first:032x}"[: whole // _NIBBLE_BITS]
            wildcard = "" if whole == net.ADDRESS_BITS else "*."
            yield wildcard + ".".join(reversed(nibbles)), first


def _v4_owners(address: int) -> tuple[str, str]:
    """Both names of an IPv4 address: reversed octets, and the nibbles of its IPv4-mapped form."""
    return net.reverse_name(address), ".".join(reversed(f"{address:032x}"))


def _whole_nibbles(length: int) -> int:
    return max(-(-length // _NIBBLE_BITS) * _NIBBLE_BITS, _WILDCARD_BITS_MIN)


def _count_owners(row: Verdict) -> int:
    if net.is_v4(row.first):
        return 2 * (row.last - row.first + 1)
    return sum(1 << (_whole_nibbles(length) - length) for _, length in net.prefixes(row.first, row.last))


def _apex_records(zone: Zone) -> int:
    return 1 + len(zone.name_servers) + sum(len(host.a) + len(host.aaaa) for host in zone.hosts.values())


def _write_apex(zone: Zone, serial: int, out: TextIO) -> None:
    out.write(f"$ORIGIN {dns.name.Name((*zone.origin, b'')).to_text()}\n$TTL {zone.ttl}\n")
    out.write(f"@ {zone.apex_ttl} IN SOA {_rdata_text(dns.rdatatype.SOA, zone.soa(serial))}\n")
    for server in zone.name_servers:
        out.write(f"@ {zone.apex_ttl} IN NS {_rdata_text(dns.rdatatype.NS, server)}\n")
    for before, host in zone.hosts.items():
        owner = dns.name.Name(before).to_text()
        for kind, addresses in ((dns.rdatatype.A, host.a), (dns.rdatatype.AAAA, host.aaaa)):
            for address in addresses:
                out.write(f"{owner} {zone.apex_ttl} IN {kind.name} {_rdata_text(kind, address)}\n")


def _rdata_text(kind: dns.rdatatype.RdataType, wire: bytes) -> str:
    return dns.rdata.from_wire(dns.rdataclass.IN, kind, wire, 0, len(wire)).to_text()


def _write_name(out: TextIO, owner: str, a: bytes, text: str) -> None:
    # Nothing that an answer says needs a backslash in a quoted string: `verdict_text` knows neither " nor \.
    out.write(f'{owner} A {_dotted(a)}\n{owner} TXT "{text}"\n')


def export_rbldnsd(rows: Iterable[Verdict], out_v4: TextIO, out_v6: TextIO, *, rule: Rule) -> None:
    """One list as two data files for rbldnsd: `ip4trie` and `ip6trie`, a prefix a line with its A and TXT.

    rule: which list, such as `zone.lists[()]`. Of the test points only 127.0.0.2 is there, and IPv4 addresses have no
    IPv4-mapped names: this is for measuring, not for serving. Serve it as `zone:ip4trie:FILE zone:ip6trie:FILE`.
    """
    out_v4.write(f"127.0.0.2 :127.0.0.2:{TEST_TEXT}\n")
    for row in rows:
        if rule.admits(row):
            a = _dotted(verdict_a(row, rule))
            out = out_v4 if net.is_v4(row.first) else out_v6
            for network, length in net.prefixes(row.first, row.last):
                out.write(f"{net.format_prefix(network, length)} :{a}:{verdict_text(network, row)}\n")


def _dotted(four: bytes) -> str:
    return ".".join(map(str, four))
