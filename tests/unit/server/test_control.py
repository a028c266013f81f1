"""The control file: whose it is, what a reader makes of it in every state it can be in."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import time
from pathlib import Path

import msgspec
import pytest

from mipdns.config import Config, Store
from mipdns.errors import ServeError
from mipdns.server import control
from mipdns.server.control import ControlFile, Running, claim, control_path, reload, running_server

ME = Running(os.getpid(), control.pid_namespace(), "2026-11-22T00:00:00+00:00", ("127.0.0.1:53",), 7, 36, 0.0, "", {})


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "mip.db"


def config(database: Path) -> Config:
    return Config(store=Store(str(database)))


def claimed(database: Path) -> ControlFile:
    file = claim(database)
    assert file is not None
    return file


def test_tells_how_the_server_is_for_as_long_as_it_runs(database: Path) -> None:
    assert running_server(database) is None
    file = claimed(database)
    file.write(ME)
    assert running_server(database) == ME
    shorter = msgspec.structs.replace(ME, listen=())
    file.write(shorter)
    assert running_server(database) == shorter
    file.close()
    assert running_server(database) is None
    assert not control_path(database).exists()


def test_what_a_dead_server_left_is_not_a_server(database: Path) -> None:
    control_path(database).write_bytes(msgspec.json.encode(ME))
    assert running_server(database) is None
    with pytest.raises(ServeError, match=r"no server runs on .*mip\.db; start one"):
        reload(config(database))
    claimed(database).close()


def test_a_file_that_is_being_written_is_read_again_and_nonsense_is_no_server(database: Path) -> None:
    file = claimed(database)
    control_path(database).write_text('{"pid": 1')
    assert running_server(database) is None
    file.close()


def test_the_second_to_claim_serves_without(database: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = claimed(database)
    file.write(ME)
    with caplog.at_level(logging.WARNING):
        assert claim(database) is None
    assert "another server serves this database" in caplog.text
    assert running_server(database) == ME
    file.close()


def test_a_folder_that_cannot_be_written_is_no_reason_not_to_serve(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert claim(tmp_path / "nowhere" / "mip.db") is None
    assert "SIGHUP does" in caplog.text


def test_a_reader_that_holds_the_lock_for_a_moment_does_not_stop_a_claim(database: Path) -> None:
    path = control_path(database)
    path.touch()
    reader = os.open(path, os.O_RDONLY)
    fcntl.flock(reader, fcntl.LOCK_SH)
    pause = time.sleep

    def then_let_go(seconds: float) -> None:
        fcntl.flock(reader, fcntl.LOCK_UN)
        pause(seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "sleep", then_let_go)
        claimed(database).close()
    os.close(reader)


def test_a_server_in_another_container_is_not_signalled(database: Path) -> None:
    file = claimed(database)
    file.write(msgspec.structs.replace(ME, pid_namespace="pid:[1]"))
    with pytest.raises(ServeError, match="another container"):
        reload(config(database))
    file.close()


def test_a_process_id_that_no_process_has_is_no_server(database: Path) -> None:
    file = claimed(database)
    file.write(msgspec.structs.replace(ME, pid=2**22 - 1))
    with pytest.raises(ServeError, match="no server runs"):
        reload(config(database))
    file.close()


@pytest.mark.parametrize(
    ("began", "fault", "raises"), [(1e12, "", None), (1e12, "mip.db: damaged", "keeps what it had: mip.db: damaged")]
)
def test_reload_signals_and_passes_on_how_it_went(
    database: Path, monkeypatch: pytest.MonkeyPatch, began: float, fault: str, raises: str | None
) -> None:
    file = claimed(database)
    file.write(ME)
    sent = []

    def signalled(_: int, number: signal.Signals) -> None:
        sent.append(number)
        file.write(msgspec.structs.replace(ME, reload_began=began, fault=fault))

    monkeypatch.setattr(signal, "pidfd_send_signal", signalled)
    if raises:
        with pytest.raises(ServeError, match=raises):
            reload(config(database))
    else:
        assert reload(config(database)) == os.getpid()
    assert sent == [signal.SIGHUP]
    file.close()


def test_reload_does_not_wait_for_ever(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = claimed(database)
    file.write(ME)
    monkeypatch.setattr(signal, "pidfd_send_signal", lambda *_: None)
    assert reload(config(database), wait_s=0.05) == os.getpid()
    file.close()
