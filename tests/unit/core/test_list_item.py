"""The readable part of a child's name: of the item's name, its title or its file, and of no secret of an address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.core.leaking_urls import LEAKING, SECRET
from support.every_case import every_case
from videoimport.core.list_item import Listed, derive_item_slug


@every_case("url", LEAKING)
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
