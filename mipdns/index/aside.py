"""Compiling beside the work at hand. In: the paths of a database and of an index. Out: the index up to date, made by
another process.

The one rule: whoever serves keeps its interpreter and its processor to itself. Compiling takes seconds of Python, and
in a thread would halve the answers meanwhile; a process of its own, at low priority, leaves a file.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mipdns.errors import MipdnsError, SnapshotError
from mipdns.index.compile import compile_index

if TYPE_CHECKING:
    import subprocess

_NICENESS = 10


class AsideCompiler:
    """Compiles one index at a time; `give_up` may be called from another thread."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._given_up = False

    def compile(self, database: Path, index: Path) -> None:
        """As `index.compile.compile_index`; an index whose body is damaged is compiled anew.

        Raises SnapshotError, too, if the other process dies.
        """
        import pickle  # noqa: PLC0415 a server answers before it ever needs these
        import subprocess  # noqa: PLC0415

        command = [sys.executable, "-m", __name__, str(database), str(index)]
        # A session of its own: Ctrl-C in a terminal is for the server, which then gives up the compiling.
        with subprocess.Popen(  # noqa: S603 it is this very module
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True
        ) as child:
            self._child = child
            try:
                if self._given_up:
                    child.kill()
                assert child.stdout is not None  # noqa: S101 a pipe was asked for
                fault: MipdnsError | None = pickle.load(child.stdout)  # noqa: S301 our own process wrote it
            except (EOFError, pickle.UnpicklingError):
                raise SnapshotError(f"{index}: the process that compiled it was ended; memory may be short") from None
            finally:
                self._child = None
        if fault is not None:
            raise fault

    def give_up(self) -> None:
        """End the compiling that is under way, and any that comes."""
        self._given_up = True
        child = self._child
        if child is not None:
            child.kill()


def main(database: Path, index: Path) -> None:
    """The other process: compile, and write what went wrong, or None, to standard output."""
    import pickle  # noqa: PLC0415 as above

    os.nice(_NICENESS)
    fault: MipdnsError | None = None
    try:
        compile_index(database, index, verify=True)
    except MipdnsError as told:
        fault = told
    try:
        pickle.dump(fault, sys.stdout.buffer)
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(1)  # the server is gone, and with it the wish to know


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
