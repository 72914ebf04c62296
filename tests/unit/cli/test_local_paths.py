"""What a pod would have mounted, as folders of this machine."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from videoimport.cli.errors import UnusableError
from videoimport.cli.local_paths import Choices, Places, folders, networks, places, redirected
from videoimport.cli.manifests.manifest import read

URL = {"url": "https://media.example.com/a.mp4"}


def found(choices: Choices, **spec: Any) -> Places:
    document = {
        "apiVersion": "videoimport.io/v1alpha1",
        "kind": "VideoImport",
        "metadata": {"name": "clip"},
        "spec": {"source": URL} | spec,
    }
    manifest = read(yaml.safe_dump(document), "clip.yaml", datetime(2026, 5, 1, tzinfo=UTC))
    return places(redirected(manifest.video, choices.into), choices, homeless=manifest.homeless)


def missing(choices: Choices, **spec: Any) -> str:
    with pytest.raises(UnusableError) as problem:
        found(choices, **spec)
    return str(problem.value)


def test_without_a_destination_the_import_has_a_folder_beside_the_manifest(tmp_path: Path) -> None:
    """The volume is the manifest's folder: in it lies a folder with the import's name, as destination.name has it."""
    assert found(Choices(tmp_path)) == Places(destination_volume=tmp_path)


def test_a_claim_is_the_folder_of_its_name_unless_it_is_given(tmp_path: Path) -> None:
    wish = {"destination": {"persistentVolumeClaim": {"claimName": "archive"}}}
    assert found(Choices(tmp_path), **wish).destination_volume == tmp_path / "archive"
    assert found(Choices(tmp_path, claims={"archive": Path("/mnt")}), **wish).destination_volume == Path("/mnt")


def test_into_outdoes_every_destination(tmp_path: Path) -> None:
    choices = Choices(tmp_path, into=tmp_path / "here")
    bucket = {"s3": {"bucket": "videos", "prefix": "in"}, "credentialsSecretRef": {"name": "keys"}}
    for wish in ({}, {"destination": {"persistentVolumeClaim": {"claimName": "archive"}}}, {"destination": bucket}):
        assert found(choices, **wish) == Places(destination_volume=tmp_path / "here")


def test_a_bucket_that_is_redirected_keeps_its_layout() -> None:
    document = """{apiVersion: videoimport.io/v1alpha1, kind: VideoImport, metadata: {name: clip}, spec: {
        source: {url: "https://media.example.com/a.mp4"},
        destination: {s3: {bucket: videos, prefix: in}, folder: spring, name: "{title}", ifExists: Replace}}}"""
    video = redirected(read(document, "clip.yaml", datetime(2026, 5, 1, tzinfo=UTC)).video, Path("/results"))
    assert video.spec.destination.wire() == {
        "persistentVolumeClaim": {"claimName": "here", "path": "in"},
        "folder": "spring",
        "name": "{title}",
        "ifExists": "Replace",
    }


def test_secrets_and_certificates_are_the_folders_that_were_given(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("PEM")
    choices = Choices(tmp_path, secrets={"keys": Path("/k"), "cookies": Path("/c")}, config_maps={"ca": tmp_path})
    wish = {
        "source": URL | {"credentialsSecretRef": {"name": "cookies"}},
        "destination": {"s3": {"bucket": "videos"}, "credentialsSecretRef": {"name": "keys"}},
        "worker": {"caBundleConfigMapRef": {"name": "ca"}},
    }
    assert found(choices, **wish) == Places(Path("/c"), Path("/k"), ca_bundle=tmp_path / "ca.crt")


def test_a_secret_beside_a_volume_need_not_be_given(tmp_path: Path) -> None:
    wish = {
        "source": {
            "persistentVolumeClaim": {"claimName": "tapes", "path": "a.mp4"},
            "credentialsSecretRef": {"name": "cookies"},
        },
        "destination": {"persistentVolumeClaim": {"claimName": "tapes"}, "credentialsSecretRef": {"name": "keys"}},
    }
    places = found(Choices(tmp_path, claims={"tapes": tmp_path}), **wish)
    assert (places.source_secret, places.destination_secret) == (None, None)


def test_all_that_only_a_cluster_has_is_named_at_once_with_its_option(tmp_path: Path) -> None:
    told = missing(
        Choices(tmp_path, secrets={"kees": Path("/k")}),
        source={"persistentVolumeClaim": {"claimName": "tapes", "path": "a.mp4"}},
        destination={"s3": {"bucket": "videos"}, "credentialsSecretRef": {"name": "keys"}},
        worker={"caBundleConfigMapRef": {"name": "ca"}},
    ).splitlines()
    assert [line.split("give ")[1].split(",")[0] for line in told] == [
        "--secret keys=DIR",
        "--claim tapes=DIR",
        "--config-map ca=DIR",
    ]
    assert "(given: kees)" in told[0]


def test_pairs_are_names_and_folders(tmp_path: Path) -> None:
    assert folders("--secret", [f"keys={tmp_path}"]) == {"keys": tmp_path}


@pytest.mark.parametrize("pair", ["keys", "=x", "keys=", "keys=/no/such/folder"])
def test_what_is_no_pair_is_refused_by_its_option(pair: str) -> None:
    with pytest.raises(UnusableError, match=r"^--secret "):
        folders("--secret", [pair])


def test_a_name_is_given_once(tmp_path: Path) -> None:
    with pytest.raises(UnusableError, match="--claim a is given twice"):
        folders("--claim", [f"a={tmp_path}", f"a={tmp_path}"])


def test_networks_are_cidrs() -> None:
    assert networks(["10.0.0.0/8", "::1/128"]) == ("10.0.0.0/8", "::1/128")
    with pytest.raises(UnusableError, match=r"--allow-network example\.com is no network"):
        networks(["example.com"])
