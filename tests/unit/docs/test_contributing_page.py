"""CONTRIBUTING.md names files that exist, and the command that rewrites the expected files."""

import re
from pathlib import Path

from support.every_case import every_case

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
NAMED = set(re.findall(r"`((?:operator|tests|docs|examples|crds)(?:/[\w./-]+)?|[A-Z]+\.md)`", PAGE))
LINKED = set(re.findall(r"\]\(([^)]+)\)", PAGE))


@every_case("path", sorted(NAMED | LINKED))
def test_a_named_file_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_command_is_the_one_that_a_failing_test_prints() -> None:
    source = (ROOT / "tests/support/golden_files.py").read_text()
    variable = re.search(r'^VARIABLE = "(\w+)"$', source, re.MULTILINE)
    assert variable is not None
    assert f"{variable[1]}=1 .venv/bin/pytest -q tests/unit/frozen" in PAGE


def test_the_licence_is_the_one_that_the_package_names() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text()
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
