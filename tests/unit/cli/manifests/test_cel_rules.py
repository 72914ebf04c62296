"""The definitions' own CEL decides here as it does in the API server, and as the models' predicates do.

``tests/controller/test_admission.py`` sends the same values to a real API server and gets the same messages.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from support.every_case import every_case
from support.examples import examples
from videoimport.api.bulkimport import BulkImport
from videoimport.api.rules.validation import VALIDATIONS, BrokenRuleError
from videoimport.api.videoimport import VideoImport, VideoImportSpec
from videoimport.cli.manifests import cel_rules
from videoimport.cli.manifests.cel_rules import broken_rules
from videoimport.cli.manifests.schema_defaults import fill_defaults
from videoimport.crdgen.definitions import bulk_definition, video_definition
from videoimport.crdgen.invalid_manifests import Violation, shown, violations
from videoimport.crdgen.validation_page import schema_of

SCHEMAS = {"VideoImport": schema_of(video_definition()), "BulkImport": schema_of(bulk_definition())}
MODELS: dict[str, type[VideoImport | BulkImport]] = {"VideoImport": VideoImport, "BulkImport": BulkImport}
EXAMPLES = sorted((Path(__file__).parents[4] / "examples").glob("*.yaml"))


def is_of_the_policy(found: Violation) -> bool:
    """Names and values of metadata are the admission policy's to refuse: schemas cannot see them."""
    return not found.has_field and "metadata" in found.path[1:]


def is_of_a_template(found: Violation) -> bool:
    """A template has the fields of a VideoImport, with the same rules."""
    return found.path[:2] == ("spec", "template")


BROKEN = [
    found
    for kind, schema in SCHEMAS.items()
    for found in violations(kind, schema)
    if found.is_rule and not is_of_the_policy(found) and not is_of_a_template(found)
]


def refusals(kind: str, manifest: Any) -> set[tuple[str, str]]:
    return _refusals_of(kind, json.dumps(manifest))


@cache
def _refusals_of(kind: str, manifest: str) -> set[tuple[str, str]]:
    """Several tests ask about the same manifests, and each takes a hundred evaluations."""
    return set(broken_rules(SCHEMAS[kind], json.loads(manifest)))


@every_case("found", BROKEN)
def test_a_rule_is_broken_at_the_field_and_with_the_message_of_the_api_server(found: Violation) -> None:
    message = found.message.removeprefix("Invalid value: ").removeprefix(f"{shown(found.value)}: ")
    told = refusals(found.kind, found.manifest)
    assert (found.field, message) in told if found.has_field else message in {said for _, said in told}


@pytest.mark.parametrize("kind", SCHEMAS)
def test_what_a_predicate_refuses_the_definition_refuses_in_the_same_words(kind: str) -> None:
    for found in BROKEN:
        if found.kind == kind:
            told = {message for _, message in refusals(kind, found.manifest)}
            assert set(predicates(found)) <= told, (found.field, found.value)


def predicates(found: Violation) -> Iterator[str]:
    """The messages of the rules that the model enforces by itself."""
    given = {"uid": "", "creationTimestamp": "2026-05-01T00:00:00Z", "namespace": "default", "generation": 1}
    manifest = found.manifest | {"metadata": found.manifest["metadata"] | given}
    try:
        MODELS[found.kind].model_validate_json(json.dumps(manifest), strict=True)
    except ValidationError as refusal:
        for detail in refusal.errors(include_url=False):
            broken = detail.get("ctx", {}).get("error")
            if isinstance(broken, BrokenRuleError):
                yield from (message for _, message in broken.broken)


