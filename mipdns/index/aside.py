"""Reading a build beside the work at hand. In: the path of a database. Out: a `MemorySnapshot` from another process.

The one rule: whoever serves keeps its interpreter to itself. Reading a million rows takes seconds of Python, and in a
thread would halve the answers meanwhile. A process of its own, at low priority, hands over packed columns instead.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

from mipdns.errors import MipdnsError, StoreError
from mipdns.index.load import read_snapshot
from mipdns.index.memory import MemorySnapshot

_NICENESS = 10


class AsideReader:
    """Reads one build at a time; `give_up` may be called from another thread."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._given_up = False

    def read(self, database: Path) -> MemorySnapshot:
        """As `index.load.read_snapshot`. Raises StoreError, too, if the reading process dies."""
        command = [sys.executable, "-m", __name__, str(database)]
        # A session of its own: Ctrl-C in a terminal is for the server, which then gives up the reading.
        with subprocess.Popen(  # noqa: S603 it is this very module
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True
        ) as child:
            self._child = child
            try:
                if self._given_up:
                    child.kill()
                assert child.stdout is not None  # noqa: S101 a pipe was asked for
                result = pickle.load(child.stdout)  # noqa: S301 our own process wrote it
            except (EOFError, pickle.UnpicklingError):
                raise StoreError(f"{database}: the process that read it was ended; memory may be short") from None
            finally:
                self._child = None
        if isinstance(result, MipdnsError):
            raise result
        assert isinstance(result, MemorySnapshot)  # noqa: S101 the only other thing that `main` writes
        return result

    def give_up(self) -> None:
        """End the reading that is under way, and any that comes."""
        self._given_up = True
        child = self._child
        if child is not None:
            child.kill()


def main(database: Path) -> None:
    """The other process: read, and write the snapshot or the error to standard output."""
    os.nice(_NICENESS)
    result: MemorySnapshot | MipdnsError
    try:
        result = read_snapshot(database)
    except MipdnsError as fault:
        result = fault
    try:
        pickle.dump(result, sys.stdout.buffer, protocol=5)
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(1)  # the server is gone, and with it the wish to know


if __name__ == "__main__":
    main(Path(sys.argv[1]))
