"""An object gets the defaults and the refusals of an API server.

``tests/controller/test_embedded_admission.py`` compares the same objects with a real API server.
"""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.every_case import every_case
from videoimport.api.bulkimport import BulkImport
from videoimport.api.videoimport import VideoImport
from videoimport.cli.manifests.admission import OurKind, apply_defaults, get_schema, prune, validate
from videoimport.crdgen.invalid_manifests import Violation, shown, violations

KINDS: tuple[OurKind, ...] = ("VideoImport", "BulkImport")
MODELS: dict[OurKind, type[VideoImport | BulkImport]] = {"VideoImport": VideoImport, "BulkImport": BulkImport}
FOLDER = Path(__file__).parents[4] / "examples"
EXAMPLES = [
    pytest.param(document, id=f"{path.stem}-{document['metadata']['name']}")
    for path in sorted(FOLDER.glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text())
    if document and document["kind"] in KINDS
]
VIOLATIONS = [found for kind in KINDS for found in violations(kind, get_schema(kind))]
URL = {"url": "https://media.example.com/a.mp4"}
S3 = {"s3": {"bucket": "videos"}}
RUNNING = {"phase": "Downloading"}


def a_video(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "clip"}, "spec": {"source": URL, "destination": S3} | spec}


def stored(**spec: Any) -> dict[str, Any]:
    return apply_defaults("VideoImport", a_video(**spec))


