"""docs/stores.md: every server and every feature of the tests has its place there."""

from pathlib import Path

import pytest

import stores
from support.worker.store_deviations import DEVIATIONS
from support.worker.store_features import ANSWERED, IMPORTED, Feature

ROOT = Path(__file__).resolve().parents[3]

PAGE = ROOT / "docs/stores.md"


def rows_below(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, its head first."""
    text = PAGE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").replace("\\|", "¦").split("|")] for line in lines]


@pytest.mark.parametrize(
    ("heading", "features"),
    [("What the servers answer", ANSWERED), ("What imports come to", IMPORTED)],
)
def test_each_feature_has_a_row_with_what_is_expected_of_each_server(
    heading: str, features: dict[str, Feature]
) -> None:
    head, _, *rows = rows_below(heading)
    assert head == ["Feature", *(f"`{name}`" for name in stores.STORES), "What the importer does"]
    wanted = [[one.title, *(one.expected(name) for name in stores.STORES), one.does] for one in features.values()]
    assert [[cell.strip("*") for cell in row] for row in rows] == wanted


def test_each_server_has_its_pinned_version() -> None:
    _, _, *rows = rows_below("Servers")
    assert [row[:2] for row in rows] == [[f"`{name}`", stores.STORES[name].version] for name in stores.STORES]


def test_each_test_that_a_server_cannot_pass_has_a_row() -> None:
    _, _, *rows = rows_below("The worker's own suites")
    wanted = [(f"`{store}`", f"`{test}`", why) for store, one in DEVIATIONS.items() for test, why in one.items()]
    assert [tuple(row) for row in rows] == wanted
