"""The readable part of a child's name: of the item's name, its title or its file, and of no secret of an address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoimport.core.list_item import Listed, derive_item_slug

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
def test_nothing_secret_of_an_address_is_in_a_slug(url):
    assert SECRET not in derive_item_slug(Listed("id", url))


@given(st.text())
def test_whatever_an_address_is_it_has_a_slug(text):
    for url in (text, f"https://{text}", f"https://video.example/{text}"):
        derive_item_slug(Listed("id", url))


@pytest.mark.parametrize(
    ("item", "slug"),
    [
        (Listed("id", "https://video.example/a/My%20Talk.final.mp4"), "my-talk-final"),
        (Listed("id", "https://video.example/watch?v=abc"), "watch"),
        (Listed("id", "https://video.example/"), ""),
        (Listed("id", key="a/b/Q&A #1.mov"), "q-a-1"),
        (Listed("id", "https://video.example/a.mp4", name="Given.mp4", slug="title"), "given-mp4"),
        (Listed("id", "https://video.example/a.mp4", slug="title"), "title"),
    ],
)
def test_a_slug_is_of_the_name_else_the_title_else_the_file_without_folders_and_extension(item, slug):
    assert derive_item_slug(item) == slug