def refusals(kind: OurKind, raw: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    return validate(kind, apply_defaults(kind, raw), old)


@every_case("document", EXAMPLES)
def test_an_example_gets_the_defaults_of_its_model(document: dict[str, Any]) -> None:
    kind: OurKind = document["kind"]
    found = apply_defaults(kind, document)
    given = {"uid": "", "namespace": "default"}
    model = MODELS[kind].model_validate_json(json.dumps(document | {"metadata": document["metadata"] | given}))
    assert without_empty_lists(found["spec"]) == without_empty_lists(model.spec.wire())
    assert validate(kind, found) == []


def without_empty_lists(value: Any) -> Any:
    """An absent list means an empty list, which only the models write."""
    if isinstance(value, dict):
        return {name: without_empty_lists(child) for name, child in value.items() if child != []}
    return [without_empty_lists(child) for child in value] if isinstance(value, list) else value


@every_case("found", VIOLATIONS)
def test_a_field_is_refused_in_the_words_of_the_api_server(found: Violation) -> None:
    message = message_of(found)
    told = refusals(found.kind, found.manifest)  # type: ignore[arg-type]
    assert (f"{found.field}: {message}" if found.has_field else message) in told, (found.value, told)


def message_of(found: Violation) -> str:
    """The message as ``validate`` gives it: a rule's message has no value, because the value may be an address."""
    message = found.message
    if found.is_rule:
        message = message.replace(f"Invalid value: {shown(found.value)}: ", "Invalid value: ", 1)
    return message


@pytest.mark.parametrize(
    ("spec", "part"),
    [
        ({}, {"output": {"mode": "Auto"}, "worker": {"scratch": {"size": "10Gi"}}, "maxAttempts": 5}),
        ({"maxAttempts": None, "output": None}, {"maxAttempts": 5, "output": {"mode": "Auto"}}),
        ({"maxAttempts": 3.0}, {"maxAttempts": 3}),
        ({"requirements": {}}, {"requirements": {"minHeight": 360, "damage": "Refuse"}}),
        ({"output": {"audioFile": {}}}, {"output": {"audioFile": {"format": "m4a"}}}),
        ({"worker": {"tolerations": [{"key": "a"}]}}, {"worker": {"tolerations": [{"key": "a", "operator": "Equal"}]}}),
    ],
    ids=str,
)  # fmt: skip
def test_defaults_are_set_where_the_api_server_sets_them(spec: dict[str, Any], part: dict[str, Any]) -> None:
    assert contains(stored(**spec)["spec"], part)


def contains(whole: Any, part: Any) -> bool:
    if isinstance(part, dict):
        return all(name in whole and contains(whole[name], child) for name, child in part.items())
    return bool(whole == part)


@pytest.mark.parametrize(
    ("spec", "part"),
    [
        ({"worker": {"labels": {"a": None, "b": "c"}}}, {"labels": {"b": "c"}}),
        ({"worker": {"affinity": {"nodeAffinity": {"any": None}}}}, {"affinity": {"nodeAffinity": {"any": None}}}),
        ({"worker": {"tolerations": [None]}}, {"tolerations": [None]}),
    ],
    ids=str,
)
def test_null_is_absence_only_where_the_schema_knows_the_field(spec: dict[str, Any], part: dict[str, Any]) -> None:
    worker = stored(**spec)["spec"]["worker"]
    assert {name: worker[name] for name in part} == part


def test_an_object_that_is_absent_gets_no_defaults() -> None:
    assert "requirements" not in stored()["spec"]
    assert "audioFile" not in stored()["spec"]["output"]


def test_defaults_change_neither_the_given_object_nor_the_schema() -> None:
    raw = a_video(requirements={})
    before = copy.deepcopy(raw)
    apply_defaults("VideoImport", raw)["spec"]["requirements"]["formats"].append("avi")
    assert raw == before
    assert "avi" not in apply_defaults("VideoImport", raw)["spec"]["requirements"]["formats"]


@pytest.mark.parametrize("spec", [None, "text", []])
def test_a_spec_of_another_type_is_refused(spec: Any) -> None:
    (problem,) = refusals("VideoImport", a_video() | {"spec": spec})
    assert problem.startswith('spec: Invalid value: "')


def test_a_missing_spec_is_refused() -> None:
    assert refusals("VideoImport", {"metadata": {"name": "clip"}}) == ["spec: Required value"]


def test_unknown_fields_are_pruned_where_the_schema_is_closed() -> None:
    affinity = {"nodeAffinity": {"anything": {"deep": 1}}}
    raw = a_video(sourse=URL, metadata={"own": 1}, worker={"affinity": affinity, "labels": {"a": "b"}, "cpu": 2})
    raw |= {"kind": "VideoImport", "other": 1}
    found = prune("VideoImport", raw)
    assert found["spec"]["worker"] == {"affinity": affinity, "labels": {"a": "b"}}
    assert found["spec"]["metadata"] == {"own": 1}
    assert "sourse" not in found["spec"]
    assert "other" not in found
    assert (found["kind"], found["metadata"]) == (raw["kind"], raw["metadata"])


def test_everything_that_is_wrong_is_said_at_once() -> None:
    raw = a_video(maxAttempts=0, source={"url": "ftp://example.com/a"}, metadata={"size": 1, "b": []})
    fields = [problem.split(":")[0].split(" ")[0] for problem in refusals("VideoImport", raw)]
    assert fields == ["spec.maxAttempts", "spec.source.url", "spec.metadata.size", "spec.metadata.b"]


def test_rules_are_checked_beside_a_field_of_the_wrong_type() -> None:
    problems = refusals("VideoImport", a_video(output=[], source=URL | S3))
    assert any(problem.startswith("spec.output: Invalid value") for problem in problems)
    assert any("give exactly one of url, s3" in problem for problem in problems)


@every_case("field", ["source", "destination", "output"])
@every_case(
    ("status", "is_allowed"),
    [
        (None, True),
        ({}, True),
        (RUNNING, False),
        ({"phase": "Completed"}, False),
        ({"phase": "Failed"}, True),
        ({"phase": "Pending", "reason": "Unschedulable"}, True),
        ({"phase": "Pending", "attempts": {"nextRetryTime": "2026-05-01T00:00:00Z"}}, True),
    ],
)
def test_a_field_changes_only_while_no_worker_uses_the_import(field: str, status: Any, is_allowed: bool) -> None:
    values = {
        "source": {"url": "https://media.example.com/b.mp4"},
        "destination": {"s3": {"bucket": "others"}},
        "output": {"mode": "Original"},
    }
    old = stored() | ({} if status is None else {"status": status})
    new = stored(**{field: values[field]}) | ({} if status is None else {"status": status})
    message = f"spec.{field} is immutable while the import runs and once Completed; make another VideoImport."
    assert validate("VideoImport", new, old) == ([] if is_allowed else [message])


def test_other_fields_change_at_any_time() -> None:
    old = stored() | {"status": RUNNING}
    assert validate("VideoImport", stored(suspend=True, maxAttempts=9) | {"status": RUNNING}, old) == []


def test_an_unchanged_part_that_a_new_rule_refuses_is_accepted() -> None:
    low = {"minHeight": 2160, "maxHeight": 1080}
    old = stored(requirements=low, metadata={"size": 1}, maxAttempts=99)
    assert refusals("VideoImport", a_video(requirements=low, metadata={"size": 1}, maxAttempts=99), old) == []
    changed = a_video(requirements=low, metadata={"size": 1}, maxAttempts=99, suspend=True)
    (problem,) = refusals("VideoImport", changed, old)
    assert problem.startswith("spec.metadata.size is set by the importer")
    assert len(refusals("VideoImport", a_video(requirements=low | {"minHeight": 1440}), old)) == 1


@pytest.mark.parametrize(
    "spec",
    [
        {"source": {"url": "ftp://user:hunter2@example.com/?token=hunter2"}},
        {"source": {"url": "hunter2:x@"}},
        {"destination": {"s3": {"bucket": "videos", "endpoint": "https://user:hunter2@example.com"}}},
        {"output": {"mode": "https://user:hunter2@example.com"}},
    ],
    ids=str,
)
def test_a_refusal_shows_no_secret(spec: dict[str, Any]) -> None:
    problems = refusals("VideoImport", a_video(**spec))
    assert problems
    assert "hunter2" not in " ".join(problems)