ACCEPTED = {
    "IPv6": {"source": {"url": "https://user:pa:ss@[2001:db8::1]:8443/a%zz/b c?x=@:99999#y"}},
    "capitals": {"source": {"url": "HTTPS://Ann:Word@Media.Example.COM:443/V.mp4"}},
    "other scripts": {"destination": {"s3": {"bucket": "videos"}, "folder": "ä/日本", "name": "Ü {title} №1."}},
    "a long name in a bucket": {"destination": {"s3": {"bucket": "videos"}, "name": "日" * 128}},
    "a long path in a volume": {
        "destination": {"persistentVolumeClaim": {"claimName": "media", "path": "a/" * 99 + "b"}}
    },
    "equal heights": {"requirements": {"minHeight": 1080}},
    "resources": {
        "worker": {
            "resources": {"requests": {"cpu": 1}, "limits": {"cpu": "1000m", "a.b/gpu": 1, "hugepages-2Mi": "4Mi"}}
        }
    },
    "a device": {"worker": {"resources": {"requests": {"a.b/gpu": "2"}, "limits": {"a.b/gpu": 2}}}},
    "a long label": {"worker": {"labels": {f"{'a' * 60}.example.com/{'b' * 63}": "c" * 63, "empty": ""}}},
    "every taint": {"worker": {"tolerations": [{"operator": "Exists"}]}},
}


@every_case("case", ACCEPTED)
def test_what_the_api_server_takes_breaks_no_rule(case: str) -> None:
    spec: dict[str, Any] = ACCEPTED[case]
    assert refusals("VideoImport", {"metadata": {"name": "clip"}, "spec": spec}) == set()


@every_case("path", EXAMPLES)
def test_no_example_breaks_a_rule(path: Path) -> None:
    for document in yaml.safe_load_all(path.read_text()):
        if document and document["kind"] in SCHEMAS:
            assert refusals(document["kind"], document) == set()


