"""The VideoImport of a file."""

from pathlib import Path
from typing import Any

import pytest

from videoimport.api.labels import UPLOAD_SESSION
from videoimport.cli.errors import UnusableError
from videoimport.cli.upload.local_file import LocalFile
from videoimport.cli.upload.spec_template import SpecTemplate
from videoimport.cli.upload.upload_manifest import (
    UploadOptions,
    add_session,
    build_upload_manifest,
    derive_name,
    parse_metadata,
)

FILE = LocalFile(Path("talks/Über Rabbits.mp4"), 10, 7, 0, 0)
SPEC = {"destination": {"s3": {"bucket": "videos"}, "folder": "old"}, "metadata": {"year": 2025, "team": "a"}}
TEMPLATE = SpecTemplate(SPEC, {"labels": {"team": "a"}, "annotations": {UPLOAD_SESSION: "0" * 64}})


def test_manifest_has_the_file_and_the_changed_spec() -> None:
    options = UploadOptions(folder="root/my-folder", metadata={"year": 2026})
    built = build_upload_manifest(TEMPLATE, FILE, options)
    assert built["spec"]["source"] == {"upload": {"filename": "Über Rabbits.mp4", "size": 10}}
    assert built["spec"]["destination"] == {"s3": {"bucket": "videos"}, "folder": "root/my-folder"}
    assert built["spec"]["metadata"] == {"year": 2026, "team": "a"}
    assert built["metadata"]["labels"] == {"team": "a"}
    assert SPEC["destination"]["folder"] == "old"


def test_session_replaces_the_one_of_the_template() -> None:
    built = add_session(build_upload_manifest(TEMPLATE, FILE, UploadOptions(name="one")), "1" * 64)
    assert built["metadata"]["name"] == "one"
    assert built["metadata"]["annotations"] == {UPLOAD_SESSION: "1" * 64}


def test_name_is_the_same_for_the_same_file_and_folder_only() -> None:
    name = derive_name(FILE, "a")
    assert name.startswith("uber-rabbits-")
    assert name == derive_name(FILE, "a")
    others = [
        derive_name(LocalFile(FILE.path, *facts, 0, 0), folder) for *facts, folder in ((10, 7, "b"), (11, 7, "a"))
    ]
    assert len({name, *others}) == 3
    assert derive_name(LocalFile(Path("日本.mp4"), 1, 1, 0, 0), None).startswith("video-")
    assert len(derive_name(LocalFile(Path(f"{'long' * 60}.mp4"), 1, 1, 0, 0), None)) <= 51


@pytest.mark.parametrize(
    ("template", "options", "told"),
    [
        (SpecTemplate({}), UploadOptions(), "no spec.destination"),
        (TEMPLATE, UploadOptions(folder="../x"), "spec.destination.folder"),
        (TEMPLATE, UploadOptions(name="A b"), "metadata.name"),
        (TEMPLATE, UploadOptions(metadata={"duration": 1}), "duration"),
        (SpecTemplate(SPEC | {"paralelism": 1}), UploadOptions(), "paralelism"),
    ],
)
def test_mistake_is_named_before_anything_is_created(template: SpecTemplate, options: UploadOptions, told: str) -> None:
    with pytest.raises(UnusableError) as refused:
        build_upload_manifest(template, FILE, options)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026", 2026),
        ("-1.5", -1.5),
        ("true", True),
        ("True", "True"),
        ('"2026"', "2026"),
        ("Ana = Bo", "Ana = Bo"),
        ('""', ""),
        ("null", "null"),
        ("NaN", "NaN"),
        ("1e999", "1e999"),
        ("[1]", "[1]"),
        ("007", "007"),
    ],
)
def test_value_has_the_type_that_it_reads_as(text: str, value: Any) -> None:
    found = parse_metadata([f"key={text}"])["key"]
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        (["x"], "KEY=VALUE"),
        (["x="], "for an empty text, such as --metadata x=2026"),
        (["=x"], "KEY=VALUE"),
        (["a=1", "a=2"], "twice"),
    ],
)
def test_metadata_without_one_value_for_a_key_is_refused(pairs: list[str], told: str) -> None:
    with pytest.raises(UnusableError, match=told):
        parse_metadata(pairs)
