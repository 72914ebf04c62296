"""Addresses that differ in the case of scheme and host only are one address, wherever they are compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from videoimport.api.bulkimport_source import BulkSource
from videoimport.api.identity import item_identity
from videoimport.api.url_normalization import canonical_url
from videoimport.api.videoimport_source import VideoSource

SPELLINGS = ("https://ann:Word@media.example.com:443/V.mp4?A=b", "HTTPS://ann:Word@Media.Example.COM:443/V.mp4?A=b")


@pytest.mark.parametrize(
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
