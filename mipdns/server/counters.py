"""What the server has done since it started, as numbers. One struct, written by the loop and read by anyone."""

from __future__ import annotations

from dataclasses import dataclass, field

RCODE_NAMES = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")
"""RFC 6895 §2.3, as far as this server goes; BADVERS (16) and BADCOOKIE (23) show their lower four bits: 0 and 7."""


def _rcodes() -> list[int]:
    return [0] * 16


@dataclass(slots=True)
class Counters:
    """Numbers since the start; none of them ever goes down, save `tcp_open`.

    udp, tcp: answers by the four rcode bits of the header. dropped: packets that deserve no answer, by transport.
    internal_errors: exceptions inside an answer, a bug each. udp_unsent: answers that the kernel would not take.
    tcp_accepted, tcp_refused (over a limit), tcp_evicted (the oldest, for a newcomer), tcp_timed_out.
    """

    udp: list[int] = field(default_factory=_rcodes)
    tcp: list[int] = field(default_factory=_rcodes)
    udp_dropped: int = 0
    tcp_dropped: int = 0
    udp_unsent: int = 0
    internal_errors: int = 0
    tcp_open: int = 0
    tcp_accepted: int = 0
    tcp_refused: int = 0
    tcp_evicted: int = 0
    tcp_timed_out: int = 0
    reloads: int = 0
    reload_failures: int = 0

    def as_document(self) -> dict[str, int]:
        """The numbers by name, for a log line or JSON; rcodes that never occurred are left out."""
        document: dict[str, int] = {}
        for transport, rcodes in (("udp", self.udp), ("tcp", self.tcp)):
            document[f"{transport}_answers"] = sum(rcodes)
            for rcode, count in enumerate(rcodes):
                if count:
                    name = RCODE_NAMES[rcode] if rcode < len(RCODE_NAMES) else f"rcode{rcode}"
                    document[f"{transport}_{name.lower()}"] = count
        for name in self.__slots__[2:]:
            document[name] = getattr(self, name)
        return document
