"""What the rules for addresses accept, urllib3 and Python accept too: nothing is left for the worker to refuse."""

from urllib.parse import urlsplit

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as some

from support.every_case import every_case
from videoimport.api.bulkimport_source import BulkSource
from videoimport.api.destination import S3Destination
from videoimport.api.identity import item_identity
from videoimport.api.rules.string_rules import ENDPOINT, URL, canonical_url
from videoimport.api.videoimport_source import VideoSource
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


SPELLINGS = ("https://ann:Word@media.example.com:443/V.mp4?A=b", "HTTPS://ann:Word@Media.Example.COM:443/V.mp4?A=b")


@every_case(
    ("url", "canonical"),
    [
        (SPELLINGS[1], SPELLINGS[0]),
        ("HTTP://E.com", "http://e.com"),
        ("Https://U@B:Q@E.com/X", "https://U@B:Q@e.com/X"),
        ("HTTPS://[2001:DB8::A]/X", "https://[2001:db8::a]/X"),
        ("https://E.com?Q=A@B", "https://e.com?Q=A@B"),
        ("https://E.com#F@B", "https://e.com#F@B"),
        ("HTTPS://B\u00dcCHER.example/\u00dc", "https://b\u00dccher.example/\u00dc"),
        ("s3://Bucket/Key", "s3://Bucket/Key"),
        ("FTP://E.com", "FTP://E.com"),
        ("", ""),
    ],
)
def test_scheme_and_host_are_in_lower_case_and_nothing_else(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical


@given(some.text(alphabet="hHtTpPsS:/@?#.\u0130\u017fAbZ", max_size=40))
def test_it_is_done_once_and_keeps_the_length(url: str) -> None:
    once = canonical_url(url)
    assert canonical_url(once) == once
    assert len(once) == len(url)
    assert once.lower() == url.lower()


def test_the_models_have_the_one_spelling() -> None:
    sources = {VideoSource.model_validate({"url": url, "headerOrigins": [url[:8] + "E.com"]}) for url in SPELLINGS}
    assert {(source.url, source.locator, source.header_origins) for source in sources} == {
        (SPELLINGS[0], SPELLINGS[0], ("https://e.com",))
    }
    items = BulkSource.model_validate({"items": [{"url": url} for url in SPELLINGS]}).items
    assert items is not None
    assert len({item.url for item in items}) == 1


def test_an_identity_is_that_of_the_address_however_it_is_written() -> None:
    assert len({item_identity(url) for url in SPELLINGS}) == 1
    assert item_identity("s3://store/Bucket/Key") != item_identity("s3://store/bucket/key")
