"""What the rules for addresses accept, urllib3 and Python accept too: nothing is left for the worker to refuse."""

from urllib.parse import urlsplit

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as some

from videoimport.api.destination import S3Destination
from videoimport.api.rules.string_rules import ENDPOINT, URL
from videoimport.worker.storage.s3 import client as s3_client

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
        "https://نامه\u200cای.example/①？",
        "https://①＠:p@日本.example/",
    ],
)
def test_an_unusual_address_is_accepted(url: str) -> None:
    assert is_accepted(url)


@given(some.integers(0x80, 0xFFFF).filter(lambda number: not 0xD800 <= number < 0xE000))
def test_no_letter_is_refused_in_a_host_that_can_be_asked(number: int) -> None:
    url = f"https://a{chr(number)}b.example/"
    if not is_accepted(url):
        with pytest.raises(ValueError, match=r"\w"):
            urllib3.util.parse_url(url)


@pytest.mark.parametrize(
    "host", ["ｅxample.com", "a／b.example", "a：80.example", "①.example", "a→b.example", "\ue000.example"]
)
def test_a_sign_in_a_host_is_refused_before_a_worker_is(host: str) -> None:
    assert not is_accepted(f"https://{host}/")
    assert not is_accepted(f"https://user:word@{host}:8443")


@pytest.mark.parametrize(("length", "fits"), [(253, True), (254, False), (300, False)])
@pytest.mark.parametrize("rest", ["", ":9000", "/store"])
def test_the_longest_host_of_a_store_is_what_its_client_takes(length: int, fits: bool, rest: str) -> None:
    url = f"https://{('a' * 50 + '.') * 6}"[: len("https://") + length - 1] + "a" + rest
    assert all(rule.holds(url) for rule in ENDPOINT) == fits
    if fits:
        place = S3Destination(endpoint=url, bucket="videos")
        assert s3_client.client(place, None, read_seconds=1, attempts=1, connections=1)
