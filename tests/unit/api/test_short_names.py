"""Short names never hold what an address keeps secret, and always fit a name or a table."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoimport.api.short_names import (
    MOST_SHOWN,
    file_of_url,
    host_of_url,
    shown_name,
    slug_of,
    stem_of_key,
    stem_of_url,
)

SECRET = "s3cr3tw0rd"
LEAKING = [
    f"https://video.example/talk.mp4?token={SECRET}",
    f"https://video.example/talk.mp4?X-Amz-Signature={SECRET}&a=b/c",
    f"https://user:{SECRET}@video.example/talk.mp4",
    f"https://user:{SECRET}@video.example",
    f"https://user:{SECRET}/x@video.example/talk.mp4",
    f"https://archive.example/web/https://user:{SECRET}@video.example/talk.mp4",
    f"https://archive.example/web/https://user:{SECRET}@video.example",
    f"https://archive.example/https%3A%2F%2Fuser%3A{SECRET}%40video.example%2Ftalk.mp4",
    f"https://archive.example/https%253A%252F%252Fuser%253A{SECRET}%2540video.example",
    f"https://archive.example/talk.mp4%3Ftoken%3D{SECRET}",
    f"https://archive.example/talk.mp4%253Ftoken%253D{SECRET}%252Fx.mp4",
    f"https://video.example/talk.mp4;jsessionid={SECRET}",
    f"https://video.example/talk.mp4&sig={SECRET}",
    f"https://video.example/token={SECRET}",
    f"https://video.example/talk.mp4#{SECRET}",
    f"https://[::1/{SECRET}",
]


@pytest.mark.parametrize("url", LEAKING)
def test_nothing_secret_of_an_address_is_in_a_short_name(url):
    for name in (stem_of_url(url), file_of_url(url), host_of_url(url), slug_of(stem_of_url(url))):
        assert SECRET not in name


@pytest.mark.parametrize("url", [url for url in LEAKING if "#" not in url and "[" not in url and ";" not in url][:6])
def test_a_title_that_is_an_address_loses_its_secrets(url):
    assert SECRET not in slug_of(f"Watch {url}")
    assert SECRET not in shown_name(f"Watch {url}")


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Lecture 1: Über die Äpfel", "lecture-1-uber-die-apfel"),
        ("  --Hello,   WORLD!--  ", "hello-world"),
        ("Straße", "strasse"),
        ("Ｆｕｌｌ width ①", "full-width-1"),
        ("日本語", ""),
        ("Урок 3", "3"),
        ("a\u202eb\u200bc\x1b[0m", "abc-0m"),
        ("🎬 Film", "film"),
        ("", ""),
    ],
)
def test_slug(text, slug):
    assert slug_of(text) == slug


@given(st.text())
def test_a_slug_is_a_part_of_a_dns_label(text):
    assert re.fullmatch(r"([a-z0-9]+(-[a-z0-9]+)*)?", slug_of(text))


@given(st.text())
def test_a_shown_name_is_one_short_line_without_control_characters(text):
    shown = shown_name(text)
    assert len(shown) <= MOST_SHOWN
    assert not any(unicodedata.category(letter)[0] == "C" or letter in "\u2028\u2029" for letter in shown)
    assert shown == shown.strip()


@given(st.text())
def test_whatever_an_address_is_it_has_a_short_name(text):
    for url in (text, f"https://{text}", f"https://video.example/{text}"):
        slug_of(stem_of_url(url))
        host_of_url(url)


def test_files_are_named_without_folders_and_extensions():
    assert stem_of_url("https://video.example/a/My%20Talk.final.mp4") == "My Talk.final"
    assert stem_of_url("https://video.example/watch?v=abc") == "watch"
    assert stem_of_url("https://video.example/") == ""
    assert stem_of_key("a/b/Q&A #1.mov") == "Q&A #1"
