"""The decision: one query in, one answer out. Read from top to bottom; the first rule that fits, answers.

In: a packet, the snapshot that is served, the zones, and who asks. Out: the answer's bytes, or None where silence is
right. The one rule: this is a pure function that never raises, and no other module decides what is answered.
"""

from __future__ import annotations

from typing import Final

from mipdns.answer import cookies, edns, wire
from mipdns.answer.chaos import answer_chaos
from mipdns.answer.encode import QUESTION_NAME, TCP_SIZE, Outcome, encode, origin_pointer
from mipdns.answer.lists import Rule, find_list
from mipdns.answer.peer import Peer
from mipdns.answer.query import Query, Question, Tsig, parse
from mipdns.answer.rdata import point_a, point_txt, verdict_a, verdict_txt
from mipdns.answer.tree import Listing, exists, find_listing
from mipdns.answer.zone import Zone, Zones, said
from mipdns.index.snapshot import Snapshot

_META_QTYPES: Final = frozenset([wire.OPT, wire.TKEY, wire.TSIG])
_TRANSFERS: Final = frozenset([wire.AXFR, wire.IXFR])
_KEEPALIVE_UNITS_MAX: Final = 0xFFFF


def respond(packet: bytes, snapshot: Snapshot | None, zones: Zones, peer: Peer) -> bytes | None:
    """Answer one packet; None drops it: no whole header, or itself a response.

    snapshot: None while nothing has been built yet; names in the zones are then SERVFAIL. Over UDP the answer is at
    most what the client takes and 1,232 bytes, or 512 without EDNS; over TCP 65,535, without the length before it.
    """
    query = parse(packet)
    if query is None:
        return None
    cookie = cookies.check_cookie(query.edns.cookie, peer) if query.edns and query.edns.cookie else None
    outcome = decide(query, cookie, snapshot, zones, peer)
    return encode(query, outcome, _meta_records(query, outcome, cookie, zones, peer), _size_limit(query, peer))


def decide(
    query: Query, cookie: cookies.CookieReply | None, snapshot: Snapshot | None, zones: Zones, peer: Peer
) -> Outcome:
    """What to answer. First the message as such, then who asks, then class and zone, then the name."""
    if query.header.flags & wire.OPCODE:  # anything but QUERY, which is 0
        return Outcome(wire.NOTIMP)
    if not query.sound or query.header.questions > 1:
        return Outcome(wire.FORMERR)
    if query.edns and query.edns.version != 0:
        return Outcome(wire.BADVERS)
    if query.edns and not query.edns.sound:
        return Outcome(wire.FORMERR)
    if query.tsig:  # there are no keys here, so every key is unknown (RFC 8945 §5.2.1)
        return Outcome(wire.NOTAUTH)
    question = query.question
    if question is None:
        return _cookie_probe(query, cookie)
    if question.qtype in _META_QTYPES:
        return Outcome(wire.FORMERR)
    if cookie and not cookie.valid and peer.under_load and peer.transport == "udp":
        return Outcome(wire.BADCOOKIE)
    if question.qclass == wire.CH:
        return answer_chaos(question, zones.identity)
    zone = zones.find(question.labels) if question.qclass == wire.IN else None
    if zone is None:
        return Outcome(wire.REFUSED, extended_error=edns.NOT_AUTHORITATIVE)
    if question.qtype in _TRANSFERS:
        return Outcome(wire.REFUSED, extended_error=edns.PROHIBITED)
    if snapshot is None:
        return Outcome(wire.SERVFAIL, extended_error=edns.NOT_READY)
    return _answer_name(question, zone, snapshot)


def _cookie_probe(query: Query, cookie: cookies.CookieReply | None) -> Outcome:
    """No question: an error (RFC 9619), unless a client asks for nothing but a server cookie (RFC 7873 §5.4)."""
    if not (query.edns and query.edns.cookie and cookie):
        return Outcome(wire.FORMERR)
    sent_one = len(query.edns.cookie) > cookies.CLIENT_SIZE
    return Outcome(wire.BADCOOKIE if sent_one and not cookie.valid else wire.NOERROR)