def rules(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (
            rule[name] for rule in node.get(VALIDATIONS, ()) for name in ("rule", "messageExpression") if name in rule
        )
        for child in node.values():
            yield from rules(child)


@every_case("expression", sorted({each for schema in SCHEMAS.values() for each in rules(schema)}))
def test_every_rule_of_the_definitions_can_be_read(expression: str) -> None:
    assert cel_rules._program(expression)


@every_case("value", [5, 1.5, True, [], ["a"], {}, {"a": 1}])
@every_case("kind", SCHEMAS)
def test_a_value_of_another_type_breaks_no_rule_of_its_own(kind: str, value: Any) -> None:
    spec = {"source": {"url": value, "s3": {"endpoint": value}}, "destination": {"folder": value, "name": value}}
    fields = {field for field, _ in refusals(kind, {"metadata": {"name": "clip"}, "spec": spec | {"template": spec}})}
    assert not fields & {
        "spec.source.url",
        "spec.source.s3.endpoint",
        "spec.destination.folder",
        "spec.destination.name",
    }


def test_the_rules_of_a_template_are_checked_too() -> None:
    bulk = {"metadata": {"name": "many"}, "spec": {"template": {"worker": {"labels": {"a": "-press"}}}}}
    assert [field for field, _ in refusals("BulkImport", bulk)] == ["spec.template.worker.labels[a]"]


def test_rules_for_a_change_are_not_for_a_new_object() -> None:
    transition = {VALIDATIONS: [{"rule": "self.a == oldSelf.a", "message": "a is immutable."}]}
    assert list(broken_rules(transition, {"a": 1})) == []


def test_defaults_are_set_before_rules_are_checked() -> None:
    schema = {"properties": {"a": {"default": {}, "properties": {"b": {"default": 3}}}}}
    assert fill_defaults(schema, {}) == {"a": {"b": 3}}
    low = {"metadata": {"name": "clip"}, "spec": {"requirements": {"minHeight": 1440}}}
    ((field, message),) = refusals("VideoImport", low)
    assert field == "spec.requirements"
    assert message.startswith("minHeight is 1440 and maxHeight is 1080, so that no source is accepted;")


@every_case(
    ("expression", "value", "result"),
    [
        ("self.split('/').size() == 3", "a//b", True),
        ("self.substring(1)", "abc", "bc"),
        ("self.substring(1, 2)", "abc", "b"),
        ("self.replace('a', 'x')", "aba", "xbx"),
        ("self.lowerAscii()", "ÄBC", "Äbc"),
        ("self.find('[0-9]+')", "a12b3", "12"),
        ("self.find('[0-9]+')", "none", ""),
        ("isIP(self)", "2001:db8::1", True),
        ("isIP(self)", "192.0.2.1", True),
        ("isIP(self)", "::ffff:192.0.2.1", False),
        ("isIP(self)", "fe80::1%eth0", False),
        ("quantity(self).compareTo(quantity('1')) == 0", "1000m", True),
        ("quantity(self).compareTo(quantity('1Gi')) < 0", "1G", True),
        ("isQuantity(self)", "two", False),
        ("size(bytes(self)) == 3", "日", True),
        ("'%s has %d'.format([self, 2])", "it", "it has 2"),
        ("self.startsWith('a')", 5, None),
    ],
)
def test_the_functions_that_kubernetes_adds(expression: str, value: Any, result: Any) -> None:
    assert cel_rules._evaluate(expression, value) == result


@pytest.mark.parametrize(
    ("expression", "value", "result"),
    [
        ("has(self.a) && !has(self.b)", {"a": 1, "c": 2}, True),
        ("has(self.a) && self == oldSelf.a", {"a": 1}, False),
        ("self.size() == 2", {"a": 1, "b": 2}, True),
        ("has(self.a) && self.size() == 2", {"a": 1, "b": 2}, True),
        ("self.all(key, key != 'b')", {"a": 1, "b": 2}, False),
        ("'b' in self && self.a == 1", {"a": 1, "b": 2}, True),
        ("self['b'] == 2 && has(self.a)", {"a": 1, "b": 2}, True),
        ("self.a.all(key, key in self.b)", {"a": {"x": 1}, "b": {"x": 1}, "c": 3}, True),
    ],
)
def test_an_expression_is_given_every_field_that_it_reads(expression: str, value: Any, result: Any) -> None:
    old = {"a": {"a": 2}} if "oldSelf" in expression else None
    assert cel_rules._evaluate(expression, value, old) == result


LETTERS = "aA9.-_/\\:@?#%[]{}日é \u202e\x00"
"""Letters that the rules for texts distinguish."""
TEXTS = st.text(alphabet=LETTERS, min_size=1, max_size=24)
HOSTS = st.one_of(
    TEXTS, st.sampled_from(["example.com", "[::1]", "[::ffff:1.2.3.4]", "a:99999", "a:8o", "a..b", "u:p@a"])
)
ADDRESSES = st.builds("{}{}{}".format, st.sampled_from(["https://", "HTTP://", "ftp://", ""]), HOSTS, TEXTS)
QUANTITIES = st.from_regex(r"\A[0-9]{1,3}(\.[0-9]{1,2})?([a-zA-Z]{0,2})\Z")
FIELDS: dict[str, tuple[st.SearchStrategy[str], Any]] = {
    "url": (ADDRESSES, lambda text: {"source": {"url": text}}),
    "endpoint": (ADDRESSES, lambda text: {"destination": {"s3": {"bucket": "videos", "endpoint": text}}}),
    "proxy": (ADDRESSES, lambda text: {"worker": {"proxy": text}}),
    "origin": (ADDRESSES, lambda text: {"source": {"url": "https://a.b/c", "headerOrigins": [text]}}),
    "path": (TEXTS, lambda text: {"source": {"persistentVolumeClaim": {"claimName": text, "path": text}}}),
    "folder": (TEXTS, lambda text: {"destination": {"s3": {"bucket": "videos"}, "folder": text, "name": text}}),
    "bucket": (TEXTS, lambda text: {"destination": {"s3": {"bucket": text, "region": text, "storageClass": text}}}),
    "label": (TEXTS, lambda text: {"worker": {"labels": {text: text}}}),
    "taint": (TEXTS, lambda text: {"worker": {"tolerations": [{"key": text}]}}),
    "size": (QUANTITIES, lambda text: {"worker": {"scratch": {"size": text}}}),
    "limit": (QUANTITIES, lambda text: {"worker": {"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": text}}}}),
}


@pytest.mark.parametrize("field", FIELDS)
@given(data=st.data())
@examples(60)
def test_what_the_definition_refuses_a_predicate_refuses(field: str, data: st.DataObject) -> None:
    """So a spec that the model accepts breaks no rule of the definition. The model answers much sooner."""
    texts, place = FIELDS[field]
    spec = {"source": {"url": "https://a.b/c"}, "destination": {"s3": {"bucket": "videos"}}} | place(data.draw(texts))
    manifest = {"metadata": {"name": "clip"}, "spec": spec}
    try:
        VideoImportSpec.model_validate_json(json.dumps(spec), strict=True)
    except ValidationError:
        return
    assert list(broken_rules(SCHEMAS["VideoImport"], manifest)) == []
