"""Which address gets which secret."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as some
from urllib3.util import parse_url

from support.every_case import every_case
from support.examples import examples
from videoimport.worker.fetch import credentials as secrets
from videoimport.worker.fetch.credentials import Login, WebSecrets, is_own, read_web
from videoimport.worker.fetch.http.origins import Origin
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.storage.credentials import Keys

OWN = "https://e.com/watch/1"


class TestWhoIsShownTheSecret:
    @every_case(
        ("source", "url", "own"),
        [
            (OWN, "https://e.com/other", True),
            (OWN, "https://e.com:443/", True),
            (OWN, "https://e.com:8443/", False),
            (OWN, "http://e.com/", False),
            (OWN, "https://cdn.e.com/", False),
            (OWN, "https://e.com.evil.com/", False),
            (OWN, "https://e.com@evil.com/", False),
            ("http://e.com/", "https://e.com/", True),
            ("http://e.com:8080/", "https://e.com/", False),
            ("http://e.com/", "https://e.com:8443/", False),
            ("http://10.0.0.1/", "http://10.0.0.1/x", True),
            ("https://E.com/", "https://e.COM/x", True),
        ],
    )
    def test_the_sources_own_host_and_nobody_else(self, source: str, url: str, own: bool) -> None:
        assert is_own(source, url) is own

    @given(host=some.from_regex(r"[a-z]{1,8}\.(com|org)", fullmatch=True), scheme=some.sampled_from(["http", "https"]))
    def test_no_other_host_gets_a_header(self, host: str, scheme: str) -> None:
        secrets = WebSecrets(
            url="https://own.example/", headers=(("X-Key", "s"),), logins={"own.example": Login("a", "s")}
        )
        assert secrets.headers_for(f"{scheme}://{host}/own.example") == {}

    def test_a_login_goes_to_its_machine_by_https(self) -> None:
        secrets = WebSecrets(url=OWN, logins={"e.com": Login("a", "b"), "cdn.e.com": Login("a", "b")})
        assert secrets.headers_for("https://cdn.e.com/v.mp4") == {"authorization": "Basic YTpi"}
        assert secrets.headers_for("http://cdn.e.com/v.mp4") == {}

    def test_headers_win_over_a_login(self) -> None:
        secrets = WebSecrets(url=OWN, headers=(("authorization", "Bearer x"),), logins={"e.com": Login("a", "b")})
        assert secrets.headers_for(OWN) == {"authorization": "Bearer x"}

    def test_no_repr_shows_any(self) -> None:
        shown = repr(WebSecrets(url=OWN, headers=(("A", "hunter2"),))) + repr(Keys("hunter2", "hunter2", None))
        assert "hunter2" not in shown


LIST = "https://list.example/videos"


PORTS = {"http": 80, "https": 443}


HOSTS = ["list.example", "LIST.example", "list.example.", "media.example", "list.example.evil", "xlist.example", "evil"]


urls = some.builds(
    lambda scheme, user, host, port, path: f"{scheme}://{user}{host}{port}{path}",
    some.sampled_from(["http", "https"]),
    some.sampled_from(["", "list.example@", "u:list.example@", "list.example\\@"]),
    some.sampled_from(HOSTS),
    some.sampled_from(["", ":80", ":443", ":8443"]),
    some.sampled_from(["", "/", "/@list.example", "?list.example", "#@list.example"]),
)


@given(urls)
def test_a_lists_headers_go_to_its_origin_and_the_named_ones_alone(url: str) -> None:
    named = Origin.named("media.example:8443")
    assert named is not None
    secret = WebSecrets(
        url=url, name="s", headers=(("X-Key", "canary"),), trusted=(Origin("https", "list.example", 443),),
        named=(named,),
    )  # fmt: skip
    parts = None if "\\" in url else parse_url(url)
    target = parts and (parts.scheme, parts.host, parts.port or PORTS[parts.scheme or ""])
    expected = target in (("https", "list.example", 443), ("https", "media.example", 8443))
    assert (secret.headers_for(url) == {"X-Key": "canary"}) is expected


@given(urls)
def test_a_list_without_a_host_sends_headers_nowhere(url: str) -> None:
    assert WebSecrets(url=url, headers=(("X-Key", "canary"),), trusted=()).headers_for(url) == {}


def of(folder: Path, origins: tuple[str, ...] | None = (LIST,), **keys: str) -> WebSecrets:
    for key, content in keys.items():
        (folder / key.replace("__", ".")).write_text(content)
    return secrets.read_web("https://item.example/v.mp4", "s", folder, origins)


def test_headers_of_a_host_go_to_it_alone_and_over_the_shared_ones(tmp_path: Path) -> None:
    found = of(
        tmp_path, headers="X-Key: a\nX-B: b", headers__media__example="x-key: m", headers__list__example="X-B: l"
    )
    assert found.headers_for("https://media.example/v") == {"x-key": "m"}
    assert found.headers_for("http://media.example/v") == {}
    assert found.headers_for("https://media.example:8443/v") == {}
    assert found.headers_for("https://list.example/v") == {"X-Key": "a", "X-B": "l"}
    assert found.headers_for("https://item.example/v.mp4") == {}


def test_headers_of_a_host_go_to_the_origins_of_it_that_the_secret_names(tmp_path: Path) -> None:
    found = of(tmp_path, hosts="# ours\n\nhttp://media.example:8080\n", headers__media__example="X-Key: m")
    assert found.headers_for("http://media.example:8080/v") == {"X-Key": "m"}
    assert found.headers_for("http://media.example/v") == {}


def test_a_single_imports_headers_go_to_its_own_host(tmp_path: Path) -> None:
    found = of(tmp_path, None, headers="X-Key: a", hosts="cdn.example")
    assert found.headers_for("https://item.example/other") == {"X-Key": "a"}
    assert found.headers_for("https://cdn.example/v") == {"X-Key": "a"}
    assert found.headers_for("https://list.example/v") == {}


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"headers": "X: canary", "hosts": "a.example\nhttps://b.example/canary"}, "line 2 of hosts"),
        ({"headers__a..example": "X: canary", "headers": "X: canary"}, "'headers.a..example'"),
        ({"headers__a__example": "canary"}, "line 1 of headers.a.example"),
        ({"hosts": "a.example"}, "needs cookies.txt or headers or netrc"),
    ],
)
def test_what_is_wrong_with_names_of_hosts_is_told_without_values(
    tmp_path: Path, keys: dict[str, str], told: str
) -> None:
    with pytest.raises(ImportFailure) as caught:
        of(tmp_path, **keys)
    assert told in caught.value.message
    assert "canary" not in caught.value.message


PIECES = (
    "own.example", "OWN.example.", ":443", ":8443", "@", "\\", "/", "?", "#", "%40", "%5c", "evil.example", "user:pw@",
    "[::1]", "\t", "\n", " ", "．", "／", "＠", "ß", "\u200b", ".", ";", "\x00", ":", "[", "]",
)  # fmt: skip


@examples(1000)
@given(
    some.sampled_from(["https://", "HTTPS://", "http://"]),
    some.lists(some.sampled_from(PIECES), min_size=1, max_size=6),
)
@example("https://", ["evil.example", "\\", "@", "own.example"])
@example("https://", ["\\", "@", "own.example", ":443"])
def test_secrets_go_only_where_every_client_would_connect(scheme: str, pieces: list[str]) -> None:
    url = scheme + "".join(pieces)
    login = {"own.example": Login("ann", "c4nary")}
    secrets = WebSecrets(url="https://own.example/", headers=(("X-Key", "c4nary"),), logins=login)
    if secrets.headers_for(url):
        assert parse_url(url).host in ("own.example", "own.example.")


@pytest.mark.parametrize(
    ("machine", "url"),
    [
        ("Own.Example", "https://own.example/"), ("bücher.example", "https://xn--bcher-kva.example/"),
        ("bücher.example", "https://BÜCHER.example/"), ("::1", "https://[::1]/"),
    ],
)  # fmt: skip
def test_a_login_is_found_however_its_machine_is_written(tmp_path: Path, machine: str, url: str) -> None:
    (tmp_path / "netrc").write_text(f"machine {machine} login ann password pw\n")
    assert "authorization" in read_web("https://list.example/", "keys", tmp_path).headers_for(url)
