"""The layout, told twice: native/layout.h is what layout.py prints; and what a payload's record holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mipdns.answer.rdata import TXT_MAX, verdict_text
from mipdns.index import layout
from mipdns.index.layout import Section
from mipdns.index.memory import from_verdicts
from mipdns.net import V4_FIRST, enclosing_prefix, format_prefix
from mipdns.vocabulary import Verdict
from tests.conftest import REPOSITORY


def test_the_c_header_is_the_one_that_is_generated() -> None:
    told = (REPOSITORY / "mipdns" / "native" / "layout.h").read_text("utf-8")
    assert told == layout.c_header(), "run `python -m mipdns.index.layout > mipdns/native/layout.h`"


def test_the_header_has_room_for_its_fields() -> None:
    assert layout.HEADER.size <= layout.SECTIONS_AT
    assert layout.SECTIONS_AT + layout.SECTION_ENTRY.size * len(Section) <= layout.BODY_CHECKSUM_AT
    assert tuple(field.name for field in layout.HEADER_FIELDS) == layout.Header._fields


@given(
    high=st.booleans(),
    confidence=st.integers(1, 100),
    classes=st.integers(1, 255),
    users=st.tuples(*[st.none() | st.sampled_from([0, 7, 0xFFFFFFFE])] * 2),
    sources=st.one_of(st.just(0), st.just(8191), st.integers(0, 0xFFFF)),
    asn=st.none() | st.sampled_from([1, 0xFFFFFFFF]),
    observed=st.sampled_from(["", "2026-11-20"]),
)
def test_the_texts_of_a_record_make_the_txt_answer(
    high: bool,
    confidence: int,
    classes: int,
    users: tuple[int | None, int | None],
    sources: int,
    asn: int | None,
    observed: str,
) -> None:
    """Prefix, network, and the longest of three cuts of the suffix that 255 characters hold."""
    address = 0x2001_1111_2222_3333_4444_5555_6666_7777 if high else V4_FIRST + 0xFFFFFFFF
    row = Verdict(address, address, confidence, classes, *users, sources, asn, observed)
    snapshot = from_verdicts([row], 1)
    offsets = layout.section_offsets(layout.section_sizes(snapshot.header, 0))
    record = layout.PAYLOAD.unpack_from(snapshot.buffer, offsets[Section.PAYLOAD])
    _, _, _, prefix_size, *cuts, _, prefix_at, suffix_at = record[:10]
    text = snapshot.buffer[offsets[Section.TEXT] :]
    prefix = text[prefix_at : prefix_at + prefix_size].decode("ascii")
    net = format_prefix(*enclosing_prefix(address, address, address))
    cut = next(cut for cut in cuts if len(prefix) + len(net) + cut <= TXT_MAX)
    assert prefix + net + text[suffix_at : suffix_at + cut].decode("ascii") == verdict_text(address, row)
