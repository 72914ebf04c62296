"""Another destination replaces that of a manifest, with its folders below it."""

from typing import Any

import pytest

from support.every_case import every_case
from videoimport.cli.errors import UnusableError
from videoimport.cli.manifests.admission import OurKind, apply_defaults, validate
from videoimport.cli.manifests.destinations import BucketGoal, parse_into, redirect

S3 = {"bucket": "videos", "endpoint": "https://s3.example.com", "region": "eu-1", "storageClass": "STANDARD_IA"}
VOLUME = {"persistentVolumeClaim": {"claimName": "media", "path": "archive"}}
REST = {"folder": "root/course", "name": "{title}", "ifExists": "Replace"}
KEYS = {"credentialsSecretRef": {"name": "keys"}}


def manifest(kind: OurKind, destination: dict[str, Any]) -> dict[str, Any]:
    url = {"url": "https://media.example.com/a.mp4"}
    specs: dict[str, Any] = {
        "VideoImport": {"source": url, "destination": destination},
        "BulkImport": {"source": {"items": [url]}, "template": {"destination": destination}},
    }
    return {"kind": kind, "metadata": {"name": "clip"}, "spec": specs[kind]}


CASES = [
    (None, {"s3": S3} | KEYS, {"s3": S3} | KEYS),
    ("out", {"s3": S3} | KEYS | REST, {"persistentVolumeClaim": {"claimName": "here"}} | REST),
    ("out", {"s3": S3 | {"prefix": "a/b"}}, {"persistentVolumeClaim": {"claimName": "here", "path": "a/b"}}),
    ("out", VOLUME | REST, {"persistentVolumeClaim": {"claimName": "here", "path": "archive"}} | REST),
    (
        "s3://others",
        {"s3": S3, "publicBaseURL": "https://cdn.example.com"} | KEYS | REST,
        {"s3": {"bucket": "others", "endpoint": "https://s3.example.com", "region": "eu-1"}} | KEYS | REST,
    ),
    ("s3://others/new", VOLUME | REST, {"s3": {"bucket": "others", "prefix": "new/archive"}} | REST),
    (
        "S3://others/new/er/",
        {"s3": {"bucket": "videos", "prefix": "a"}},
        {"s3": {"bucket": "others", "prefix": "new/er/a"}},
    ),
]


@every_case("kind", ["VideoImport", "BulkImport"])
@every_case(("into", "destination", "result"), CASES)
def test_the_destination_is_replaced_and_its_folders_stay(
    kind: OurKind, into: str | None, destination: dict[str, Any], result: dict[str, Any]
) -> None:
    raw = manifest(kind, destination)
    assert redirect(raw, into) == manifest(kind, result)
    assert raw == manifest(kind, destination)
    assert validate(kind, apply_defaults(kind, redirect(raw, into))) == []


def test_the_rest_of_a_spec_is_unchanged() -> None:
    raw = manifest("BulkImport", {"s3": S3})
    raw["spec"] |= {"parallelism": 2}
    raw["spec"]["template"] |= {"maxAttempts": 3}
    found = redirect(raw, "out")["spec"]
    assert (found["parallelism"], found["template"]["maxAttempts"]) == (2, 3)


@pytest.mark.parametrize(
    ("into", "goal"),
    [(None, None), ("s3", None), ("/s3://x", None), ("s3://videos/", BucketGoal("videos"))],
)
def test_only_an_address_of_a_bucket_is_a_bucket(into: str | None, goal: BucketGoal | None) -> None:
    assert parse_into(into) == goal


@pytest.mark.parametrize(
    ("into", "words"),
    [
        ("", "--into has no value; write s3://bucket/prefix, or a folder"),
        ("gs://videos", "--into gs://videos: write s3://bucket/prefix, or a folder"),
        ("s3://", "--into s3://: the bucket is missing; write s3://bucket or s3://bucket/prefix"),
        ("s3://My_Bucket", "--into s3://My_Bucket: the bucket My_Bucket: it must be the name of a bucket"),
        ("s3://videos/a//b", "--into s3://videos/a//b: the prefix a//b: it has a backslash, or a slash at an end"),
        ("s3://videos/../b", "must not contain '.' or '..'"),
        ("s3://videos/.videoimport", "holds the records of all imports"),
    ],
)
def test_an_invalid_bucket_is_refused_with_the_way_out(into: str, words: str) -> None:
    with pytest.raises(UnusableError) as refusal:
        redirect(manifest("VideoImport", VOLUME), into)
    assert words in str(refusal.value)
