"""An object is taken as the API server would take it, or refused with all that is wrong, named by field."""

import json
from typing import Any

import pytest
import yaml

from support.every_case import every_case
from videoimport.api.videoimport import VideoImportSpec
from videoimport.cli.manifests.object_problems import ExaminedManifest, examine
from videoimport.cli.manifests.yaml_documents import parse_documents
from videoimport.crdgen.definitions import video_definition
from videoimport.crdgen.invalid_manifests import ManifestKey, Violation, shown, violations
from videoimport.crdgen.validation_page import schema_of

HEAD = {"apiVersion": "videoimport.io/v1alpha1", "kind": "VideoImport", "metadata": {"name": "clip"}}
URL = {"url": "https://media.example.com/a.mp4"}
S3 = {"s3": {"bucket": "videos"}}


def manifest(**spec: Any) -> str:
    return yaml.safe_dump(HEAD | {"spec": {"source": URL} | spec})


def examined(text: str) -> ExaminedManifest:
    (document,) = parse_documents(text, "clip.yaml")
    return examine("VideoImport", document)


def taken(text: str) -> ExaminedManifest:
    found = examined(text)
    assert found.problems == ()
    return found


def refused(text: str) -> str:
    problems = examined(text).problems
    assert problems
    return "\n".join(problems)


def test_a_manifest_without_destination_gets_a_volume() -> None:
    found = taken(manifest())
    assert found.homeless
    assert found.raw["spec"]["destination"] == {"persistentVolumeClaim": {"claimName": "here"}, "ifExists": "Fail"}


def test_a_given_destination_is_kept() -> None:
    found = taken(manifest(destination=S3 | {"folder": "a/b"}))
    assert not found.homeless
    assert found.raw["spec"]["destination"]["folder"] == "a/b"


def test_json_is_a_manifest_too() -> None:
    assert taken(json.dumps(HEAD | {"spec": {"source": URL}})).raw["metadata"]["name"] == "clip"


def test_a_date_stays_the_text_it_is() -> None:
    assert taken(manifest() + "  metadata: {aired: 2026-01-02}\n").raw["spec"]["metadata"] == {"aired": "2026-01-02"}


def test_what_a_cluster_wrote_into_a_manifest_is_no_business_of_ours() -> None:
    exported = yaml.safe_load(manifest()) | {"status": {"phase": "Completed"}}
    exported["metadata"] |= {"uid": "the-cluster's", "resourceVersion": "7", "managedFields": [{}]}
    raw = taken(yaml.safe_dump(exported)).raw
    assert raw["metadata"] == {"name": "clip", "namespace": "default"}
    assert "status" not in raw


