"""Carrier NAT seen by RIPE Atlas probes. In: traceroute results, one a line or one array. Out: assertions on `from`.

The one rule: only what lies between a privately addressed probe and the first public hop can be its carrier's NAT.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import msgspec

from mipdns import net
from mipdns.config import Atlas
from mipdns.errors import AddressError, SourceUnreadable
from mipdns.evidence import Assertion
from mipdns.sources.ages import expires
from mipdns.sources.reading import Read, Tally, chunks, clip, date_of, expand, has_come, lines, whole_text
from mipdns.vocabulary import Class, Signal

SHARE_MIN = 0.1
"""An address is behind carrier NAT when at least this share of its traceroutes shows it. A probe with two uplinks (the
public sample has one: 11 of 20) shows it in part of them only; a stray path in a few of hundreds is no proof."""

SILENT_HOPS_MAX = 2
"""Silent hops allowed before the carrier's. After a long silence the address may be the far network's own inside."""

_CARRIER = [net.parse_range("100.64.0.0/10"), net.parse_range("192.0.0.0/29")]
"""Used between a subscriber and a carrier's translator only: RFC 6598 (carrier NAT), RFC 6333 and 7335 (DS-Lite and
464XLAT)."""

_PRIVATE = [net.parse_range(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]

_CLOUD_INSIDE = [net.parse_range("240.0.0.0/4")]
"""Reserved space that a large cloud uses inside, beside 100.64.0.0/10, in front of hosts with a private address."""


class _Reply(msgspec.Struct, frozen=True):
    """One answer to a probe packet; `late` marks one that belongs to an earlier hop."""

    address: str | None = msgspec.field(name="from", default=None)
    late: int | None = None


class _Hop(msgspec.Struct, frozen=True):
    """The answers of one hop; a hop may have an `error` instead of results."""

    hop: int = 0
    result: list[_Reply] = []


class _Trace(msgspec.Struct, frozen=True):
    """The keys of a traceroute result that we use (RIPE Atlas data structure, firmware 4570 and later)."""

    type: str = "traceroute"
    address: str | None = msgspec.field(name="from", default=None)
    src_addr: str | None = None
    dst_addr: str | None = None
    timestamp: int | None = None
    result: list[_Hop] | None = None


@dataclass
class _Seen:
    """What the traceroutes of one address showed together."""

    traces: int = 0
    shared: int = 0
    direct: int = 0
    shared_on: datetime.date = datetime.date.min
    direct_on: datetime.date = datetime.date.min
    why: dict[str, int] = field(default_factory=dict)


def read(source: Atlas, *, bad_lines_max: float) -> Read[Assertion]:
    """At most one assertion for each public address (`from`), in ascending order. Raises SourceError.

    `trace.cgnat`, shared: a hop of carrier space stands before the first public hop and `src_addr` is private, or
    `src_addr` is itself of carrier space, in at least `SHARE_MIN` of the traceroutes that show any hop.
    `trace.direct`, single: in all of them `src_addr` is the public IPv4 address itself. (Every IPv6 host has one.)
    A result whose `from` is of the other family than `src_addr` tells nothing of `from`: probes reach the controller
    over either. Anything else proves nothing; two private hops in a row are common in plain access networks.
    """
    decoder = msgspec.json.Decoder(_Trace)
    tally = Tally(source, bad_lines_max)
    seen: dict[int, _Seen] = {}
    for path in expand(source):
        file = tally.file(path)
        undated: list[tuple[_Trace, int]] = []
        for place, text in _results(path):
            try:
                trace = decoder.decode(text)
                judged = _judged_address(trace)
                day = _day(trace.timestamp)
            except (msgspec.DecodeError, RecursionError, ValueError) as fault:
                file.bad(place, str(fault))
                continue
            if judged is not None and net.is_special(judged):
                file.dropped += 1
                continue
            file.rows += 1
            file.saw(day)
            if judged is None:
                continue
            if day is None:
                undated.append((trace, judged))
            else:
                _note(seen.setdefault(judged, _Seen()), trace, judged, source.dated or day)
        for trace, judged in undated:
            _note(seen.setdefault(judged, _Seen()), trace, judged, date_of(source, path, file.dated))
    files = tally.close(each=False)
    return Read([one for address in sorted(seen) for one in _conclude(address, seen[address], source.name)], files)


def _results(path: Path) -> Iterator[tuple[int, str | bytes | msgspec.Raw]]:
    """Result objects still as JSON, with their line number, or with their place in the array."""
    start = next(chunks(path)).lstrip()[:1]
    if start != b"[":
        yield from ((number, line) for number, line in lines(path) if line.strip())
        return
    try:
        array = msgspec.json.decode(whole_text(path), type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError) as fault:
        raise SourceUnreadable(f"{path}: is not a whole JSON array: {fault}") from None
    yield from enumerate(array, 1)


def _judged_address(trace: _Trace) -> int | None:
    """The result's `from`; None where it is "", as Atlas writes it of a probe whose address it did not know.

    Raises ValueError where this is no traceroute result as the Atlas API gives it.
    """
    if trace.type != "traceroute":
        raise ValueError(f"is a result of type {clip(trace.type)}, not a traceroute")
    if trace.address is None:
        raise ValueError("has no key 'from', the probe's public address: not a RIPE Atlas result as the API gives it")
    if trace.result is None:
        raise ValueError("has no key 'result' with the hops")
    return net.parse_address(trace.address) if trace.address else None


def _day(timestamp: int | None) -> datetime.date | None:
    if timestamp is None:
        return None
    if not 0 < timestamp < 1 << 34:
        raise ValueError(f"timestamp {timestamp} is not in unix seconds")
    day = datetime.datetime.fromtimestamp(timestamp, datetime.UTC).date()
    if not has_come(day):
        raise ValueError(f"timestamp {timestamp} lies on {day}, which has not come yet")
    return day


def _note(seen: _Seen, trace: _Trace, judged: int, day: datetime.date) -> None:
    """Add one traceroute to what is known of its address, if it shows any hop or an inside address that tells."""
    own = _parsed(trace.src_addr)
    same_family = own is not None and net.is_v4(own) == net.is_v4(judged)
    why = _carrier_nat(trace, own) if own is not None and same_family else ""
    if why:
        seen.shared += 1
        seen.shared_on = max(seen.shared_on, day)
        seen.why[why] = seen.why.get(why, 0) + 1
    elif not any(reply.address for hop in trace.result or [] for reply in hop.result):
        return
    seen.traces += 1
    if own == judged and net.is_v4(judged):
        seen.direct += 1
        seen.direct_on = max(seen.direct_on, day)


def _carrier_nat(trace: _Trace, own: int) -> str:
    """What in this traceroute of the inside address `own` shows carrier NAT, for people; "" for nothing."""
    if _within(own, _CARRIER):
        return f"src_addr {net.format_address(own)}"
    if not _within(own, _PRIVATE):
        return ""
    goal = _parsed(trace.dst_addr)
    if goal is not None and net.is_special(goal):
        return ""  # the path to an inside address stays inside
    why = ""
    silent, expected = 0, 1
    for hop in trace.result or []:
        replies = {_parsed(reply.address) for reply in hop.result if reply.late is None}
        known = sorted(address for address in replies if address is not None)
        if any(_within(address, _CLOUD_INSIDE) for address in known):
            return ""
        if any(not net.is_special(address) for address in known):
            break
        silent += max(hop.hop - expected, 0) + (not known)
        expected = hop.hop + 1
        carrier = [address for address in known if _within(address, _CARRIER)]
        if carrier and not why and silent <= SILENT_HOPS_MAX:
            why = f"hop {net.format_address(carrier[0])} before the first public hop"
    return why


def _conclude(address: int, seen: _Seen, source: str) -> Iterator[Assertion]:
    if seen.shared and seen.shared >= SHARE_MIN * seen.traces:
        why = max(seen.why, key=lambda text: seen.why[text])
        detail = f"{why}, in {seen.shared} of {seen.traces} traceroutes"
        yield _assertion(address, "trace.cgnat", seen.shared_on, source, detail)
    elif seen.direct and seen.direct == seen.traces:
        detail = f"src_addr is the public address itself, in {seen.direct} of {seen.traces} traceroutes"
        yield _assertion(address, "trace.direct", seen.direct_on, source, detail)


def _assertion(address: int, origin: str, observed: datetime.date, source: str, detail: str) -> Assertion:
    shared = origin == "trace.cgnat"
    return Assertion(
        first=address,
        last=address,
        origin=origin,
        signal=Signal.TRACE,
        stance="shared" if shared else "single",
        classes=Class.CGNAT if shared else Class(0),
        observed=observed,
        expires=expires(origin, observed),
        exact=False,
        source=source,
        detail=detail,
    )


@lru_cache(maxsize=1 << 16)
def _parsed(text: str | None) -> int | None:
    try:
        return net.parse_address(text) if text else None
    except AddressError:
        return None


def _within(address: int, ranges: list[net.Range]) -> bool:
    return any(first <= address <= last for first, last in ranges)
