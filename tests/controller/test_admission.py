"""What the API server refuses, in which words, and what becomes of an object that was stored before it did.

Its words stand in docs/validation.md, which is generated: here a real API server is asked for each of them.
"""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.controller.api_server import ApiServer, Raw, Refused, await_until, refuses
from support.controller.controller_process import Controller
from support.controller.manifests import bulk, video
from support.controller.namespace_state import finished
from videoimport.crdgen.definitions import bulk_definition, video_definition
from videoimport.crdgen.invalid_manifests import Violation, violations
from videoimport.crdgen.validation_page import schema_of

DEFINITIONS = {"VideoImport": video_definition(), "BulkImport": bulk_definition()}
VIOLATIONS = [found for kind, crd in DEFINITIONS.items() for found in violations(kind, schema_of(crd))]
FIELDS = list(dict.fromkeys((found.kind, found.field) for found in VIOLATIONS))
ROOT = Path(__file__).resolve().parents[2]
DRY = "?dryRun=All&fieldValidation=Strict"


def causes(api: ApiServer, found: Violation) -> tuple[set[tuple[str, str]], str]:
    """Field and message of each cause of the refusal, and the message of the whole."""
    with api.session() as session:
        answer = session.post(api.server + api.path(found.kind, "default") + DRY, json=found.manifest, timeout=30)
    assert answer.status_code == 422, (found.field, found.value, answer.text[:300])
    told: Raw = answer.json()
    each = (told.get("details") or {}).get("causes") or ()
    return {(cause.get("field", ""), cause["message"]) for cause in each}, told["message"]


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_a_field_is_refused_in_the_words_of_the_page(api: ApiServer, kind: str, field: str) -> None:
    for found in VIOLATIONS:
        if (found.kind, found.field) == (kind, field):
            each, whole = causes(api, found)
            assert (found.field, found.message) in each if found.has_field else found.message in whole


GRAMMAR = ("should match '", "must not validate", "must validate")


def test_no_refusal_speaks_in_regular_expressions(api: ApiServer) -> None:
    said = [causes(api, found)[1] for found in VIOLATIONS if found.is_rule and found.kind == "VideoImport"]
    assert [message for message in said if any(words in message for words in GRAMMAR)] == []


