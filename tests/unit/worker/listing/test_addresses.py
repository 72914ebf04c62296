"""What is an address, in a list."""

import pytest

from support.every_case import every_case
from videoimport.worker.listing.addresses import is_address


@every_case(
    "text",
    ["http://", "https:///x", "http://a", "ftp://e.com/1", "https://e.com:99999/1", "https://e.com/\n", "https://[::1",
     "https://a b/c", "HTTPS:e.com/1", "e.com/1", ""],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    assert not is_address(text)


@pytest.mark.parametrize("text", ["HTTPS://E.com/1", "Http://e.com/1", "https://e.com/1"])
def test_what_is_an_address(text: str) -> None:
    assert is_address(text)
