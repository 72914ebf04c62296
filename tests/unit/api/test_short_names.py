"""The readable part of a name never holds what an address keeps secret, and always fits a name."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoimport.api.short_names import slug_of

SECRET = "s3cr3tw0rd"
TITLES = [
    f"Watch https://video.example/talk.mp4?token={SECRET}",
    f"Watch https://video.example/talk.mp4?X-Amz-Signature={SECRET}&a=b/c",
    f"Watch https://user:{SECRET}@video.example/talk.mp4",
    f"Watch https://user:{SECRET}@video.example",
    f"Watch https://user:{SECRET}/x@video.example/talk.mp4",
    f"Watch https://archive.example/web/https://user:{SECRET}@video.example/talk.mp4",
]


@pytest.mark.parametrize("title", TITLES)
def test_a_title_that_is_an_address_loses_its_secrets(title):
    assert SECRET not in slug_of(title)


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
