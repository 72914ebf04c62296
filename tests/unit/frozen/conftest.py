"""One import for all tests of this folder."""

import pytest

from support.sample_import import SampleImport, import_all


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory) -> SampleImport:
    """One import for all tests: none of them changes what it left."""
    return import_all(tmp_path_factory.mktemp("import"))
