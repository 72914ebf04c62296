"""What the real API server makes of our resources: it explains them, takes good ones, and names what is wrong."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.controller.api_server import ApiServer, Raw, Refused
from support.controller.manifests import bulk, video

ROOT = Path(__file__).resolve().parent.parent.parent
URL = "https://example.com/a.mp4"
S3 = {"bucket": "videos"}
PVC = "persistentVolumeClaim"


@pytest.fixture(scope="session")
def kubectl() -> str:
    found = subprocess.run(
        [sys.executable, "hack/cluster", "tool", "kubectl"], cwd=ROOT, capture_output=True, text=True
    )
    assert found.returncode == 0, f"kubectl could not be built: {found.stderr}"
    return found.stdout.strip()


def a_video(**spec: Any) -> Raw:
    return video("default", **spec)


def a_bulk(urls: list[str], **spec: Any) -> Raw:
    return bulk("default", urls, **spec)


def named(manifest: Raw, name: str) -> Raw:
    return manifest | {"metadata": manifest["metadata"] | {"name": name}}


def to(**destination: Any) -> Raw:
    return a_video(destination={"s3": S3} | destination)


REFUSED = {
    "no-source": ({"spec": {"destination": {"s3": S3}}}, "spec.source"),
    "empty-source": (a_video(source={}), "spec.source"),
    "two-sources": (a_video(source={"url": URL, "s3": S3 | {"key": "a"}}), "spec.source"),
    "checksum-alone": (a_video(source={"checksum": "sha256:" + "0" * 64}), "spec.source"),
    "bad-checksum": (a_video(source={"url": URL, "checksum": "md5:abc"}), "spec.source.checksum"),
    "header-origin-with-a-path": (
        a_video(source={"url": URL, "headerOrigins": ["https://e.com/list"]}),
        "must be an origin: scheme, host and port",
    ),
    "header-origin-without-a-scheme": (
        a_video(source={"url": URL, "headerOrigins": ["list.e.com"]}),
        "spec.source.headerOrigins[0]",
    ),
    "object-without-a-key": (a_video(source={"s3": S3}), "spec.source.s3.key"),
    "volume-without-a-path": (a_video(source={PVC: {"claimName": "a"}}), f"spec.source.{PVC}.path"),
    "way-up-in-a-volume": (a_video(source={PVC: {"claimName": "a", "path": "a/../b"}}), f"spec.source.{PVC}.path"),
    "absolute-path": (a_video(source={PVC: {"claimName": "a", "path": "/etc/passwd"}}), f"spec.source.{PVC}.path"),
    "bad-claim": (a_video(source={PVC: {"claimName": "A b", "path": "a"}}), f"spec.source.{PVC}.claimName"),
    "empty-destination": (a_video(destination={"folder": "a"}), "spec.destination"),
    "two-destinations": (to(persistentVolumeClaim={"claimName": "a"}), "spec.destination"),
    "many-tags": (
        a_video(destination={"s3": S3 | {"tags": {str(n): "" for n in range(11)}}}),
        "spec.destination.s3.tags",
    ),
    "bad-encryption": (
        a_video(destination={"s3": S3 | {"serverSideEncryption": "rot13"}}),
        "spec.destination.s3.serverSideEncryption",
    ),
    "no-destination": ({"spec": {"source": {"url": URL}}}, "spec.destination"),
    "no-bucket": (a_video(destination={"s3": {}}), "spec.destination.s3.bucket"),
    "not-a-url": (a_video(source={"url": "example.com/a.mp4"}), "spec.source.url"),
    "file-url": (a_video(source={"url": "file:///etc/passwd"}), "spec.source.url"),
    "long-url": (a_video(source={"url": "https://" + "a" * 2048}), "spec.source.url"),
    "bad-bucket": (a_video(destination={"s3": {"bucket": "Not_A_Bucket"}}), "spec.destination.s3.bucket"),
    "way-up-in-prefix": (a_video(destination={"s3": S3 | {"prefix": "a/../b"}}), "spec.destination.s3.prefix"),
    "way-up-in-folder": (to(folder="../a"), "spec.destination.folder"),
    "slash-in-name": (to(name="a/b"), "spec.destination.name"),
    "bad-if-exists": (to(ifExists="Perhaps"), "spec.destination.ifExists"),
    "bad-mode": (a_video(output={"mode": "Magic"}), "spec.output.mode"),
    "bad-codec": (a_video(output={"video": {"codec": "theora"}}), "spec.output.video.codec"),
    "bad-crf": (a_video(output={"video": {"crf": 52}}), "spec.output.video.crf"),
    "crf-beyond-all": (a_video(output={"video": {"codec": "av1", "crf": 64}}), "spec.output.video.crf"),
    "same-rendition-twice": (
        a_video(output={"renditions": [{"name": "a", "height": 360}, {"name": "a", "height": 480}]}),
        "spec.output.renditions[1]",
    ),
    "bad-rendition": (
        a_video(output={"renditions": [{"name": "a/b", "height": 360}]}),
        "spec.output.renditions[0].name",
    ),
    "original-with-renditions": (
        a_video(output={"mode": "Original", "renditions": [{"name": "a", "height": 360}]}),
        "spec.output",
    ),
    "bad-rendition-crf": (
        a_video(output={"renditions": [{"name": "a", "height": 360, "crf": 52}]}),
        "spec.output.renditions",
    ),
    "original-with-audio": (a_video(output={"mode": "Original", "audioFile": {}}), "spec.output"),
    "bad-audio-file": (a_video(output={"audioFile": {"format": "flac"}}), "spec.output.audioFile.format"),
    "many-thumbnails": (a_video(output={"thumbnails": {"count": 21}}), "spec.output.thumbnails.count"),
    "metadata-object": (a_video(metadata={"tags": {"a": 1}}), "spec.metadata.tags"),
    "metadata-list": (a_video(metadata={"tags": ["a"]}), "spec.metadata.tags"),
    "long-metadata": (a_video(metadata={"note": "a" * 257}), "spec.metadata.note"),
    "predefined-metadata": (a_video(metadata={"duration": 5}), "spec.metadata"),
    "much-metadata": (a_video(metadata={f"key{number}": 1 for number in range(51)}), "spec.metadata"),
    "bad-preset": (a_video(output={"video": {"preset": "warp"}}), "spec.output.video.preset"),
    "bad-format": (a_video(requirements={"formats": ["exe"]}), "spec.requirements.formats"),
    "bad-max-size": (a_video(requirements={"maxSize": "large"}), "spec.requirements.maxSize"),
    "bad-min-height": (a_video(requirements={"minHeight": 0}), "spec.requirements.minHeight"),
    "no-attempts": (a_video(maxAttempts=0), "spec.maxAttempts"),
    "many-attempts": (a_video(maxAttempts=21), "spec.maxAttempts"),
    "no-time": (a_video(timeoutSeconds=1), "spec.timeoutSeconds"),
    "bad-scratch": (a_video(worker={"scratch": {"size": "10 gigabytes"}}), "spec.worker.scratch.size"),
    "bad-class": (
        a_video(worker={"scratch": {"storageClassName": "Fast SSD"}}),
        "spec.worker.scratch.storageClassName",
    ),
    "bad-toleration": (a_video(worker={"tolerations": [{"operator": "Maybe"}]}), "spec.worker.tolerations[0].operator"),
    "bad-proxy": (a_video(worker={"proxy": "proxy:3128"}), "spec.worker.proxy"),
    "our-label": (a_video(worker={"labels": {"videoimport.io/run": "9"}}), "spec.worker.labels"),
    "our-annotation": (a_video(worker={"annotations": {"videoimport.io/task": "{}"}}), "spec.worker.annotations"),
    "unknown-field": (a_video(sourse={"url": URL}), "spec.sourse"),
    "long-name": (named(a_video(), "a" * 53), "metadata.name"),
    "bulk-without-items": (a_bulk([]), "spec.source.items"),
    "bulk-of-too-many": (a_bulk([f"https://example.com/{i}" for i in range(1001)]), "spec.source.items"),
    "bulk-with-a-bad-item": (a_bulk([URL, "ftp://example.com/a.mp4"]), "spec.source.items[1].url"),
    "bulk-with-no-window": (a_bulk([URL], parallelism=0), "spec.parallelism"),
    "bulk-with-a-wide-window": (a_bulk([URL], parallelism=101), "spec.parallelism"),
    "bulk-with-a-long-name": (named(a_bulk([URL]), "a" * 41), "metadata.name"),
    "bulk-template": ({"kind": "BulkImport", "spec": {"source": {"items": [{"url": URL}]}}}, "spec.template"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_manifest_is_refused_and_the_field_is_named(api: ApiServer, case: str) -> None:
    partial, field = REFUSED[case]
    manifest = {**a_video(), **partial}
    with pytest.raises(Refused) as refused:
        api.create(manifest, params={"dryRun": "All", "fieldValidation": "Strict"})
    assert refused.value.status in (400, 422)
    assert field in refused.value.message


TAKEN = {
    "volume-to-the-same-volume": a_video(
        source={PVC: {"claimName": "a", "path": "in.mov"}}, destination={PVC: {"claimName": "a", "path": "out"}}
    ),
    "object": a_video(source={"s3": S3 | {"key": "ä/ö.mov", "versionID": "1"}, "checksum": "sha256:" + "0" * 64}),
    "header-origins": a_video(source={"url": URL, "headerOrigins": ["https://l", "http://list.e.com:8080"]}),
    "no-header-origins": a_video(source={"url": URL, "headerOrigins": []}),
    "scalars": a_video(metadata={"campaign": "spring", "year": 2026, "score": 0.5, "public": True}),
    "av1": a_video(output={"video": {"codec": "av1", "crf": 63}}),
    "crf-alone": a_video(output={"video": {"crf": 51}}),
    "no-renditions": a_video(output={"mode": "Original", "renditions": []}),
    "renditions-of-av1": a_video(
        output={"video": {"codec": "av1"}, "renditions": [{"name": "a", "height": 360, "crf": 60}]}
    ),
    "original": a_video(output={"mode": "Original", "thumbnails": {}}),
    "renditions": a_video(output={"renditions": [{"name": "360p", "height": 360}, {"name": "480p", "height": 480}]}),
    "bulk-with-metadata": a_bulk([URL], template={"destination": {"s3": S3}, "metadata": {"year": 2026}}),
}


@pytest.mark.parametrize("case", TAKEN)
def test_a_good_manifest_is_accepted(api: ApiServer, case: str) -> None:
    api.create(TAKEN[case], params={"dryRun": "All", "fieldValidation": "Strict"})


@pytest.mark.parametrize("file", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda file: file.name)
def test_an_example_is_accepted(api: ApiServer, file: Path) -> None:
    manifests = [manifest for manifest in yaml.safe_load_all(file.read_text()) if manifest]
    assert manifests
    for manifest in manifests:
        manifest["metadata"].setdefault("namespace", "default")
        api.create(manifest, params={"dryRun": "All", "fieldValidation": "Strict"})


def test_a_short_manifest_gets_its_defaults(api: ApiServer) -> None:
    spec = api.create(a_video(), params={"dryRun": "All"})["spec"]
    assert (spec["maxAttempts"], spec["timeoutSeconds"], spec["cancel"]) == (5, 21600, False)
    assert spec["output"]["video"] == {
        "codec": "h264", "crf": 23, "preset": "veryfast", "maxHeight": 1080, "maxBitrateKbps": 12000
    }  # fmt: skip
    assert "requirements" not in spec


def test_written_requirements_get_their_defaults(api: ApiServer) -> None:
    spec = api.create(a_video(requirements={}), params={"dryRun": "All"})["spec"]
    assert spec["requirements"] == {
        "minHeight": 360, "maxHeight": 1080, "maxDurationSeconds": 21600, "formats": ["mp4", "mkv", "mov", "webm"],
        "damage": "Refuse",
    }  # fmt: skip


def test_a_bulk_of_a_thousand_long_items_is_accepted(api: ApiServer) -> None:
    urls = [f"https://example.com/{'a' * 1000}/{number}" for number in range(1000)]
    assert len(api.create(a_bulk(urls), params={"dryRun": "All"})["spec"]["source"]["items"]) == 1000


@pytest.mark.parametrize("resource", ["videoimport", "bulkimport"])
def test_explain_has_a_word_for_every_field(api: ApiServer, kubectl: str, resource: str) -> None:
    for path in [".".join([resource, *steps]) for steps in objects(definition(f"{resource}s"))]:
        command = [kubectl, "--kubeconfig", str(api.kubeconfig), "explain", path]
        explained = subprocess.run(command, capture_output=True, text=True)
        assert explained.returncode == 0, explained.stderr
        assert "<no description>" not in explained.stdout, path
        assert "<empty>" not in explained.stdout, path


def definition(plural: str) -> Raw:
    """The schema that is generated."""
    crd = yaml.safe_load((ROOT / f"crds/{plural}.yaml").read_text())
    schema: Raw = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def objects(schema: Raw, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of everything that has fields."""
    inner = schema.get("items", schema)
    if "properties" in inner:
        yield path
        for name, part in inner["properties"].items():
            yield from objects(part, (*path, name))
