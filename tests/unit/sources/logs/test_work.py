"""The folder that a load counts in is its own, however many loads run at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mipdns.sources.logs import _work_folder

LOADS = 8
TURNS = 50


def test_loads_at_once_never_take_each_other_s_folder(tmp_path: Path):
    def turns(name: int) -> None:
        for _ in range(TURNS):
            with _work_folder(tmp_path) as folder:
                (folder / "lines").write_text(str(name))
                assert (folder / "lines").read_text() == str(name)

    with ThreadPoolExecutor(LOADS) as pool:
        list(pool.map(turns, range(LOADS)))
    assert not list(tmp_path.iterdir())
