"""What a pod would mount, from folders and documents of this machine."""

from pathlib import Path
from typing import Any

import pytest

from videoimport.cli.embedded.local_volumes import (
    Choices,
    MountReference,
    MountSources,
    list_references,
    parse_folders,
)
from videoimport.cli.errors import UnusableError

Raw = dict[str, Any]
URL = {"url": "https://media.example.com/a.mp4"}


def find_missing(sources: MountSources, **spec: Any) -> list[str]:
    return [*sources.find_missing({"metadata": {"name": "clip", "namespace": "default"}, "spec": spec})]


def test_a_claim_is_the_folder_of_its_name_unless_it_is_given(tmp_path: Path) -> None:
    assert MountSources(Choices(tmp_path)).claim("archive") == tmp_path / "archive"
    assert MountSources(Choices(tmp_path, claims={"archive": Path("/mnt")})).claim("archive") == Path("/mnt")


def test_results_without_a_destination_are_beside_the_manifest_or_in_into(tmp_path: Path) -> None:
    assert MountSources(Choices(tmp_path)).claim("here") == tmp_path
    assert MountSources(Choices(tmp_path, into=Path("/results"))).claim("here") == Path("/results")


def test_references_of_both_kinds_are_found_wherever_they_are() -> None:
    spec = {
        "source": {"items": [URL], "credentialsSecretRef": {"name": "login"}},
        "webhook": {"url": "https://hooks.example.com", "secretRef": {"name": "hook"}},
        "template": {
            "destination": {"s3": {"bucket": "videos"}, "credentialsSecretRef": {"name": "keys"}},
            "worker": {"caBundleConfigMapRef": {"name": "ca"}},
        },
    }
    assert {(found.kind, found.field, found.name) for found in list_references(spec)} == {
        ("Secret", "spec.source.credentialsSecretRef", "login"),
        ("Secret", "spec.webhook.secretRef", "hook"),
        ("Secret", "spec.template.destination.credentialsSecretRef", "keys"),
        ("ConfigMap", "spec.template.worker.caBundleConfigMapRef", "ca"),
    }
    manifest = {"source": {"manifest": {"configMapKeyRef": {"name": "list", "key": "list.csv"}}}}
    field = "spec.source.manifest.configMapKeyRef"
    assert list_references(manifest) == (MountReference("ConfigMap", field, "list", "list.csv"),)


def test_only_the_claim_of_a_source_must_exist(tmp_path: Path) -> None:
    spec = {
        "source": {"persistentVolumeClaim": {"claimName": "tapes", "path": "a.mp4"}},
        "destination": {"persistentVolumeClaim": {"claimName": "archive"}},
    }
    assert [(found.name, found.is_read) for found in list_references(spec)] == [("tapes", True), ("archive", False)]
    assert len(find_missing(MountSources(Choices(tmp_path)), **spec)) == 1
    (tmp_path / "tapes").mkdir()
    assert find_missing(MountSources(Choices(tmp_path)), **spec) == []


def test_a_secret_beside_a_volume_need_not_be_given(tmp_path: Path) -> None:
    spec = {
        "source": {
            "persistentVolumeClaim": {"claimName": "tapes", "path": "a.mp4"},
            "credentialsSecretRef": {"name": "cookies"},
        },
        "destination": {"persistentVolumeClaim": {"claimName": "tapes"}, "credentialsSecretRef": {"name": "keys"}},
    }
    assert find_missing(MountSources(Choices(tmp_path, claims={"tapes": tmp_path})), **spec) == []


def test_a_folder_takes_precedence_over_a_document(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("of the folder")
    documents = {("media", "login"): {"password": b"of the document"}}

    assert MountSources(Choices(tmp_path), documents).secret("media", "login") == {"password": b"of the document"}
    assert MountSources(Choices(tmp_path), documents).secret("other", "login") == {}
    given = MountSources(Choices(tmp_path, secrets={"login": tmp_path}), documents)
    assert given.secret("media", "login") == {"password": b"of the folder"}


def test_all_that_only_a_cluster_has_is_named_at_once_with_its_option(tmp_path: Path) -> None:
    told = find_missing(
        MountSources(Choices(tmp_path, secrets={"kees": tmp_path})),
        source={"persistentVolumeClaim": {"claimName": "tapes", "path": "a.mp4"}},
        destination={"s3": {"bucket": "videos"}, "credentialsSecretRef": {"name": "keys"}},
        worker={"caBundleConfigMapRef": {"name": "ca"}},
    )
    assert [line.split("give ")[1].split(",")[0] for line in told] == [
        "--claim tapes=DIR",
        "--secret keys=DIR",
        "--config-map ca=DIR",
    ]
    assert "(given: kees)" in told[1]


def test_a_secret_in_another_namespace_does_not_count(tmp_path: Path) -> None:
    sources = MountSources(Choices(tmp_path), {("other", "keys"): {"a": b"b"}})
    destination = {"s3": {"bucket": "videos"}, "credentialsSecretRef": {"name": "keys"}}

    assert len(find_missing(sources, source=URL, destination=destination)) == 1


def test_pairs_are_names_and_folders(tmp_path: Path) -> None:
    assert parse_folders("--secret", [f"keys={tmp_path}"]) == {"keys": tmp_path}


@pytest.mark.parametrize("pair", ["keys", "=x", "keys=", "keys=/no/such/folder"])
def test_what_is_no_pair_is_refused_by_its_option(pair: str) -> None:
    with pytest.raises(UnusableError, match=r"^--secret "):
        parse_folders("--secret", [pair])


def test_a_name_is_given_once(tmp_path: Path) -> None:
    with pytest.raises(UnusableError, match="--claim a is given twice"):
        parse_folders("--claim", [f"a={tmp_path}", f"a={tmp_path}"])