def _answer_name(question: Question, zone: Zone, snapshot: Snapshot) -> Outcome:
    """A name in the zone: the apex, a name server, or somewhere in the tree of a list."""
    before = question.labels[: len(question.labels) - len(zone.origin)]
    if not before:
        return _answer_apex(question, zone, snapshot)
    host = zone.hosts.get(before)
    if host is not None:
        found = [(wire.A, address) for address in host.a] + [(wire.AAAA, address) for address in host.aaaa]
        return _positive_or_nodata(question, zone, snapshot, found, zone.apex_ttl)
    rule, address_labels = find_list(zone.lists, before)
    listing = find_listing(address_labels, rule, snapshot)
    if listing:
        return _positive_or_nodata(question, zone, snapshot, _listing_data(question.qtype, listing, rule), zone.ttl)
    rcode = wire.NOERROR if exists(address_labels, rule, snapshot) else wire.NXDOMAIN
    return _negative(question, zone, snapshot, rcode)


def _answer_apex(question: Question, zone: Zone, snapshot: Snapshot) -> Outcome:
    """SOA and NS, and for ANY the SOA; a DS is the parent's to have, so NODATA (RFC 4035 §3.1.4.1)."""
    if question.qtype in (wire.SOA, wire.ANY):
        found = [(wire.SOA, zone.soa(snapshot.serial))]
    else:
        found = [(wire.NS, name) for name in zone.name_servers]
    outcome = _positive_or_nodata(question, zone, snapshot, found, zone.apex_ttl)
    return outcome._replace(glue=zone.glue) if question.qtype == wire.NS else outcome


def _listing_data(qtype: int, listing: Listing, rule: Rule) -> list[tuple[int, bytes]]:
    """The record of a listing that a query for `qtype` is about: TXT, or else A."""
    address, verdict = listing
    if qtype == wire.TXT:
        return [(wire.TXT, verdict_txt(address, verdict) if verdict else point_txt())]
    return [(wire.A, verdict_a(verdict, rule) if verdict else point_a(address))]


def _positive_or_nodata(
    question: Question, zone: Zone, snapshot: Snapshot, found: list[tuple[int, bytes]], ttl_s: int
) -> Outcome:
    """Of the records found, given as (type, data), those of the type asked for; for ANY the first RRset (RFC 8482)."""
    wanted = found[0][0] if question.qtype == wire.ANY and found else question.qtype
    answer = tuple(wire.record(QUESTION_NAME, rtype, ttl_s, rdata) for rtype, rdata in found if rtype == wanted)
    if answer:
        return Outcome(wire.NOERROR, True, answer)
    return _negative(question, zone, snapshot, wire.NOERROR)


def _negative(question: Question, zone: Zone, snapshot: Snapshot, rcode: int) -> Outcome:
    """NXDOMAIN or NODATA, with the SOA that says for how long (RFC 2308 §3)."""
    owner = origin_pointer(question.labels, len(zone.origin))
    soa = wire.record(owner, wire.SOA, zone.negative_ttl, zone.soa(snapshot.serial))
    return Outcome(rcode, True, authority=(soa,))


def _meta_records(
    query: Query, outcome: Outcome, cookie: cookies.CookieReply | None, zones: Zones, peer: Peer
) -> tuple[bytes, ...]:
    """OPT if the query had one (RFC 6891 §6.1.1), and TSIG after it if the query was signed."""
    records = []
    if query.edns:
        options = []
        if query.edns.nsid and (nsid := said(zones.identity.nsid)):
            options.append((edns.NSID, nsid))
        if cookie:
            options.append((edns.COOKIE, cookie.option))
        if query.edns.keepalive and peer.transport == "tcp":
            units = min(max(round(zones.identity.tcp_idle_s * 10), 0), _KEEPALIVE_UNITS_MAX)
            options.append((edns.TCP_KEEPALIVE, units.to_bytes(2, "big")))
        if outcome.extended_error is not None:
            options.append((edns.EXTENDED_ERROR, outcome.extended_error.to_bytes(2, "big")))
        records.append(edns.write_edns(query.edns, outcome.rcode, options))
    if query.tsig and outcome.rcode == wire.NOTAUTH:
        records.append(_unsigned_tsig(query.tsig))
    return tuple(records)


def _unsigned_tsig(tsig: Tsig) -> bytes:
    """BADKEY without a signature (RFC 8945 §5.3.2); the time is the client's own, so that clocks play no part."""
    no_mac = no_other_data = bytes(2)
    error = wire.BADKEY.to_bytes(2, "big")
    rdata = tsig.algorithm + tsig.time_and_fudge + no_mac + tsig.original_id + error + no_other_data
    return wire.record(tsig.key, wire.TSIG, 0, rdata, wire.CLASS_ANY)


def _size_limit(query: Query, peer: Peer) -> int:
    """The most bytes that this client can take over this transport."""
    if peer.transport == "tcp":
        return TCP_SIZE
    return min(query.edns.udp_size, edns.UDP_SIZE) if query.edns else edns.UDP_SIZE_PLAIN
