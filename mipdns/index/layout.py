"""How the index file lies on disk. In: nothing. Out: constants, and the sizes that follow from row counts.

The one rule: this module is the only source of the layout. `python -m mipdns.index.layout` prints native/layout.h, a
test compares the two, and docs/index-file.md says why it is so. Every number in the file is little-endian.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final, NamedTuple

MAGIC: Final = b"MIPIDX\r\n"
FORMAT: Final = 2
HEADER_SIZE: Final = 4096
ALIGNMENT: Final = 64
"""Sections start at multiples of a cache line; what lies between is zero."""

CHECKSUM_SIZE: Final = 16
BODY_CHECKSUM_AT: Final = HEADER_SIZE - 2 * CHECKSUM_SIZE
HEADER_CHECKSUM_AT: Final = HEADER_SIZE - CHECKSUM_SIZE
SECTIONS_AT: Final = 128

DIRECTORY_BITS_MIN: Final = 8
DIRECTORY_BITS_MAX: Final = 24

FANOUT: Final = 16
"""V6_SAMPLE: the first key of every line, every 16th of those, and so on until one block of 16 holds them."""

BLOCK: Final = 64
"""Summaries: maxima of 64 entries, of 64 of those blocks, and so on up to one."""

PLANES: Final = 9
"""Summaries: plane 0 is any class, plane 1 + n the class whose bit is 1 << n."""

CLASSES_SHIFT: Final = 24
RANGE: Final = 1 << 23
CONFIDENCE_SHIFT: Final = 16
CONFIDENCE_MASK: Final = 0x7F
PAYLOAD_MASK: Final = 0xFFFF
"""An entry's facts: class bits, whether a range begins here, confidence, the lower half of its payload's number."""

USERS_LOW_KNOWN: Final = 1
USERS_HIGH_KNOWN: Final = 2
ASN_KNOWN: Final = 4
OBSERVED_KNOWN: Final = 8


class Section(IntEnum):
    """The sections, in the order in which they lie in the file and in the header's table."""

    PAYLOAD = 0
    TEXT = 1
    V4_DIRECTORY = 2
    V4_LINES = 3
    V4_HIGH = 4
    V4_SUMMARY = 5
    V6_SAMPLE = 6
    V6_LINES = 7
    V6_HIGH = 8
    V6_SUMMARY = 9
    N6_LINES = 10
    N6_HIGH = 11
    N6_SUMMARY = 12


class Line(NamedTuple):
    """A cache line of a table: so many keys, each of so many numbers, then as many facts of 32 bits, then zeros.

    code: `struct` code of the numbers. A key that is two numbers has its upper half first.
    """

    name: str
    code: str
    numbers: int
    entries: int
    meaning: str

    @property
    def facts_at(self) -> int:
        """Where in the line the facts start."""
        return self.entries * self.numbers * struct.calcsize(f"<{self.code}")


LINE_SIZE: Final = 64
V4_LINE: Final = Line("mip_v4_line", "I", 1, 8, "IPv4 addresses.")
V6_LINE: Final = Line("mip_v6_line", "Q", 1, 5, "The upper halves of IPv6 addresses.")
N6_LINE: Final = Line("mip_n6_line", "Q", 2, 3, "Whole IPv6 addresses, the upper half first.")
PADDING: Final = 0xFF
"""Fills the keys that the last line of a table, and the last block of each level of V6_SAMPLE, has no use for."""


class Field(NamedTuple):
    """A number or a string of bytes in a record: its name, its `struct` code, what it means."""

    name: str
    code: str
    meaning: str


HEADER_FIELDS: Final = (
    Field("magic", "8s", "MIPIDX CR LF, so that a transfer as text is noticed"),
    Field("format", "I", "version of this layout"),
    Field("serial", "I", "SOA serial of the build"),
    Field("file_size", "Q", "bytes in the whole file"),
    Field("verdicts", "Q", "rows of the build's table"),
    Field("v4_entries", "I", "of IPv4: one for an address, two for a range"),
    Field("v6_entries", "I", "of IPv6, in whole /64s: one for a /64, two for a range"),
    Field("n6_entries", "I", "of narrow IPv6, inside one /64: one for an address, two for a range"),
    Field("payloads", "I", "records of PAYLOAD"),
    Field("payload_width", "I", "bytes of a payload's number: 2, or 4 with its upper half in the sections HIGH"),
    Field("directory_bits", "I", "leading bits that V4_DIRECTORY is indexed by"),
    Field("build", "16s", "digest of the build's row in the database"),
)

