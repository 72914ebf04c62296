"""URLs and texts without secrets: a canary in every place that may hold one, nested, encoded, in text of any kind."""

import base64
import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.every_case import every_case
from support.examples import examples
from videoimport.api.redaction import shown_lines, shown_text, shown_url, shown_value

CANARY = "c4naryZq7"
HOST, PATH = "visible.example", "/clip/one.mp4"
NAMES = (
    "X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "x-goog-signature", "X-Goog-Credential",
    "GoogleAccessId", "Signature", "Key-Pair-Id", "Policy", "Expires", "sig", "token", "access_token", "id_token",
    "refresh_token", "key", "apiKey", "api_key", "auth", "password", "passwd", "pwd", "client_secret", "hdnts", "hdnea",
    "hmac", "jwt", "session", "sessionid", "sid", "md5", "st", "hash", "wmsAuthSign", "AWSAccessKeyId", "verify",
    "to%6ben", "to%256ben", "TOKEN", "cookie", "SAMLResponse", "ticket", "loginTicket", "pw", "userPass", "dbPwd",
    "sas", "webPW", "sId",
)  # fmt: skip
JWT = f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{CANARY}"

hosts = st.sampled_from(
    ["inner.example", "inner.example:8443", "[2001:db8::7]", "[::1]:8080", "10.0.0.7", "xn--bcher-kva.example"]
)
schemes = st.sampled_from(["https://", "http://", "HTTPS://", "hTTp://", "//", "ftp://", "rtmp://"])
passwords = st.sampled_from(
    ["{}", "a{}", "{}:x", "p@{}", "{}%40x", "%3A{}", "{}!$'()*,;=", "a&{}", "a;{}", "pa/{}", "pa?{}", "pa#{}", "é{}"]
).map(lambda form: form.format(CANARY))
users = st.sampled_from(["ann:", ":", "x%3Ay:", ""])


def _with_login(scheme: str, host: str, user: str, password: str) -> str:
    return f"{scheme}{user}{password}@{host}/v.mp4"


logins = st.builds(_with_login, schemes, hosts, st.sampled_from(["ann:", ":", "x%3Ay:"]), passwords) | st.builds(
    _with_login, schemes, hosts, st.just(""), st.just(CANARY)
)
signed = st.builds(
    lambda scheme, host, name, mark: f"{scheme}{host}/v.mp4?a=1{mark}{name}={CANARY}&b=2",
    schemes, hosts, st.sampled_from(NAMES), st.sampled_from(["&", ";", "&amp;"]),
)  # fmt: skip
fragments = st.builds(lambda host: f"https://{host}/v.mp4#access_token={CANARY}", hosts)
in_path = st.sampled_from(
    [
        f"https://inner.example/v;sig={CANARY}/a.mp4", f"https://inner.example/token={CANARY}/a.mp4",
        f"https://inner.example/hdnts=exp=1~acl=/*~hmac={CANARY}/a.m3u8", f"https://inner.example/t/{JWT}/a.mp4",
        f"https://inner.example/x;jsessionid={CANARY}", f"https://inner.example/?q={JWT}",
    ]
)  # fmt: skip
leaves = logins | signed | fragments | in_path


def _wrap_in_base64(url: str) -> str:
    return f"https://mid.example/p?u={base64.urlsafe_b64encode(url.encode()).decode()}"


wraps = st.sampled_from(
    [
        lambda url: f"https://mid.example/go?url={quote(url, safe='')}",
        lambda url: f"https://mid.example/go?a=1&u={quote_plus(quote(url, safe=''))}&c=3",
        lambda url: f"https://mid.example/go?next=%2Fcb%3Furl%3D{quote(url, safe='')}",
        lambda url: f"https://mid.example/go#{quote(url, safe='')}",
        lambda url: f"https://mid.example/proxy/{quote(url, safe='')}",
        lambda url: f"https://mid.example/web/2020/{quote(url, safe=':/@')}",
        lambda url: f"https://mid.example/go;url={quote(url, safe='')}",
        lambda url: f"https://mid.example/go?{quote(url, safe='')}",
        lambda url: f"https://mid.example/go?j={quote(json.dumps({'u': url}), safe='')}",
    ]
)
nested = st.recursive(leaves, lambda inner: st.builds(lambda wrap, url: wrap(url), wraps, inner), max_leaves=3)
raw_nested = leaves.filter(lambda url: url.startswith(("http", "HTTP", "hTTp")))
outer = st.builds(lambda url: f"https://{HOST}{PATH}?v=7&url={quote(url, safe='')}", nested) | st.builds(
    lambda url: f"https://ann:{CANARY}@{HOST}{PATH}?to={quote(url, safe=':/@')}", nested
)
befores = st.sampled_from(
    [
        "",
        "see ",
        "see: ",
        "(",
        "[",
        "{",
        "<",
        '"',
        "'",
        "`",
        "url=",
        "->",
        "\n",
        "\t",
        "…",
        "GET ",
        '{"u": "',
        "\x1b[1m",
    ]
)
afters = st.sampled_from(
    ["", " now", ".", ",", ")", "]", "}", ">", '"', "'", "`", "\n", "…", '"}', ": refused", "\x1b[0m"]
)


