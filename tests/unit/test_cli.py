"""The command line by itself: where the configuration comes from."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from mipdns.cli import main


def test_the_environment_names_the_configuration_and_the_option_wins(tmp_path: Path):
    environment = {"MIPDNS_CONFIG": str(tmp_path / "environment.toml")}
    told = CliRunner().invoke(main, ["status"], env=environment)
    assert (told.exit_code, told.output) == (
        1,
        f"mipdns: {tmp_path / 'environment.toml'}: no such file; name one with --config\n",
    )
    told = CliRunner().invoke(main, ["--config", str(tmp_path / "option.toml"), "status"], env=environment)
    assert "option.toml: no such file" in told.output
