"""hack/prerequisites refuses a Python that the project does not support, before pip is called."""

import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SUPPORTED = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if "Python :: 3." in line]


def asked(folder: Path, version: str) -> "subprocess.CompletedProcess[str]":
    """The check of python3-venv with a python3 of this version, which has every module."""
    python = folder / "python3"
    python.write_text(f'#!/bin/sh\ncase "$2" in *version_info*) echo {version} ;; esac\n')
    python.chmod(0o755)
    return subprocess.run(
        [ROOT / "hack/prerequisites", "python3-venv"],
        env={"PATH": f"{folder}:/bin:/usr/bin"}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("version", SUPPORTED)
def test_a_supported_python_is_enough(tmp_path: Path, version: str) -> None:
    check = asked(tmp_path, version)
    assert (check.returncode, check.stderr) == (0, "")


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.14", "3.15"])
def test_another_python_is_refused_with_the_way_out(tmp_path: Path, version: str) -> None:
    check = asked(tmp_path, version)
    assert check.returncode == 1
    assert check.stderr == (
        f"python3 on PATH is Python {version}, but this project needs Python {SUPPORTED[0]} to {SUPPORTED[-1]}; "
        "install one of these, put it first on PATH as python3, and run the command again\n"
    )


def test_pip_refuses_the_same_versions() -> None:
    first_unsupported = int(SUPPORTED[-1].partition(".")[2]) + 1
    assert PROJECT["requires-python"] == f">={SUPPORTED[0]},<3.{first_unsupported}"