ACCEPTED = {
    "IPv6": {"source": {"url": "https://user:pa:ss@[2001:db8::1]:8443/a%zz/b c?x=@:99999#y"}},
    "capitals": {
        "source": {
            "url": "HTTPS://Ann:Word@Media.Example.COM:443/V.mp4",
            "headerOrigins": ["Https://Lists.Example.com"],
        },
        "destination": {"s3": {"bucket": "videos", "endpoint": "HTTP://Store.example.com:9000"}},
        "worker": {"proxy": "hTTp://Proxy.example.com:3128"},
    },
    "many scripts": {"destination": {"s3": {"bucket": "videos"}, "folder": "ä/日本", "name": "Ü {title} №1."}},
    "tags of many scripts": {"destination": {"s3": {"bucket": "videos", "tags": {"Ä": "日本", "\U0001d11e": "東京"}}}},
    "a long name in a bucket": {"destination": {"s3": {"bucket": "videos"}, "name": "日" * 128}},
    "equal heights": {"requirements": {"minHeight": 1080}},
    "whole resources": {
        "worker": {
            "resources": {"requests": {"cpu": 1}, "limits": {"cpu": "1000m", "a.b/gpu": 1, "hugepages-2Mi": "4Mi"}}
        }
    },
    "a long label": {"worker": {"labels": {f"{'a' * 60}.example.com/{'b' * 63}": "c" * 63, "empty": ""}}},
    "every taint": {"worker": {"tolerations": [{"operator": "Exists"}]}},
    "metadata of every kind": {"metadata": {"a": 1, "b": 1.5, "c": True, "d": "x" * 256, "e" * 64: -1}},
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_a_worker_can_do_is_not_refused(api: ApiServer, case: str) -> None:
    spec: dict[str, Any] = ACCEPTED[case]
    api.create(video("default", **spec), params={"dryRun": "All", "fieldValidation": "Strict"})


def test_a_thousand_items_with_fifty_names_each_stay_within_the_policys_limits(api: ApiServer) -> None:
    many = bulk("default", [f"https://example.com/{number}" for number in range(1000)])
    for item in many["spec"]["source"]["items"]:
        item["metadata"] = {f"k{number}": 1 for number in range(50)}
    api.create(many, params={"dryRun": "All"})
    many["spec"]["source"]["items"][999]["metadata"] = {"width": 1}
    with pytest.raises(Refused, match=r"spec\.source\.items\.metadata\.width is set by the importer for every video"):
        api.create(many, params={"dryRun": "All"})


@pytest.mark.parametrize("scheme", ["https", "HTTPS", "Http"])
def test_a_thousand_addresses_of_any_case_stay_within_the_cost_of_their_rules(api: ApiServer, scheme: str) -> None:
    urls = [f"{scheme}://Ann:Word@{'A' * 60}.Example.com:8443/{number:04d}{'x' * 1000}" for number in range(1000)]
    api.create(bulk("default", urls), params={"dryRun": "All", "fieldValidation": "Strict"})
    urls[999] = f"{scheme}p://example.com/video.mp4"
    with pytest.raises(Refused, match="it must begin with http:// or https://"):
        api.create(bulk("default", urls), params={"dryRun": "All"})


def without_rules(node: Any) -> Any:
    """The schema of an older version, which accepted more."""
    if isinstance(node, dict):
        return {key: without_rules(value) for key, value in node.items() if key != "x-kubernetes-validations"}
    return [without_rules(value) for value in node] if isinstance(node, list) else node


@pytest.fixture
def older(api: ApiServer) -> Iterator[Callable[[list[Raw]], None]]:
    """Store objects as an older version accepted them, then install today's definitions."""

    def install(definitions: list[Raw]) -> None:
        for crd in definitions:
            api.apply_definition(crd)

    today = [yaml.safe_load((ROOT / f"crds/{name}.yaml").read_text()) for name in ("videoimports", "bulkimports")]

    def store(manifests: list[Raw]) -> None:
        install(without_rules(copy.deepcopy(today)))
        for manifest in manifests:
            await_until("the older definition", lambda manifest=manifest: not refuses(api, manifest))
            api.create(manifest)
        install(today)
        for manifest in manifests:
            fresh = manifest | {"metadata": manifest["metadata"] | {"name": "fresh"}}
            await_until("today's definition", lambda fresh=fresh: refuses(api, fresh))

    yield store
    install(today)


def test_an_object_that_a_new_rule_refuses_ends_with_the_rules_message_and_stays_writable(
    api: ApiServer, namespace: str, started: Callable[..., Controller], older: Callable[[list[Raw]], None]
) -> None:
    low = {"minHeight": 2160, "maxHeight": 1080}
    destination = {"s3": {"bucket": "videos"}, "folder": ".videoimport/imports"}
    older([
        video(namespace, "hidden", destination=destination),
        video(namespace, "low", requirements=low),
        bulk(namespace, ["https://example.com:99999/a"]),
    ])  # fmt: skip
    started()
    words = {
        ("VideoImport", "hidden"): "holds the records of all imports",
        ("VideoImport", "low"): "minHeight is 2160 and maxHeight is 1080",
        ("BulkImport", "many"): "its port must be a number of at most 65535",
    }
    for (kind, name), message in words.items():
        status = finished(api, kind, namespace, name)["status"]
        assert status["phase"] == "Failed"
        assert message in status["message"]
        assert {"type": "Stalled", "status": "True", "reason": "InvalidSpec"}.items() <= stalled(status).items()
    for name in ("hidden", "low"):
        assert api.get("VideoImport", namespace, name)["status"]["reason"] == "InvalidSpec"
    labelled = api.merge("VideoImport", namespace, "low", {"metadata": {"labels": {"team": "press"}}})
    assert labelled["metadata"]["labels"] == {"team": "press"}
    corrected = {"spec": {"requirements": {"minHeight": 360}}}
    assert api.merge("VideoImport", namespace, "low", corrected)["spec"]["requirements"]["minHeight"] == 360


def stalled(status: Raw) -> Raw:
    """The condition Stalled."""
    found: Raw = next(condition for condition in status["conditions"] if condition["type"] == "Stalled")
    return found
