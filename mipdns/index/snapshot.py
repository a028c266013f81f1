"""The look-up interface between what is served and what answers.

A snapshot is immutable: a server swaps a whole one for the next. Everything an answer needs comes from these two
questions; `index.mapped` fills them from the index file.
"""

from __future__ import annotations

from typing import Protocol

from mipdns.vocabulary import Verdict


class Snapshot(Protocol):
    """One build, ready to be asked. Addresses are 128-bit, IPv4 in its mapped form (`mipdns.net`)."""

    @property
    def serial(self) -> int:
        """The build's SOA serial, 1 to 2**32 - 1."""
        ...

    def __len__(self) -> int:
        """How many ranges are held."""
        ...

    def find(self, address: int) -> Verdict | None:
        """The range that holds the address, whatever its confidence."""
        ...

    def reaches(self, first: int, last: int, floor: int, classes: int) -> bool:
        """Whether any address in [first, last] has confidence ≥ floor and, if `classes` is not 0, that one class.

        `classes` is 0 or exactly one `Class` bit. The whole of empty non-terminals rests on this; O(log n).
        """
        ...
