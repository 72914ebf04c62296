"""Cookies of answers: each goes where its host may say it goes, and no further."""

from http.cookiejar import CookieJar

import pytest
from urllib3 import HTTPHeaderDict

from support.every_case import every_case
from videoimport.worker.fetch import netscape_cookies as netscape
from videoimport.worker.fetch.http import cookies


class Answer:
    def __init__(self, *values: str) -> None:
        self._headers = HTTPHeaderDict()
        for value in values:
            self._headers.add("Set-Cookie", value)

    def info(self) -> HTTPHeaderDict:
        return self._headers


def jar_of(url: str, *values: str) -> CookieJar:
    jar = CookieJar(cookies.Policy())
    cookies.keep(jar, url, Answer(*values))
    return jar


AT = "https://www.example.com/films/a"


@every_case(
    ("cookie", "url", "goes"),
    [
        ("a=1", AT, True),
        ("a=1", "https://www.example.com/films/", True),
        ("a=1", "https://www.example.com/other", False),
        ("a=1; Path=/", "https://www.example.com/other", True),
        ("a=1; Path=/", "https://WWW.Example.com/", True),
        ("a=1; Path=/", "https://example.com/", False),
        ("a=1; Path=/", "https://sub.www.example.com/", False),
        ("a=1; Path=/", "https://wwww.example.com/", False),
        ("a=1; Path=/; Domain=example.com", "https://example.com/", True),
        ("a=1; Path=/; Domain=.example.com", "https://cdn.example.com/", True),
        ("a=1; Path=/; Domain=Example.com", "https://cdn.example.com/", True),
        ("a=1; Path=/; Domain=example.com", "https://badexample.com/", False),
        ("a=1; Path=/; Domain=example.com", "https://example.com.evil.net/", False),
        ("a=1; Path=/; Domain=example.net", "https://example.net/", False),
        ("a=1; Path=/; Domain=cdn.example.com", "https://cdn.example.com/", False),
        ("a=1; Path=/; Domain=com", "https://example.com/", False),
        ("a=1; Path=/", "http://www.example.com/", True),
        ("a=1; Path=/; Secure", "http://www.example.com/", False),
        ("a=1; Path=/; Secure", "https://www.example.com/", True),
        ("a=1; Path=/; Max-Age=600", AT, True),
        ("a=1; Path=/; Max-Age=0", AT, False),
        ("a=1; Path=/; Expires=Wed, 21 Oct 2015 07:28:00 GMT", AT, False),
        ("a=1; Path=/; HttpOnly; SameSite=Strict", AT, True),
        (f"a={'1' * 5000}; Path=/", AT, False),
        ("nonsense", AT, None),
        ("", AT, False),
    ],
)
def test_a_cookie_goes_where_it_may(cookie: str, url: str, goes: bool | None) -> None:
    sent = cookies.header(jar_of(AT, cookie), url)
    assert goes is None or bool(sent) is goes


def test_none_is_for_all_of_a_countrys_hosts() -> None:
    jar = jar_of("https://shop.co.uk/", "a=1; Domain=co.uk; Path=/")
    assert not cookies.header(jar, "https://bank.co.uk/")


def test_an_address_in_numbers_is_one_host() -> None:
    jar = jar_of("http://10.1.2.3/", "a=1; Path=/", "b=1; Path=/; Domain=2.3")
    assert cookies.header(jar, "http://10.1.2.3:8080/") == {"Cookie": "a=1"}
    assert not cookies.header(jar, "http://9.1.2.3/")


@pytest.mark.parametrize(
    "host", ["[2001:db8::1]", "[2001:db8::1]:8443", "media", "media:9000", "10.1.2.3", "localhost"]
)
def test_a_host_without_a_domain_gets_its_own_back(host: str) -> None:
    jar = jar_of(f"http://{host}/", "a=1; Path=/", "b=1; Path=/; Domain=local")
    assert cookies.header(jar, f"http://{host}/") == {"Cookie": "a=1"}
    assert not cookies.header(jar, "http://other/")
    assert not cookies.header(jar, "http://[2001:db8::2]/")


def test_several_are_kept_and_one_is_replaced_and_deleted() -> None:
    jar = jar_of(AT, "a=1; Path=/", "b=2; Path=/")
    cookies.keep(jar, AT, Answer("a=3; Path=/", "b=; Path=/; Max-Age=0"))
    assert cookies.header(jar, AT) == {"Cookie": "a=3"}


def test_their_number_is_bounded_for_each_host() -> None:
    jar = CookieJar(cookies.Policy())
    for number in range(2 * cookies.MOST_COOKIES):
        cookies.keep(jar, AT, Answer(f"c{number}=1; Path=/"))
    assert len(jar) == cookies.MOST_COOKIES
    cookies.keep(jar, "https://other.example/", Answer("a=1"))
    assert cookies.header(jar, "https://other.example/")


@pytest.mark.parametrize(
    ("domain", "url", "goes"),
    [
        ("example.com\tFALSE", "https://example.com/", True),
        ("example.com\tFALSE", "https://cdn.example.com/", False),
        ("example.com\tTRUE", "https://cdn.example.com/", True),
        (".example.com\tTRUE", "https://cdn.example.com/", True),
        (".Example.com\tTRUE", "https://cdn.EXAMPLE.com/", True),
        ("Example.com\tFALSE", "https://example.com/", True),
    ],
)
def test_a_secrets_cookie_goes_to_subdomains_as_its_file_says(domain: str, url: str, goes: bool) -> None:
    jar = CookieJar(cookies.Policy())
    for cookie in netscape.cookies([f"{domain}\t/\tTRUE\t0\ta\t1"], "login", 0):
        jar.set_cookie(cookie)
    assert bool(cookies.header(jar, url)) is goes