@every_case(
    ("spec", "words"),
    [
        ({"sourse": URL}, "spec.sourse: there is no such field; did you mean source?"),
        ({"output": {"video": {"CRF": 20}}}, "spec.output.video.CRF: there is no such field; did you mean crf?"),
        ({"output": {"renditions": [{"name": "a", "height": 360, "wdith": 1}]}}, "spec.output.renditions[0].wdith"),
        (
            {"source": URL | {"zzz": 1}},
            "there are checksum, credentialsSecretRef, headerOrigins, persistentVolumeClaim, s3, upload, url.",
        ),
        ({"source": {}}, "give exactly one of url, s3, upload, persistentVolumeClaim"),
        ({"source": {"s3": {"bucket": "videos"}}}, "spec.source.s3.key is missing; it is required. (The"),
        ({"output": {"video": {"crf": 80}}}, "spec.output.video.crf is the number 80; it should be less than or equal"),
        ({"output": {"video": {"crf": 60}}}, "spec.output.video.crf: crf is at most 51 for h264 and hevc."),
        ({"output": {"mode": "Original", "audioFile": {}}}, "spec.output: mode Original uploads"),
        ({"output": []}, "spec.output is a list; it should be an object"),
        ({"maxAttempts": "5"}, 'spec.maxAttempts is "5"; it should be a valid integer'),
        ({"requirements": {"formats": ["mp4", "mp4"]}}, "spec.requirements.formats: mp4 occurs twice"),
        ({"metadata": {"tags": ["a"]}}, "spec.metadata.tags is a list; it must be text, a number, true or false."),
        ({"metadata": {"duration": 1}}, "duration is set by the importer for every video"),
        ({"destination": S3 | {"folder": "../up"}}, "spec.destination.folder: must not contain '.' or '..'"),
        ({"destination": {}}, "give exactly one of s3, persistentVolumeClaim"),
        ({"worker": {"labels": {"videoimport.io/run": "1"}}}, "spec.worker.labels: keys under videoimport.io/"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_with_what_was_found_and_what_is_wanted(spec: dict[str, Any], words: str) -> None:
    assert words in refused(manifest(**spec))


MISTYPED = [
    {"sourse": URL},
    {"SOURCE": URL},
    {"source": {"ulr": URL["url"]}},
    {"source": {"s3": {"buket": "videos", "key": "a.mp4"}}},
    {"source": {"S3": {"bucket": "videos", "key": "a.mp4"}}},
    {"destination": {"S3": {"bucket": "videos"}}},
    {"destination": {"persistentVolumeclaim": {"claimname": "media"}}},
    {"destinaton": S3},
    {"output": {"renditions": [{"nmae": "a", "height": 360}]}},
    {"output": {"renditions": [{"name": "a", "heigth": 360}]}},
    {"worker": {"tolerations": [{"keey": "media", "value": "gpu"}]}},
    {"worker": {"caBundleConfigMapRef": {"nam": "certificates"}}},
]


@every_case("spec", MISTYPED)
def test_a_mistyped_field_is_one_mistake_and_not_also_what_its_absence_breaks(spec: dict[str, Any]) -> None:
    text = manifest(**spec)
    if any(name.lower() in ("sourse", "source") and name != "source" for name in spec):
        text = yaml.safe_dump(HEAD | {"spec": spec})
    said = refused(text).splitlines()
    count = str(spec).count("claimname") + 1
    assert len(said) == count, said
    assert all("there is no such field; did you mean" in problem for problem in said)


@pytest.mark.parametrize(
    "spec",
    [
        {"retryToken": None, "maxAttempts": None, "output": None, "requirements": None},
        {"output": {"video": None, "renditions": None}},
        {"worker": {"labels": None, "scratch": None, "resources": {"limits": {"cpu": None}}}},
        {"source": URL | {"s3": None}},
    ],
    ids=str,
)
def test_a_null_is_no_value_as_for_the_api_server(spec: dict[str, Any]) -> None:
    found, plain = (canonical(text) for text in (manifest(**spec), manifest()))
    assert {key: part for key, part in found.items() if key != "worker"} == plain


def canonical(text: str) -> dict[str, Any]:
    return VideoImportSpec.model_validate(taken(text).raw["spec"]).canonical()


def test_a_whole_number_is_an_integer_as_for_kubectl() -> None:
    spec = taken(manifest(maxAttempts=3.0, metadata={"a": None, "b": 2.0, "c": 2.5})).raw["spec"]
    assert (spec["maxAttempts"], spec["metadata"]) == (3, {"b": 2, "c": 2.5})


def test_what_is_wrong_below_a_mistyped_field_is_said_too() -> None:
    said = refused(yaml.safe_dump(HEAD | {"spec": {"sourse": {"url": "ftp://example.com/a"}}})).splitlines()
    assert len(said) == 2
    assert said[1].startswith("spec.source.url: it must begin with http")


def test_a_mistyped_field_beside_the_right_one_takes_nothing_from_it() -> None:
    assert refused(manifest(sourse={"url": "ftp://x"})).splitlines() == [
        "spec.sourse: there is no such field; did you mean source?"
    ]


def test_all_that_is_wrong_is_said_at_once_and_each_thing_once() -> None:
    told = refused(manifest(sourse=1, maxAttempts=0, metadata={"a": []})).splitlines()
    assert [line.split()[0].rstrip(":") for line in told] == ["spec.sourse", "spec.metadata.a", "spec.maxAttempts"]


@pytest.mark.parametrize("name", [None, "", "Clip", "a/b", "-a", "a" * 53, 7])
def test_a_name_that_no_cluster_takes_is_refused(name: Any) -> None:
    assert "metadata.name" in refused(yaml.safe_dump(HEAD | {"metadata": {"name": name}, "spec": {"source": URL}}))


@pytest.mark.parametrize("spec", [None, "text", []])
def test_a_spec_must_be_there(spec: Any) -> None:
    assert "it must be an object with a source" in refused(yaml.safe_dump(HEAD | {"spec": spec}))


@pytest.mark.parametrize("url", ["ftp://user:hunter2@example.com/a.mp4", "https:// /?token=hunter2"])
def test_a_refused_address_is_shown_without_its_secrets(url: str) -> None:
    assert "hunter2" not in refused(manifest(source={"url": url}))


BROKEN = [found for found in violations("VideoImport", schema_of(video_definition())) if found.is_rule]


@every_case("broken", [pytest.param(one, id=f"{one.field}-{number}") for number, one in enumerate(BROKEN)])
def test_a_rule_has_the_same_message_here_and_at_the_api_server(broken: Violation) -> None:
    """The controller tests send the same manifests to a real one, and get the messages that stand in ``broken``."""
    told = refused(json.dumps(broken.manifest)).replace("\n", " ")
    place = (part for part in broken.path if not isinstance(part, ManifestKey))  # a key of metadata is in the message
    field = ".".join(map(str, place)).replace(".0", "[0]")
    message = broken.message.removeprefix("Invalid value: ").removeprefix(f"{shown(broken.value)}: ")
    assert field in told
    if broken.has_field:
        assert message in told
