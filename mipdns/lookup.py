"""Ask a server about one address, as its users do: over DNS. In: an address and where to ask. Out: what it said."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from mipdns import net
from mipdns.answer.lists import SUB_LISTS, make_lists
from mipdns.config import parse_listen, read_config
from mipdns.errors import LookupFailed
from mipdns.zonefile import choose_zone, origin_text


class Answer(NamedTuple):
    """What a list says of an address.

    name: what was asked for. a: the A record as text, None where unlisted. txt: the TXT record's fields, in order.
    """

    name: str
    a: str | None
    txt: dict[str, str]


def query_name(address: int, origin: str, sub_list: str = "") -> str:
    """The name to ask for: `4.3.2.1.t80.mip.internal.`"""
    return ".".join(part for part in (net.reverse_name(address), sub_list, origin.rstrip(".")) if part) + "."


def lookup(address: int, server: tuple[str, int], origin: str, sub_list: str = "", timeout_s: float = 3.0) -> Answer:
    """Ask `server` (address, port) for A and, where listed, TXT. Raises LookupFailed on silence or an error code."""
    name = query_name(address, origin, sub_list)
    a = [str(rdata) for rdata in _ask(name, dns.rdatatype.A, server, timeout_s)]
    if not a:
        return Answer(name, None, {})
    texts = [str(rdata).strip('"') for rdata in _ask(name, dns.rdatatype.TXT, server, timeout_s)]
    return Answer(name, a[0], parse_txt(texts[0]) if texts else {})


def parse_txt(text: str) -> dict[str, str]:
    """`v=mip1; conf=87; class=cgnat` as a mapping, in order; a word without `=` maps to the empty string."""
    fields = (field.strip().partition("=") for field in text.split(";"))
    return {key: value for key, _, value in fields if key}


def _ask(
    name: str, rdtype: dns.rdatatype.RdataType, server: tuple[str, int], timeout_s: float
) -> list[dns.rdata.Rdata]:
    host, port = server
    where = f"{host}:{port}" if ":" not in host else f"[{host}]:{port}"
    try:
        query = dns.message.make_query(name, rdtype, use_edns=0, payload=1232)
    except dns.exception.DNSException as fault:
        raise LookupFailed(f"{name!r} is no domain name: {fault}") from None
    query.flags &= ~dns.flags.RD
    try:
        response, _ = dns.query.udp_with_fallback(query, host, timeout=timeout_s, port=port)
    except dns.exception.Timeout:
        raise LookupFailed(f"{where} did not answer within {timeout_s:g} s; is `mipdns serve` running?") from None
    except (OSError, dns.exception.DNSException) as fault:
        raise LookupFailed(f"{where} could not be asked: {fault}") from None
    if response.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        raise LookupFailed(f"{where} answered {dns.rcode.to_text(response.rcode())} for {name}")
    return [rdata for rrset in response.answer if rrset.rdtype == rdtype for rdata in rrset]


def check_list(name: str) -> None:
    """Raise LookupFailed for a list that no zone has: the answer to a slip of the pen would read "not listed"."""
    labels = tuple(name.lower().encode("ascii", "replace").split(b".")) if name else ()
    if labels not in make_lists(1, SUB_LISTS):
        raise LookupFailed(
            f"there is no list {name!r}: a list is all, bits, t01 to t100, a class, or t80.cgnat and so on"
        )


def where_to_ask(config_path: Path, server: tuple[str, int] | None, origin: str | None) -> tuple[tuple[str, int], str]:
    """The server and zone to ask, from the configuration where they are not given. Raises ConfigError, ZoneError."""
    if server and origin:
        return server, origin
    config = read_config(config_path)
    if server is None:
        host, port = parse_listen(config.serve.listen[0])
        # A server that listens on every address is asked on the loopback one.
        server = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port  # noqa: S104 compared, not bound
    if origin is None:
        origin = origin_text(choose_zone(Path(config.serve.zones), None).origin)
    return server, origin


def describe_answer(address: int, answer: Answer) -> dict[str, object]:
    """An answer for printing: the address, whether it is listed, and the TXT record's fields."""
    return {
        "address": net.format_address(address),
        "name": answer.name,
        "listed": answer.a is not None,
        "a": answer.a,
        **{key: value for key, value in answer.txt.items() if key != "v"},
    }
