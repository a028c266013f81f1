"""The file of cookie secrets: what it may hold, and what is said when it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from mipdns.errors import ConfigError
from mipdns.server.secrets import random_secrets, read_secrets

ONE, TWO = bytes(range(16)), bytes(range(16, 32))


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        (ONE.hex(), (ONE,)),
        (f"{ONE.hex()}\n{TWO.hex()}\n", (ONE, TWO)),
        (f"# new\n\n  {TWO.hex().upper()}  \r\n# old\n{ONE.hex()}\n", (TWO, ONE)),
    ],
)
def test_reads_one_or_two_secrets_in_order(tmp_path: Path, text: str, secrets: tuple[bytes, ...]) -> None:
    path = tmp_path / "cookies.hex"
    path.write_text(text)
    assert read_secrets(path) == secrets


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "cookies.hex: holds 0 secrets"),
        (b"# nothing yet\n", "cookies.hex: holds 0 secrets"),
        (ONE.hex().encode() + b"\n" + b"\n".join([TWO.hex().encode()] * 2), "cookies.hex: holds 3 secrets"),
        (ONE.hex().encode() + b"\n" + TWO.hex().encode()[:-1], "cookies.hex:2: not 32 hexadecimal digits"),
        (ONE.hex().encode() + b"00", "cookies.hex:1: not 32 hexadecimal digits"),
        (b"g" * 32, "cookies.hex:1: not 32 hexadecimal digits"),
        (ONE + b"\xff", "cookies.hex: not a text"),
    ],
)
def test_tells_the_file_and_line_but_never_the_secret(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "cookies.hex"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as told:
        read_secrets(path)
    assert says in str(told.value)
    assert ONE.hex()[:8] not in str(told.value)


@pytest.mark.parametrize(("name", "says"), [("nowhere", "no such file"), ("", "cannot be read")])
def test_a_path_without_a_file_is_an_error(tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_secrets(tmp_path / name)


def test_made_up_secrets_differ() -> None:
    assert random_secrets() != random_secrets()
    assert [len(secret) for secret in random_secrets()] == [16]
