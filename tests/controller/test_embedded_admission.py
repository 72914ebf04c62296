"""The embedded mode does with an object what a real API server does: the same defaults, pruning and refusals."""

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from support.controller.api_server import ApiServer, Raw, Refused
from support.controller.manifests import bulk, video
from videoimport.cli.manifests.admission import OurKind, apply_defaults, get_schema, prune, validate
from videoimport.crdgen.invalid_manifests import Violation, violations

ROOT = Path(__file__).resolve().parents[2]
KINDS: tuple[OurKind, ...] = get_args(OurKind)
STRICT = {"dryRun": "All", "fieldValidation": "Strict"}
IGNORE = {"dryRun": "All", "fieldValidation": "Ignore"}
EXAMPLES = [
    pytest.param(document, id=f"{path.stem}-{document['metadata']['name']}")
    for path in sorted((ROOT / "examples").glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text())
    if document and document["kind"] in KINDS
]
VIOLATIONS = [found for kind in KINDS for found in violations(kind, get_schema(kind))]
FIELDS = list(dict.fromkeys((found.kind, found.field) for found in VIOLATIONS))
_UNCHECKED = "some validation rules were not checked"
_DENIED = "denied request: "
_SHOWN_VALUE = re.compile(r'Invalid value: (?:"(?:[^"\\]|\\.)*"|\[.*?\]|\{.*?\}|-?[0-9.]+|true|false|object|array): ')


def in_default(document: Raw) -> Raw:
    return document | {"metadata": {"namespace": "default"} | document["metadata"]}


def embedded(document: Raw) -> Raw:
    """The object as the embedded mode stores it."""
    return apply_defaults(document["kind"], prune(document["kind"], document))


@pytest.mark.parametrize("document", EXAMPLES)
def test_an_example_is_stored_alike(api: ApiServer, document: Raw) -> None:
    assert embedded(document)["spec"] == api.create(in_default(document), params=STRICT)["spec"]
    assert validate(document["kind"], embedded(document)) == []


GOOD: dict[str, Raw] = {
    "short": video("default"),
    "null-with-a-default": video("default", maxAttempts=None, output=None, worker={"scratch": None}),
    "null-without-a-default": video("default", requirements=None, worker={"labels": None, "affinity": None}),
    "null-in-a-map": video("default", worker={"labels": {"a": None}, "resources": {"limits": {"cpu": None}}}),
    "null-in-metadata": video("default", metadata={"a": None, "b": 1}),
    "null-in-a-default": video("default", output={"video": {"crf": None}, "thumbnails": {"count": None}}),
    "empty-objects": video("default", requirements={}, output={"audioFile": {}, "thumbnails": {}}, worker={}),
    "empty-lists": video("default", output={"renditions": []}, worker={"tolerations": []}),
    "defaults-in-a-list": video("default", worker={"tolerations": [{"key": "a"}, {"operator": "Exists"}]}),
    "whole-number": video("default", maxAttempts=3.0, metadata={"whole": 2.0, "half": 2.5}),
    "int-or-string": video("default", worker={"scratch": {"size": 1048576}, "resources": {"limits": {"cpu": 2}}}),
    "affinity": video("default", worker={"affinity": {"nodeAffinity": {"any": [{"deep": None}, {}]}}}),
    "unknown-fields": video("default", sourse={"url": "a"}, worker={"cpu": 1, "scratch": {"sise": "1Gi"}}),
    "unknown-fields-in-a-list": bulk("default", [], source={"items": [{"url": "https://example.com/a", "b": 1}]}),
    "webhook": bulk(
        "default", ["https://example.com/a"], webhook={"url": "https://example.com/", "secretRef": {"name": "a"}}
    ),
    "bucket": bulk("default", [], source={"s3": {"bucket": "videos"}}),
    "playlist": bulk("default", [], source={"playlist": {"url": "https://example.com/list"}}),
}


