"""The builders of core's unit tests, and this folder's own, are imported by name."""

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "core")]

from imported import Imported, import_all  # noqa: E402


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Imported:
    """One import for all tests: none of them changes what it left."""
    return import_all(tmp_path_factory.mktemp("import"))
