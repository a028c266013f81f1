"""Payloads are numbered alike in C and in Python: in the order in which they are met, each once."""

from __future__ import annotations

import random
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipdns import native
from mipdns.index.memory import compile_bytes
from mipdns.index.payloads import DictNumbers
from tests.forms import need_native
from tests.small import SERIAL, VERDICTS

KEY_SIZE = 24
keys = st.builds(
    lambda parts, place: bytes(place) + parts + bytes(KEY_SIZE - place - len(parts)),
    st.binary(max_size=2),
    st.integers(0, KEY_SIZE - 2),
)


@given(batches=st.lists(st.lists(keys, max_size=40), max_size=5))
def test_both_forms_number_alike(batches: list[list[bytes]]) -> None:
    need_native()
    from mipdns.native._native import Numbers  # noqa: PLC0415 it may not be there

    forms = (DictNumbers(), Numbers())
    for batch in batches:
        here, there = (form.number(b"".join(batch)) for form in forms)
        assert here == there
    assert list(forms[0].in_order()) == list(forms[1].in_order())
    assert len(forms[0]) == len(forms[1])


def test_so_many_keys_that_the_table_grows_again_and_again() -> None:
    need_native()
    from mipdns.native._native import Numbers  # noqa: PLC0415 it may not be there

    chance = random.Random(24)
    made = [chance.randrange(1 << 16).to_bytes(KEY_SIZE, "little") for _ in range(100_000)]
    forms = (DictNumbers(), Numbers())
    for start in range(0, len(made), 1000):
        part = b"".join(made[start : start + 1000])
        assert forms[0].number(part) == forms[1].number(part)
    assert list(forms[1].in_order()) == list(dict.fromkeys(made))
    assert array("I", forms[1].number(made[0] + made[-1]))[0] == 0


def test_keys_of_another_size_are_refused() -> None:
    need_native()
    from mipdns.native._native import Numbers  # noqa: PLC0415 it may not be there

    with pytest.raises(ValueError, match="24"):
        Numbers().number(bytes(KEY_SIZE + 1))


def test_the_same_file_without_the_compiled_form(monkeypatch: pytest.MonkeyPatch) -> None:
    made = compile_bytes(VERDICTS, SERIAL)
    monkeypatch.setenv(native.SWITCH, "1")
    assert compile_bytes(VERDICTS, SERIAL) == made
