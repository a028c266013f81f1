"""What the server has done since it started, as numbers. One struct, written by the loop and read by anyone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

RCODE_NAMES = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")
"""RFC 6895 §2.3, as far as this server goes; BADVERS (16) and BADCOOKIE (23) show their lower four bits: 0 and 7."""

_OF_LOOPS = ("udp_dropped", "udp_unsent", "udp_handed_over", "udp_overflow", "udp_too_long")


def _rcodes() -> list[int]:
    return [0] * 16


class Counters(msgspec.Struct):
    """Numbers since the start; none of them ever goes down, save `tcp_open`.

    udp, tcp: answers by the four rcode bits of the header. dropped: packets that deserve no answer, by transport.
    internal_errors: exceptions inside an answer, a bug each. udp_unsent: answers that the kernel would not take.
    udp_handed_over: packets that native loops left to Python, which answered them; udp_overflow, udp_too_long: those
    that were dropped instead, because too many waited or because they were too long.
    loops: the native loops, each of which tells its own numbers: sixteen rcodes, then dropped, unsent, handed over,
    overflow, too long. They are added when somebody asks.
    tcp_accepted, tcp_refused (over a limit), tcp_evicted (the oldest, for a newcomer), tcp_timed_out.
    """

    loops: list[Callable[[], Sequence[int]]] = msgspec.field(default_factory=list)
    udp: list[int] = msgspec.field(default_factory=_rcodes)
    tcp: list[int] = msgspec.field(default_factory=_rcodes)
    udp_dropped: int = 0
    tcp_dropped: int = 0
    udp_unsent: int = 0
    udp_handed_over: int = 0
    udp_overflow: int = 0
    udp_too_long: int = 0
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
        native = [sum(numbers) for numbers in zip(*(loop() for loop in self.loops), strict=True)] or [0] * (16 + 5)
        udp = [mine + theirs for mine, theirs in zip(self.udp, native, strict=False)]
        for transport, rcodes in (("udp", udp), ("tcp", self.tcp)):
            document[f"{transport}_answers"] = sum(rcodes)
            for rcode, count in enumerate(rcodes):
                if count:
                    name = RCODE_NAMES[rcode] if rcode < len(RCODE_NAMES) else f"rcode{rcode}"
                    document[f"{transport}_{name.lower()}"] = count
        for name in self.__struct_fields__[3:]:
            document[name] = getattr(self, name)
        for name, number in zip(_OF_LOOPS, native[16:], strict=True):
            document[name] += number
        return document
