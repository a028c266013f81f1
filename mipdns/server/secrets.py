"""Cookie secrets (RFC 7873 §5.2, RFC 9018 §5). In: the file that the configuration names, or none. Out: 16-byte keys.

The file holds one or two lines of 32 hexadecimal digits; the first makes new cookies, the second is still accepted,
so that servers behind one address can change theirs without breaking a client. Empty lines and `#` lines are ignored.
"""

from __future__ import annotations

import os
from pathlib import Path

from mipdns.errors import ConfigError

SECRET_BYTES = 16


def random_secrets() -> tuple[bytes, ...]:
    """One secret that nobody else knows, and that a restart forgets."""
    return (os.urandom(SECRET_BYTES),)


def read_secrets(path: Path) -> tuple[bytes, ...]:
    """The file's one or two secrets. Raises ConfigError naming the file, and the line where one is wrong."""
    try:
        lines = path.read_text("ascii").splitlines()
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; [serve] cookie_secrets names it") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not a text of hexadecimal digits; {_WANTED}") from None
    except OSError as fault:
        raise ConfigError(f"{path}: cannot be read: {fault.strerror}") from None
    secrets = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        try:
            secret = bytes.fromhex(text)
        except ValueError:
            secret = b""
        if len(secret) != SECRET_BYTES:
            # The line itself stays out of the message: it may be a secret with one digit too many.
            raise ConfigError(f"{path}:{number}: not 32 hexadecimal digits; {_WANTED}")
        secrets.append(secret)
    if len(secrets) not in (1, 2):
        raise ConfigError(f"{path}: holds {len(secrets)} secrets; {_WANTED}")
    return tuple(secrets)


_WANTED = "one or two lines of 32 hexadecimal digits are wanted, as `openssl rand -hex 16` prints them"
