"""Values of options that several commands check."""

from pathlib import Path

import pytest

from videoimport.cli.errors import UnusableError
from videoimport.cli.option_values import check_networks, parse_folders


def test_pairs_are_names_and_folders(tmp_path: Path) -> None:
    assert parse_folders("--secret", [f"keys={tmp_path}"]) == {"keys": tmp_path}


@pytest.mark.parametrize("pair", ["keys", "=x", "keys=", "keys=/no/such/folder"])
def test_what_is_no_pair_is_refused_by_its_option(pair: str) -> None:
    with pytest.raises(UnusableError, match=r"^--secret "):
        parse_folders("--secret", [pair])


def test_a_name_is_given_once(tmp_path: Path) -> None:
    with pytest.raises(UnusableError, match="--claim a is given twice"):
        parse_folders("--claim", [f"a={tmp_path}", f"a={tmp_path}"])


def test_networks_are_cidrs() -> None:
    assert check_networks(["10.0.0.0/8", "::1/128"]) == ("10.0.0.0/8", "::1/128")
    with pytest.raises(UnusableError, match=r"--allow-network example\.com is not a network"):
        check_networks(["example.com"])
