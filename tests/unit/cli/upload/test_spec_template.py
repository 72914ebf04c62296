"""Templates: a VideoImport without a source."""

from pathlib import Path
from typing import cast

import pytest
import yaml

from videoimport.cli.errors import UnusableError
from videoimport.cli.kube_client import Kube
from videoimport.cli.upload.local_file import LocalFile
from videoimport.cli.upload.spec_template import CONFIG_MAP, KEY, parse_template, read_template
from videoimport.cli.upload.upload_manifest import UploadOptions, build_upload_manifest

EXAMPLE = Path(__file__).resolve().parents[4] / "examples/upload-defaults.yaml"

HEAD = "apiVersion: videoimport.io/v1alpha1\nkind: VideoImport\n"


def test_template_gives_spec_labels_and_annotations() -> None:
    text = f"{HEAD}metadata: {{name: x, namespace: y, labels: {{team: a}}}}\nspec: {{incremental: false}}\n"
    found = parse_template(text, "t.yaml")
    assert (found.spec, found.metadata) == ({"incremental": False}, {"labels": {"team": "a"}})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "one document"),
        (f"{HEAD}spec: {{}}\n---\n{HEAD}spec: {{}}\n", "one document"),
        ("apiVersion: videoimport.io/v1alpha1\nkind: BulkImport\nspec: {}\n", "kind: VideoImport"),
        (HEAD, "spec is missing"),
        (f"{HEAD}spec: []\n", "spec is missing"),
        (f"{HEAD}metadata: x\nspec: {{}}\n", "metadata is no object"),
        (f"{HEAD}spec: {{source: {{url: x}}}}\n", "spec.source is set"),
        ("a: [", "not YAML"),
    ],
)
def test_mistake_is_named_with_the_file(text: str, told: str) -> None:
    with pytest.raises(UnusableError, match=r"t\.yaml") as refused:
        parse_template(text, "t.yaml")
    assert told in str(refused.value)


def test_example_is_a_template_that_makes_an_import() -> None:
    found = yaml.safe_load(EXAMPLE.read_text())
    assert found["metadata"]["name"] == CONFIG_MAP
    template = parse_template(found["data"][KEY], EXAMPLE.name)
    built = build_upload_manifest(template, LocalFile(Path("talk.mp4"), 1, 1, 0, 0), UploadOptions())
    assert built["spec"]["destination"]["folder"] == "uploads"


def test_a_file_that_cannot_be_read_is_told_as_every_manifest(tmp_path: Path) -> None:
    image = tmp_path / "image.yaml"
    image.write_bytes(b"\x89PNG")
    offline = cast("Kube", None)  # a file needs no cluster
    with pytest.raises(UnusableError, match=f"{image} is not UTF-8 text; give a manifest in YAML or JSON"):
        read_template(offline, image, None)
    with pytest.raises(UnusableError, match=r"none\.yaml cannot be read: No such file or directory; correct"):
        read_template(offline, tmp_path / "none.yaml", None)