@examples(400)
@given(outer)
def test_no_secret_at_any_depth_is_shown_and_the_way_is(url: str) -> None:
    shown = shown_url(url)
    assert CANARY not in shown
    assert f"{HOST}{PATH}" in shown
    assert len(shown) <= len(url)


@examples(400)
@given(nested)
def test_nor_in_an_address_of_any_form(url: str) -> None:
    assert CANARY not in shown_url(url)


@examples(600)
@given(befores, outer, afters, befores, nested.filter(lambda url: "'" not in url), afters)
def test_nor_in_a_text_with_odd_characters_around(
    before: str, one: str, between: str, second: str, other: str, after: str
) -> None:
    text = f"{before}{one}{between} {second}{other}{after}"
    for show in (shown_text, shown_lines):
        shown = show(text)
        assert CANARY not in shown
        assert f"{HOST}{PATH}" in shown


cut = st.builds(_with_login, schemes, hosts, st.just("ann:"), st.just(f"{CANARY}xyz")) | signed | in_path


@examples(300)
@given(cut, st.sampled_from([str, lambda url: quote(url, safe=""), lambda url: f"https://{HOST}/?u={url}"]), st.data())
def test_nor_in_an_address_that_was_cut(url: str, wrap: Callable[[str], str], data: st.DataObject) -> None:
    """A writer that cuts a text before it comes here takes the end of user info away, and the name of no parameter."""
    whole = wrap(url)
    end = whole.index(CANARY) + len(CANARY)
    length = data.draw(st.integers(end, len(whole)))
    assert CANARY not in shown_text(f"at {whole[:length]}")


def _quoted(times: int) -> str:
    url = f"https://ann:{CANARY}@h.example/x"
    for _ in range(times):
        url = quote(url, safe="")
    return url


@every_case(
    "text",
    [
        f"https://ann:{CANARY}", f"Get https://ann:{CANARY}", f"Get https://ann:x{CANARY}…",
        f"https://ann:pa {CANARY}@h.example/x", f"at https://ann:pa {CANARY}@h.example/x",
        f"at https://ann:pa'{CANARY}@h.example/x", f'at "https://ann:pa"{CANARY}@h.example/x"',
        f"at https://an\nn:{CANARY}@h.example/x", f"at https://ann:pa\n{CANARY}@h.example/x",
        f"at https://ann:pa\r\n\t{CANARY}@h.example/x", f"at https:/\u200b/ann:{CANARY}@h.example/x",
        f"at ht\x00tps://ann:{CANARY}@h.example/x", f"at https:\\\\ann:{CANARY}@h.example\\x",
        f"at https:\\/\\/ann:{CANARY}@h.example\\/x", f"at https:/ann:{CANARY}@h.example/x",
        f"at https:ann:{CANARY}@h.example/x", f"at //ann:{CANARY}@h.example/x",
        f"at https://ann%3A{CANARY}%40h.example/x", f"at https%3A%2F%2Fann%3A{CANARY}%40h.example%2Fx",
        f"at https%253A%252F%252Fann%253A{CANARY}%2540h.example%252Fx", f"at https:%2F%2Fann:{CANARY}@h.example",
        f"at https://h.example/?a=1\\u0026token={CANARY}", f"at https:&#47;&#47;ann:{CANARY}&#64;h.example",
        f"at https://h.example/?token='{CANARY}'", f"at ?token='a {CANARY}'", f'at ?token="a {CANARY}"',
        f"Authorization: Bearer {CANARY}", f"authorization: Basic {CANARY}=", f"Cookie: a=1; b={CANARY}",
        f"Set-Cookie: sid={CANARY}; Path=/", f"X-Api-Key: {CANARY}", f"proxy-authorization: Basic {CANARY}",
        f"{{'Authorization': 'Bearer {CANARY}'}}", f'{{"password": "{CANARY}"}}', f"{{'token': '{CANARY}'}}",
        f'{{"access_token":"a\\"{CANARY}"}}', f"got Bearer abcdefghijkl{CANARY}", f"a {JWT} b",
        f"whsec_{CANARY}", f"https://hooks.slack.com/services/T0/B0/{CANARY}",
        f"https://api.telegram.org/bot123:{CANARY}abcdefgh/send",
        f"https://discord.com/api/webhooks/123/{CANARY}abcdefgh",
        f"at https://an%0An:{CANARY}@h.example/x", f"a?u={_quoted(12)}", f"https://h.example/?u={_quoted(7)}",
        f"see https://h.example/{_quoted(20)}",
        f"https://h.example/{'https://x.example/' * 30}https://ann:{CANARY}@y.example/",
        f"at https://ann:12/{CANARY}@h.example/x", f"https://ann:12/3/{CANARY}x/4@h.example",
        f"ann:{CANARY}@h.example:80",
        f"at https://ann:12?{CANARY}@h.example/x", f"at https://ann:12/3?{CANARY}@h.example",
        f"at ann%3A{CANARY}%40h.example",
        f"at https:\\u002f\\u002fann:{CANARY}@h.example", f"at https:\\x2f\\x2Fann:{CANARY}@h.example",
        f"Private-Token: {CANARY}",
        f"x-goog-signature: {CANARY}", f"PRIVATE_TOKEN: {CANARY}", f"secret_access_key : {CANARY}",
        f"password: {CANARY}",
        f"[('Authorization', 'Token {CANARY}')]", f'("Cookie", "a={CANARY}")', f"ghp_{CANARY}{CANARY}abcdefgh",
        f"s3://ann:{CANARY}@bucket/key", f"password={CANARY}", f"a,token={CANARY},b", f"&sig={CANARY}",
    ],
)  # fmt: skip
def test_forms_that_libraries_write(text: str) -> None:
    assert CANARY not in shown_text(text)
    assert CANARY not in shown_lines(text)
    assert CANARY not in str(shown_value({"a": [text, {text: (text,)}, ValueError(text)]}))


