"""A reader that may not write beside the database: the user `mipdns serve` runs as, or a read-only medium."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from mipdns import store
from mipdns.errors import StoreBusy, StoreError
from mipdns.store import connection
from tests.unit.store.made import contents, verdict

NOBODY = 65534


@pytest.fixture
def locked_folder():
    """A folder that everybody may read and nobody but root may write to; outside pytest's own, which is private."""
    folder = Path(tempfile.mkdtemp(prefix="mipdns-"))
    yield folder
    folder.chmod(0o700)
    shutil.rmtree(folder)


def as_nobody(work):
    """Run `work` in a child without rights, and return what it returned, as text."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            said = str(work())
        except BaseException as fault:  # noqa: BLE001 the child must not run the rest of the tests
            said = f"{type(fault).__name__}: {fault}"
        os.write(writes, said.encode()[:4000])
        os._exit(0)
    os.close(writes)
    with os.fdopen(reads) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


def test_a_reader_without_rights_on_the_folder(locked_folder):
    path = locked_folder / "mip.db"
    store.regenerate(path, contents([verdict("51.15.7.0/24")]))
    path.chmod(0o444)
    locked_folder.chmod(0o555)
    assert as_nobody(lambda: len(list(store.verdict_rows(path)))) == "1"


def test_it_is_told_when_the_file_changed_under_it(locked_folder, monkeypatch):
    path = locked_folder / "mip.db"
    store.regenerate(path, contents([verdict("51.15.7.0/24")]))
    unlocked = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)
    monkeypatch.setattr(connection, "_open", lambda path: (unlocked, True))
    with pytest.raises(StoreBusy, match="written while it was read"), connection.reading(path):
        monkeypatch.undo()
        store.regenerate(path, contents([verdict("51.15.8.0/24")]))


def test_without_rights_a_log_that_a_killed_load_left_is_not_passed_over(locked_folder):
    path = locked_folder / "mip.db"
    store.regenerate(path, contents([verdict("51.15.7.0/24")]))
    (locked_folder / "mip.db-wal").write_bytes(b"\x37\x7f\x06\x82" + bytes(5000))
    locked_folder.chmod(0o555)
    said = as_nobody(lambda: store.latest_build(path))
    assert said.startswith("StoreError: ")
    assert "permissions of the file and of its folder" in said


def test_a_writer_without_rights_says_so(locked_folder):
    path = locked_folder / "mip.db"
    store.regenerate(path, contents())
    locked_folder.chmod(0o555)
    said = as_nobody(lambda: store.regenerate(path, contents()))
    assert said.startswith("StoreError: ")
    assert str(path) in said


def test_a_damaged_file_says_so(tmp_path):
    path = tmp_path / "mip.db"
    store.regenerate(
        path, contents(verdict("51.0.0.0")._replace(first=i, last=i) for i in range(1 << 33, (1 << 33) + 5000))
    )
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 200_000)
    with pytest.raises(StoreError, match="damaged"):
        list(store.verdict_rows(path))


def test_writers_leave_nothing_open(tmp_path):
    path = tmp_path / "mip.db"
    with pytest.raises(RuntimeError), connection.writing(path) as open_connection:
        open_connection.execute("CREATE TABLE x (y)")
        raise RuntimeError
    with closing(sqlite3.connect(path)) as again:
        assert again.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)
