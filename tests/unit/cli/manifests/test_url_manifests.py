"""Addresses on the command line become manifests that an API server takes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoimport.api.identity import item_identity
from videoimport.cli.errors import UnusableError
from videoimport.cli.manifests.object_problems import examine
from videoimport.cli.manifests.url_manifests import build_manifests

A, B = "https://media.example.com/talks/Über%20Rabbits.final.mp4?sig=hunter2", "https://www.example.com/b/"
HERE = {"persistentVolumeClaim": {"claimName": "here"}}


def test_one_address_is_a_video_named_after_its_file() -> None:
    (raw,) = build_manifests([A])
    assert raw == {
        "apiVersion": "videoimport.io/v1alpha1",
        "kind": "VideoImport",
        "metadata": {"name": f"uber-rabbits-final-{item_identity(A)}"},
        "spec": {"source": {"url": A}, "destination": HERE},
    }


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (B, "b"),
        ("https://www.example.com", "example-com"),
        ("https://example.com/watch?v=abc", "watch"),
        ("https://example.com/日本.mp4", "example-com"),
        (f"https://example.com/{'a' * 39}-b.mp4", "a" * 39),
        (f"https://example.com/{'a' * 99}", "a" * 40),
        (f"https://example.com/{'word-' * 20}", "word-" * 7 + "word"),
        ("https://[2001:db8::1]/", "2001-db8-1"),
    ],
)
def test_the_readable_part_of_a_name(url: str, name: str) -> None:
    assert build_manifests([url])[0]["metadata"]["name"] == f"{name}-{item_identity(url)}"


def test_several_addresses_are_one_bulk_in_the_given_order() -> None:
    (raw,) = build_manifests([B, A, B])
    assert raw["kind"] == "BulkImport"
    assert raw["spec"] == {"source": {"items": [{"url": B}, {"url": A}]}, "template": {"destination": HERE}}
    assert raw["metadata"]["name"].startswith("example-com-")


def test_the_name_of_a_bulk_depends_on_its_addresses_and_not_on_their_order() -> None:
    names = [build_manifests(urls)[0]["metadata"]["name"][-8:] for urls in ([A, B], [B, A], [A, B + "c"])]
    assert names[0] == names[1] != names[2]


def test_the_same_address_in_another_form_is_one_video() -> None:
    (raw,) = build_manifests(["HTTPS://Media.Example.com/a.mp4", "https://media.example.com/a.mp4"])
    assert (raw["kind"], raw["spec"]["source"]["url"]) == ("VideoImport", "https://media.example.com/a.mp4")


def test_a_playlist_is_a_bulk_of_its_own() -> None:
    first, second = build_manifests([A, B], playlist=True)
    assert first["spec"]["source"] == {"playlist": {"url": A}}
    assert second["spec"]["source"] == {"playlist": {"url": B}}
    assert first["metadata"] != second["metadata"]


@pytest.mark.parametrize(
    ("into", "destination"),
    [
        (None, HERE),
        ("./videos", HERE),
        ("s3://videos", {"s3": {"bucket": "videos"}}),
        ("s3://videos/2026/spring/", {"s3": {"bucket": "videos", "prefix": "2026/spring"}}),
    ],
)
def test_the_results_go_to_a_folder_or_a_bucket(into: str | None, destination: dict[str, Any]) -> None:
    assert build_manifests([A], into)[0]["spec"]["destination"] == destination
    assert build_manifests([A, B], into)[0]["spec"]["template"]["destination"] == destination


def test_every_invalid_address_is_named_without_its_secrets() -> None:
    with pytest.raises(UnusableError) as refusal:
        build_manifests(
            ["ftp://user:hunter2@example.com/a.mp4", A, "short", "", "https://example.com:99999/?token=hunter2"]
        )
    told = refusal.value.problems
    assert [problem.partition(": ")[2][:24] for problem in told] == [
        "it must begin with http:",
        "it is not an address of ",
        "it is not an address of ",
        "its port must be a numbe",
    ]
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("urls", "words"), [([], "there is no address"), (["https://example.com/a"] * 1001, "give at most 1000")]
)
def test_the_number_of_addresses_is_bounded(urls: list[str], words: str) -> None:
    with pytest.raises(UnusableError, match=words):
        build_manifests(urls)


@given(
    st.lists(st.text(max_size=60).map(lambda path: f"https://example.com/{path}"), min_size=1, max_size=3),
    st.booleans(),
)
def test_a_manifest_of_valid_addresses_is_valid(urls: list[str], playlist: bool) -> None:
    try:
        manifests = build_manifests(urls, playlist=playlist)
    except UnusableError as refusal:
        assert "\n" not in refusal.problems[0]  # noqa: PT017
        return
    for raw in manifests:
        found = examine(raw["kind"], raw)
        assert found.problems == ()
        assert not found.homeless