@every_case(
    "text",
    [
        "Imported to s3://bucket/a?token=1#b/video.mp4.", "pvc://claim/a b/video.mp4", "The source is 1:02:03 long.",
        "https://host.example/@user/a@2.mp4", "see https://host.example:8443/a, then https://host.example.",
        "http://127.0.0.1:9: connection refused", "https://host.example: not found",
        "registry.example/worker:1.0@sha256:0123", "spec.source.credentialsSecretRef: Required",
        "https://h.example:8443/@a/b",
        "https://h.example:8443/?to=a@b.example", "retryToken: changed", "worker:1.0@sha256:0123",
        "host-name: value", "Write to ann@example.com", "key: value", "The key is missing.",
        "The Secret 'x' has no key AWS_ACCESS_KEY_ID", "100 % of 5 files", "https://h.example/100%25/%C3%A4?t=1&v=%2F",
        "String should match pattern '^https?://[^\\s/]+'", "C:\\\\dir\\\\x", "Eyjafjallajökull", "a//b//c",
        "https://web.archive.org/web/2020/https://h.example/v.mp4?a=1",
        "https://h.example/?url=https%3A%2F%2Fb.example",
    ],
)  # fmt: skip
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert shown_text(text) == text


@examples(500)
@given(st.text(alphabet="/\\?&=,;:%+[]@#<>'\" aeyJtokn0245\n", max_size=80) | nested | st.text())
def test_showing_twice_changes_nothing_more(text: str) -> None:
    """A status is read and written again and again."""
    for show in (shown_text, shown_url, shown_lines):
        assert show(show(text)) == show(text)


@every_case("scheme", ["https", "http", "Http", "hTTps", "ftp", "rtmp", "rtsps", "sftp"])
@every_case("before", ["", " ", "url=", '{"url": "', "\n", "v1 "])
@every_case("behind", ["", "x", "id_", "a-1-"])
def test_an_address_of_any_scheme_in_base64_is_hidden(scheme: str, before: str, behind: str) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        inner = encode(f"{before}{scheme}://ann:{CANARY}@h.example/v.mp4".encode()).decode()
        for shown in (shown_url(f"https://{HOST}/?u={behind}{inner}"), shown_text(f"see {behind}{inner}.")):
            runs = re.findall(r"[\w+/-]{12,}", shown)
            assert not any(CANARY.encode() in _bytes_of(run[shift:]) for run in runs for shift in range(4)), shown