PAYLOAD_FIELDS: Final = (
    Field("confidence", "B", "1 to 100"),
    Field("classes", "B", "class bits"),
    Field("known", "B", "which of users_low, users_high, asn and observed are known"),
    Field("prefix_size", "B", "length of the text before the network, which ends in net="),
    Field("suffix_size", "B", "length of all text after the network"),
    Field("suffix_to_src", "B", "of it, up to and with src=..., so without seen="),
    Field("suffix_to_asn", "B", "of it, up to and with asn=..., so without src= and seen="),
    Field("zero", "B", ""),
    Field("prefix_at", "I", "where in TEXT the prefix starts"),
    Field("suffix_at", "I", "where in TEXT the suffix starts"),
    Field("users_low", "I", ""),
    Field("users_high", "I", ""),
    Field("sources", "H", "signal bits"),
    Field("observed", "H", "days since 1970-01-01"),
    Field("asn", "I", ""),
)

HEADER: Final = struct.Struct("<" + "".join(field.code for field in HEADER_FIELDS))
SECTION_ENTRY: Final = struct.Struct("<QQ")
PAYLOAD: Final = struct.Struct("<" + "".join(field.code for field in PAYLOAD_FIELDS))


class Header(NamedTuple):
    """HEADER_FIELDS as read or to be written."""

    magic: bytes
    format: int
    serial: int
    file_size: int
    verdicts: int
    v4_entries: int
    v6_entries: int
    n6_entries: int
    payloads: int
    payload_width: int
    directory_bits: int
    build: bytes


class Level(NamedTuple):
    """One level of a sample or a summary. at: byte offset in the section. entries: keys, or blocks. stride: bytes."""

    at: int
    entries: int
    stride: int


