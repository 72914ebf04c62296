"""What the rules for addresses accept, urllib3 and Python accept too: nothing is left for the worker to refuse."""

from urllib.parse import urlsplit

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as some

from videoimport.api.rules.texts import URL

AUTHORITY = some.text(alphabet='ab.:@[]0159%-_ "<>\\^`{|}\t\x1b', max_size=20)
REST = some.text(alphabet="/?#@:%a 9", max_size=10)


def is_accepted(url: str) -> bool:
    return all(rule.holds(url) for rule in URL)


@given(AUTHORITY, REST)
def test_an_address_that_is_accepted_can_be_asked(authority: str, rest: str) -> None:
    url = f"https://{authority}{rest}"
    if is_accepted(url) and "%" not in authority:
        parts = urlsplit(url)
        assert parts.hostname
        assert (parts.port or 0) <= 65535
        parts.hostname.encode("ascii" if ":" in parts.hostname else "idna")
        urllib3.util.parse_url(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl())


@pytest.mark.parametrize(
    "url",
    [
        "https://u:p:q@[2001:db8::1]:443/a%zz/b c?x=@:99999#y",
        "http://user@name@host.example./",
        "https://bücher.example:/ä",
        "http://10.0.0.1:65535",
        f"https://{'a' * 63}.example/{'.' * 99}",
        "HTTPS://Ann@Media.EXAMPLE.com/V.mp4",
        "hTtP://example.com",
    ],
)
def test_an_unusual_address_is_accepted(url: str) -> None:
    assert is_accepted(url)
