"""The README's figures are those that were kept when they were measured, and its paths exist."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def report(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    folder = ROOT / "scripts" / "bench"
    monkeypatch.syspath_prepend(str(folder))
    spec = importlib.util.spec_from_file_location("bench_report", folder / "report.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules.pop("plot", None)
    return module


def test_the_figures_are_the_measured_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    readme = (ROOT / "README.md").read_text()
    document = json.loads((ROOT / "docs" / "benchmarks.json").read_text())
    assert report(monkeypatch).with_results(readme, document) == readme
    assert "| **mipdns** |" in readme


def test_every_path_that_the_readme_names_is_there() -> None:
    readme = (ROOT / "README.md").read_text()
    named = set(re.findall(r"\]\(([^)#:]+)", readme)) | set(re.findall(r"^\| `([^`]+)`", readme, re.MULTILINE))
    assert len(named) > 15
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