@pytest.mark.parametrize("case", GOOD)
def test_a_good_object_is_stored_alike(api: ApiServer, case: str) -> None:
    document = GOOD[case]
    assert embedded(document)["spec"] == api.create(document, params=IGNORE)["spec"]
    assert validate(document["kind"], embedded(document)) == []


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_a_field_is_refused_for_the_same_reasons(api: ApiServer, kind: str, field: str) -> None:
    for found in VIOLATIONS:
        if (found.kind, found.field) == (kind, field):
            told = set(validate(found.kind, embedded(found.manifest)))  # type: ignore[arg-type]
            assert set(reasons(api, found)) <= told, (found.value, told)


def reasons(api: ApiServer, found: Violation) -> Iterator[str]:
    """The API server's reasons without the values, which the embedded mode does not repeat."""
    with api.session() as session:
        path = api.server + api.path(found.kind, "default")
        answer = session.post(path, json=found.manifest, params=IGNORE, timeout=30)
    assert answer.status_code == 422, (found.field, found.value, answer.text[:300])
    status: Raw = answer.json()
    causes = (status.get("details") or {}).get("causes") or [{"message": status["message"].partition(": ")[2]}]
    for cause in causes:
        if _UNCHECKED not in cause["message"]:
            yield without_value(cause["message"], cause.get("field", "").replace("<nil>", ""))


def without_value(message: str, field: str) -> str:
    """A reason as ``validate`` writes it. The name and the admission policy have no field of their own."""
    if field and f"{field} in body" in message:
        return f"{field}: {message}"
    said = _SHOWN_VALUE.sub("Invalid value: ", message)
    return f"{field}: {said}" if field else said.rpartition(_DENIED)[2].removeprefix("Invalid value: ")


BAD: dict[str, Raw] = {
    "no-source": video("default", source=None),
    "null-in-a-list": video("default", output={"renditions": [None]}),
    "text-for-an-object": video("default", output="Auto"),
    "number-for-text": video("default", retryToken=5),
    "list-for-a-quantity": video("default", worker={"scratch": {"size": ["1Gi"]}}),
    "fraction": video("default", maxAttempts=2.5),
    "object-in-metadata": video("default", metadata={"a": {"b": 1}}),
    "rules-of-a-change-need-a-change": video("default", source={}),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_object_is_refused_by_both(api: ApiServer, case: str) -> None:
    with pytest.raises(Refused):
        api.create(BAD[case], params=IGNORE)
    assert validate("VideoImport", embedded(BAD[case]))


CHANGES: dict[str, Any] = {
    "source": {"source": {"url": "https://example.com/two.mp4"}},
    "folder": {"destination": {"folder": "other"}},
    "output": {"output": {"mode": "Original"}},
    "suspend": {"suspend": True},
    "attempts": {"maxAttempts": 9},
    "bad": {"maxAttempts": 99},
}
STATUSES: dict[str, Raw] = {
    "new": {},
    "downloading": {"phase": "Downloading"},
    "completed": {"phase": "Completed"},
    "failed": {"phase": "Failed"},
    "unschedulable": {"phase": "Pending", "reason": "Unschedulable"},
}


@pytest.mark.parametrize("state", STATUSES)
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_refused_in_the_same_states(api: ApiServer, namespace: str, change: str, state: str) -> None:
    old = api.create(video(namespace))
    if STATUSES[state]:
        old = api.merge("VideoImport", namespace, "one", {"status": STATUSES[state]}, "status")
    new = copy.deepcopy(old)
    for field, value in CHANGES[change].items():
        new["spec"][field] = new["spec"][field] | value if isinstance(value, dict) else value
    told = validate("VideoImport", apply_defaults("VideoImport", new), old)
    stored, refusal = patched(api, namespace, {"spec": CHANGES[change]})
    assert bool(told) == bool(refusal)
    assert all(problem.rpartition(": ")[2] in refusal for problem in told)
    assert stored in (None, apply_defaults("VideoImport", new)["spec"])


def patched(api: ApiServer, namespace: str, patch: Raw) -> tuple[Raw | None, str]:
    """The spec after the patch, or the words of the refusal."""
    try:
        return api.merge("VideoImport", namespace, "one", patch)["spec"], ""
    except Refused as refused:
        return None, refused.message
