"""Manifests from addresses."""

import pytest

from videoimport.cli.cluster.create_manifest import Wanted, build_manifest
from videoimport.cli.errors import UnusableError


def test_one_address_is_an_import_and_several_are_a_bulk() -> None:
    one = build_manifest(Wanted(["https://example.com/Rabbit%20Talk.mp4"], "s3://videos/archive"))
    assert one["kind"] == "VideoImport"
    assert one["metadata"]["name"].startswith("rabbit-talk-")
    assert one["spec"]["destination"] == {"s3": {"bucket": "videos", "prefix": "archive"}}
    two = build_manifest(Wanted(["https://example.com/a", "https://example.com/b"], "pvc://films", bulk="course"))
    assert (two["kind"], two["metadata"]["name"]) == ("BulkImport", "course")
    assert len(two["spec"]["source"]["items"]) == 2


@pytest.mark.parametrize(
    ("wanted", "named"),
    [
        (Wanted(["ftp://x"], "s3://videos"), "it is not an address"),
        (Wanted(["https://example.com/a"], "videos"), "--into"),
        (Wanted(["https://example.com/a"], "s3://videos", name="A b"), "--name"),
        (Wanted(["https://example.com/a"], "s3://videos", name=""), "--name : a name has"),
        (Wanted(["https://example.com/a"], "s3://videos", bulk="A b"), "--bulk A b: a name has"),
        (Wanted(["https://example.com/a"], "gs://videos"), "--into gs://videos: write s3://bucket/prefix or pvc://"),
        (Wanted(["https://example.com/a"], "s3://b"), "--into s3://b: the bucket b: it has fewer than 3 characters"),
        (Wanted(["https://example.com/a"], "s3://videos", folder="../x"), r"--folder \.\./x: must not contain"),
        (Wanted(["https://example.com/a"], "s3://videos", secret="A_b"), "--secret A_b: it must be the name"),
        (Wanted(["https://example.com/a"], "s3://videos", endpoint="foo"), "--endpoint foo: it has fewer than 10"),
        (Wanted(["https://example.com/a"], "pvc://A_b/x"), "--into pvc://A_b/x: the claim: it must be the name"),
        (Wanted(["https://example.com/a"], "pvc://a/../x"), r"--into pvc://a/\.\./x: the path: must not contain"),
        (Wanted(["https://example.com/a", "https://example.com/b"], "s3://videos", folder="/x"), "--folder /x: "),
    ],
)
def test_a_mistake_names_the_option_or_field(wanted: Wanted, named: str) -> None:
    with pytest.raises(UnusableError, match=named):
        build_manifest(wanted)