def _bytes_of(run: str) -> bytes:
    whole = run[: len(run) // 4 * 4].replace("-", "+").replace("_", "/")
    return base64.b64decode(whole)


@every_case("letter", ["ä", "漢", "𝒳", "\u0661"])
@every_case("inner", ["Oi8v", "6Ly9", f"https://ann:{CANARY}@h.example/v.mp4"])
def test_a_letter_that_base64_does_not_have_ends_it(letter: str, inner: str) -> None:
    run = base64.b64encode(inner.encode()).decode() if CANARY in inner else inner
    for text in (f"see {letter}{run}", f"https://{HOST}/{run}{letter}", f"https://{HOST}/?u={letter}{run}{letter}x"):
        for shown in (shown_text(text), shown_url(text), shown_lines(text)):
            assert (run in shown) == (CANARY not in inner)


@pytest.mark.parametrize("form", ["%u{:04x}", "\\u{:04X}", "&#{:d};", "&#x{:x};", "&#00{:d};", "&#x00{:X};"])
def test_an_address_whose_letters_are_all_escaped_is_hidden(form: str) -> None:
    inner = "".join(form.format(ord(letter)) for letter in f"https://ann:{CANARY}@h.example/")
    for shown in (shown_url(f"https://{HOST}/?u={inner}"), shown_text(f"see {inner} there")):
        assert form.format(ord("4")) + form.format(ord("n")) not in shown
        assert CANARY not in shown


def test_an_encoded_address_in_a_path_is_hidden_in_an_address_that_is_nothing_else() -> None:
    inner = base64.urlsafe_b64encode(f"https://h.example/?token={CANARY}".encode()).decode().rstrip("=")
    assert inner not in shown_url(f"https://h.example/{inner}/v.mp4")


@every_case(
    "unit",
    [
        "a",
        "/",
        "//",
        "//a:",
        "%25",
        "https://",
        "x-token",
        '"a":',
        "@",
        ":@",
        "&#",
        "a=",
        "'",
        "\n:",
        "a-",
        "token_",
        ":a",
        "%3a",
        "\\x3a",
        "'cookie',",
        "//a:1/",
        "//a:1/b@",
    ],
)
def test_a_long_text_takes_a_moment(unit: str) -> None:
    """No unit repeated makes the scanner quadratic: it would not end within the test's patience."""
    text = unit * (200_000 // len(unit))
    assert len(shown_text(text)) <= len(text)


@every_case(
    ("url", "shown"),
    [
        ("https://user:secret@host.example/a.mp4", "https://host.example/a.mp4"),
        ("https://host.example/a?id=7&X-Amz-Signature=abc&X-Amz-Credential=k", "https://host.example/a?id=7"),
        ("https://host.example/a?v=%C3%A4&t=1", "https://host.example/a?v=%C3%A4&t=1"),
        ("https://host.example/a?token=abc#part", "https://host.example/a"),
        ("https://host.example/a?to%6ben=abc&b=1,2;3&empty&t=", "https://host.example/a?b=1,2;3&empty&t="),
        ("https://host.example/a?md5=abc&first=1&passage=2&st=x", "https://host.example/a?first=1&passage=2"),
        ("http://[::1/broken", "(unreadable URL)"),
        ("user:pa55word@host.example/a.mp4?sig=abc&t=1", "host.example/a.mp4?t=1"),
        ("https:/user:pa55word@host.example/a", "host.example/a"),
        ("https:///user:pa55word@host.example/a", "host.example/a"),
        ("https:user:pa55word@host.example/a", "host.example/a"),
        ("1https://user:pa55word@host.example/a", "host.example/a"),
        ("https://user:pa55/word@host.example/a", "host.example/a"),
        ("https://user:pa55?word@host.example/a", "host.example/a"),
        ("https://user:pa55#word@host.example/a", "host.example/a"),
        ("https://user:/word@host.example/a", "host.example/a"),
        (
            "https://web.example/2020/http://user:pa55word@host.example/a",
            "https://web.example/2020/http://host.example/a",
        ),
        (
            "https://web.example/2020/http:/user:pa55word@host.example/a",
            "https://web.example/2020/http:/host.example/a",
        ),
        ("ftp://user:pa55word@host.example/a", "ftp://host.example/a"),
        ("//user:pa55word@host.example/a", "//host.example/a"),
        ("https://host.example/@user/a@2.mp4", "https://host.example/@user/a@2.mp4"),
        ("host.example/a.mp4", "host.example/a.mp4"),
    ],
)
def test_a_shown_url_keeps_the_way_and_loses_the_secrets(url: str, shown: str) -> None:
    assert shown_url(url) == shown


@every_case(
    "name",
    [
        "md5",
        "hash",
        "x-hmac",
        "jwt",
        "sessionid",
        "PWD",
        "pass",
        "st",
        "oh",
        "AccessKey",
        "verify",
        "h%61sh",
        "?hash",
        "amp;md5",
    ],
)
def test_names_of_secrets_are_known(name: str) -> None:
    assert shown_url(f"https://host.example/a?v=1&{name}=5ecret&w=2") == "https://host.example/a?v=1&w=2"


@given(st.text(alphabet="/?&=,;:%+[]@# aé\t\n1", max_size=200))
def test_a_shown_url_is_never_longer(rest: str) -> None:
    url = f"https://host.example/{rest}"
    assert len(shown_url(url)) <= len(url)


@given(st.text())
def test_showing_a_url_never_fails_and_never_shows_user_info(secret: str) -> None:
    assert isinstance(shown_url(secret), str)
    for mistyped in ("https://", "https:/", "https:", "ftp://", "//", ""):
        assert "pa55word" not in shown_url(f"{mistyped}me:pa55word@{secret}")
