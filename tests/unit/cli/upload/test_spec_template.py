"""Templates: a VideoImport without a source."""

import pytest

from videoimport.cli.errors import UnusableError
from videoimport.cli.upload.spec_template import parse_template

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
