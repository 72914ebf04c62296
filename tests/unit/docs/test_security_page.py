"""docs/security.md names a test for each claim of its threat model; each of them exists."""

import re
from pathlib import Path

import pytest

from support.every_case import every_case

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/security.md").read_text()
ADVERSARIES = (
    "The media", "The host", "The author of a list", "A tenant with `edit` in another namespace",
    "A tenant with `edit` in the same namespace", "A co-tenant of a bucket prefix",
)  # fmt: skip


@every_case("path", sorted(set(re.findall(r"tests/[\w/]+\.py", PAGE))))
def test_a_named_test_exists(path: str) -> None:
    assert (ROOT / path).is_file()


@pytest.mark.parametrize("adversary", ADVERSARIES)
def test_each_adversary_has_what_it_cannot_and_what_it_can_do(adversary: str) -> None:
    section = PAGE.partition(f"### {adversary}\n")[2].partition("\n### ")[0]
    assert re.search(r"^\| (It c|C)annot ", section, re.M)
    assert re.search(r"^\| (It c|C)an ", section, re.M)
