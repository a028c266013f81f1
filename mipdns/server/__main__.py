"""`python -m mipdns.server CONFIG`: the server without the command line, as service files and tests may want it.

Prints one line of `ADDRESS:PORT` texts when it is ready; a failure is one line and exit code 1.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from mipdns.config import read_config
from mipdns.errors import MipdnsError
from mipdns.server.service import serve


def _announce(listeners: Sequence[tuple[str, int]]) -> None:
    print(*(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in listeners), flush=True)


def main(arguments: Sequence[str]) -> int:
    """Serve what the configuration file named by the only argument says. Returns the exit code."""
    if len(arguments) != 1:
        print("usage: python -m mipdns.server CONFIG", file=sys.stderr)
        return 2
    try:
        serve(read_config(Path(arguments[0])), ready=_announce)
    except MipdnsError as fault:
        print(f"mipdns: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