def aligned(size: int) -> int:
    """The size with the padding after it."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def lines(line: Line, entries: int) -> int:
    """How many lines so many entries take."""
    return -(-entries // line.entries)


def directory_bits(entries: int) -> int:
    """How many leading bits the IPv4 directory takes: two to four buckets a line, were they spread evenly."""
    bits = max(lines(V4_LINE, entries) - 1, 0).bit_length() + 1
    return min(max(bits, DIRECTORY_BITS_MIN), DIRECTORY_BITS_MAX)


def payload_width(payloads: int) -> int:
    """Bytes of a payload number."""
    return 2 if payloads <= 1 << 16 else 4


def sample_levels(entries: int) -> list[Level]:
    """V6_SAMPLE, from the first key of every line upwards; none if there is but one. stride: bytes with the padding.

    Key k of a level is key 16 k of the level below. A level is padded to whole blocks of 16 keys by 0xFF.
    """
    levels: list[Level] = []
    at, count = 0, lines(V6_LINE, entries)
    while count > 1:
        stride = -(-count // FANOUT) * FANOUT * 8
        levels.append(Level(at, count, stride))
        at += stride
        count = -(-count // FANOUT)
    return levels


def summary_levels(entries: int) -> list[Level]:
    """A summary, from blocks of 64 entries upwards to one block of all. stride: bytes of one plane with its padding.

    Plane p of a level starts at `at + p * stride`, byte b of it is the maximum of block b.
    """
    levels: list[Level] = []
    at, count = 0, entries
    while count and (not levels or count > 1):
        count = -(-count // BLOCK)
        stride = aligned(count)
        levels.append(Level(at, count, stride))
        at += PLANES * stride
    return levels


def section_sizes(header: Header, text_size: int) -> list[int]:
    """The exact size of each section in bytes; only TEXT's does not follow from the header's counts."""
    v4, v6, n6 = header.v4_entries, header.v6_entries, header.n6_entries
    high = header.payload_width - 2
    sizes = {
        Section.PAYLOAD: header.payloads * PAYLOAD.size,
        Section.TEXT: text_size,
        Section.V4_DIRECTORY: ((1 << header.directory_bits) + 1) * 4,
        Section.V4_LINES: lines(V4_LINE, v4) * LINE_SIZE,
        Section.V4_HIGH: v4 * high,
        Section.V4_SUMMARY: sum(level.stride * PLANES for level in summary_levels(v4)),
        Section.V6_SAMPLE: sum(level.stride for level in sample_levels(v6)),
        Section.V6_LINES: lines(V6_LINE, v6) * LINE_SIZE,
        Section.V6_HIGH: v6 * high,
        Section.V6_SUMMARY: sum(level.stride * PLANES for level in summary_levels(v6)),
        Section.N6_LINES: lines(N6_LINE, n6) * LINE_SIZE,
        Section.N6_HIGH: n6 * high,
        Section.N6_SUMMARY: sum(level.stride * PLANES for level in summary_levels(n6)),
    }
    return [sizes[section] for section in Section]


def section_offsets(sizes: list[int]) -> list[int]:
    """Where each section starts, and at the end where the file does."""
    offsets = [HEADER_SIZE]
    for size in sizes:
        offsets.append(offsets[-1] + aligned(size))
    return offsets


_C_TYPES = {"B": "uint8_t", "H": "uint16_t", "I": "uint32_t", "Q": "uint64_t"}


def c_header() -> str:
    """The text of native/layout.h."""
    names = (
        *("FORMAT", "HEADER_SIZE", "ALIGNMENT", "CHECKSUM_SIZE", "BODY_CHECKSUM_AT", "HEADER_CHECKSUM_AT"),
        *("SECTIONS_AT", "DIRECTORY_BITS_MIN", "DIRECTORY_BITS_MAX", "FANOUT", "BLOCK", "PLANES"),
        *("CLASSES_SHIFT", "RANGE", "CONFIDENCE_SHIFT", "CONFIDENCE_MASK", "PAYLOAD_MASK"),
        *("USERS_LOW_KNOWN", "USERS_HIGH_KNOWN", "ASN_KNOWN", "OBSERVED_KNOWN"),
    )
    lines = [
        "/* The layout of the index file. Generated from mipdns/index/layout.py by `python -m mipdns.index.layout`;",
        " * change it there. What the sections hold: docs/index-file.md. All numbers are little-endian. */",
        "#ifndef MIP_LAYOUT_H",
        "#define MIP_LAYOUT_H",
        "",
        "#include <assert.h>",
        "#include <stdint.h>",
        "",
        "#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__",
        '#error "the index file is read in place, so only on little-endian machines"',
        "#endif",
        "",
        '#define MIP_MAGIC "MIPIDX\\r\\n"',
        *(f"#define MIP_{name} {globals()[name]}u" for name in names),
        "",
        *_c_struct("mip_header", "The first bytes of the file.", HEADER_FIELDS, HEADER),
        "",
        "/* An entry of the table at MIP_SECTIONS_AT: bytes from the start of the file, bytes without padding. */",
        "struct mip_section {",
        "    uint64_t offset;",
        "    uint64_t size;",
        "};",
        "",
        "enum mip_section_number {",
        *(f"    MIP_{section.name} = {section.value}," for section in Section),
        f"    MIP_SECTIONS = {len(Section)}",
        "};",
        "",
        *(text for line in (V4_LINE, V6_LINE, N6_LINE) for text in _c_line(line)),
        *_c_struct("mip_payload", "A record of section PAYLOAD.", PAYLOAD_FIELDS, PAYLOAD),
        "",
        "#endif",
    ]
    return "\n".join(lines) + "\n"


def _c_line(line: Line) -> list[str]:
    keys = line.entries * line.numbers
    spare = LINE_SIZE - line.facts_at - 4 * line.entries
    return [
        f"/* A line of entries. {line.meaning} */",
        f"enum {{ {line.name.upper()}_ENTRIES = {line.entries} }};",
        f"struct {line.name} {{",
        f"    {_C_TYPES[line.code]} keys[{keys}];",
        f"    uint32_t facts[{line.entries}];",
        *([f"    uint8_t zeros[{spare}];"] if spare else []),
        "};",
        f'static_assert(sizeof(struct {line.name}) == {LINE_SIZE}, "struct {line.name} has padding");',
        "",
    ]


def _c_struct(name: str, meaning: str, fields: tuple[Field, ...], record: struct.Struct) -> list[str]:
    lines = [f"/* {meaning} */", f"struct {name} {{"]
    for field in fields:
        count = field.code[:-1] if field.code.endswith("s") else ""
        member = f"uint8_t {field.name}[{count}];" if count else f"{_C_TYPES[field.code]} {field.name};"
        lines.append(f"    {member}" + (f" /* {field.meaning} */" if field.meaning else ""))
    return [*lines, "};", f'static_assert(sizeof(struct {name}) == {record.size}, "struct {name} has padding");']


if __name__ == "__main__":
    print(c_header(), end="")
