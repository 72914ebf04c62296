"""Which addresses have one origin, and where a Secret's headers go."""

import pytest
from hypothesis import given
from hypothesis import strategies as some
from urllib3.util import parse_url

from support.every_case import every_case
from videoimport.worker.fetch.http.origins import Origin

LIST = "https://list.example/videos"
PORTS = {"http": 80, "https": 443}


@every_case(
    ("url", "expected"),
    [
        (LIST, "https://list.example"),
        ("HTTPS://LIST.example:443?x", "https://list.example"),
        ("https://list.example:8443#x", "https://list.example:8443"),
        ("https://user:pw@list.example/", "https://list.example"),
        ("https://list.example@evil.example/", "https://evil.example"),
        ("https://bücher.example/", "https://xn--bcher-kva.example"),
        ("https://straße.example/", "https://xn--strae-oqa.example"),
        ("https://list.example./", "https://list.example."),
        ("http://[::1]:80/", "http://[::1]"),
        ("http://127.1/", "http://127.1"),
    ],
)
def test_origins(url: str, expected: str) -> None:
    assert str(Origin.parse(url)) == expected


@every_case(
    "url",
    [
        "https://list.example\\@evil.example/",
        "https://evil.example\\.list.example/",
        "https://evil.example%2f.list.example/",
        "https://list\t.example/",
        " https://list.example/",
        "https://list.example\n/",
        "https://list.example:0/",
        "https://list.example:65536/",
        "https://list.example:80:443/",
        "https://list%2eexample/",
        "https://[fe80::1%25eth0]/",
        "https://\uff0f.list.example/",
        "https:///list.example",
        "ftp://list.example/",
        "//list.example/",
        "",
    ],
)
def test_what_clients_may_read_in_two_ways_has_no_origin(url: str) -> None:
    assert Origin.parse(url) is None


@given(some.text(max_size=40), some.sampled_from(["http", "https"]))
def test_an_origin_is_where_the_client_connects_to(rest: str, scheme: str) -> None:
    url = f"{scheme}://{rest}"
    origin = Origin.parse(url)
    if origin is not None:
        parts = parse_url(url)
        assert (origin.scheme, origin.host, origin.port) == (scheme, parts.host, parts.port or PORTS[scheme])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("media.example", "https://media.example"),
        ("media.example:8443", "https://media.example:8443"),
        ("http://media.example:8080", "http://media.example:8080"),
        ("http://media.example/", "http://media.example"),
        ("http://media.example/path", "None"),
        ("user@media.example", "None"),
        ("*.example", "None"),
        ("media.example evil.example", "None"),
    ],
)
def test_what_a_line_of_a_secret_names(text: str, expected: str) -> None:
    assert str(Origin.named(text)) == expected
