"""Every example is a manifest that the API server would take."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.every_case import every_case
from videoimport.cli.manifests.object_problems import examine

FOLDER = Path(__file__).resolve().parents[3] / "examples"
OURS = ("VideoImport", "BulkImport")
DOCUMENTS = [
    pytest.param(document, id=f"{path.stem}-{document['kind']}-{document['metadata']['name']}")
    for path in sorted(FOLDER.glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text())
    if document
]


def test_there_are_examples_and_nothing_but_manifests_and_their_index() -> None:
    assert DOCUMENTS
    assert [path.name for path in FOLDER.iterdir() if path.suffix != ".yaml"] == ["README.md"]


def test_the_index_and_the_pages_of_the_docs_name_every_example_and_no_other() -> None:
    files = {path.name for path in FOLDER.glob("*.yaml")}
    index = re.findall(r"\]\(([^/)]+\.yaml)\)", (FOLDER / "README.md").read_text())
    assert sorted(index) == sorted(files)
    pages = "".join((FOLDER.parent / "docs" / page).read_text() for page in ("videoimports.md", "bulkimports.md"))
    assert set(re.findall(r"\]\(\.\./examples/([^)]+\.yaml)\)", pages)) == files


@every_case("document", DOCUMENTS)
def test_an_example_is_one_of_our_resources_or_what_they_need(document: dict[str, Any]) -> None:
    assert document["kind"] in (*OURS, "Secret", "ConfigMap", "PersistentVolumeClaim")


@every_case("document", [p for p in DOCUMENTS if p.values[0]["kind"] in OURS])
def test_an_import_is_taken_as_it_stands(document: dict[str, Any]) -> None:
    found = examine(document["kind"], document)
    assert found.problems == ()
    assert not found.homeless
