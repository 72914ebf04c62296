"""The docs page of what the API server refuses: the messages of the schema, each with a value that it refuses."""

from collections.abc import Iterable, Iterator

from videoimport.api.labels import BULK_KIND, VIDEO_KIND
from videoimport.crdgen.definitions import Manifest, bulk_definition, video_definition
from videoimport.crdgen.invalid_manifests import Schema, Violation, shown, violations

_MOST_SHOWN = 60
_MOST_QUOTED = 200
_HEAD = """\
<!-- Generated from operator/videoimport/api and its crdgen/invalid_manifests.py by `make generate`; not to be
edited. -->
# What the API server refuses

Everything that the controller or a worker would refuse without looking at the source is refused when you create or
change a resource. This page has the API server's message for every field: `kubectl apply` prints the field, a colon and
the message. The controller tests send each example to a real API server and compare the answer.

- A field that does not exist is refused too: `strict decoding error: unknown field "spec.sourse"`.
- A value of another type is refused: `spec.maxAttempts in body must be of type integer: "string"`. The tables say so
  only for fields that have no other bound.
- While one message is about a type, a length or a count, the API server checks no rules. It then adds `some validation
  rules were not checked because the object was invalid; correct the existing errors to complete validation`.
- `spec.source`, `spec.destination` and `spec.output` of a VideoImport cannot be changed while a run is active and once
  it is Completed: `{immutable}`
- The one exception is a host with letters beyond ASCII: the API server refuses signs and wide letters only. The worker
  refuses whatever else no international name may have.
- Rules are also part of the controller, the workers and `kubectl videoimport run`. An object that was stored before a
  rule existed stays readable. If it has not finished, it fails with `InvalidSpec` and the rule's message.
"""
_BULK = """
The fields of `spec.template` are those of a VideoImport's `spec`, and so are their messages, with `spec.template`
instead of `spec`. They are not repeated here.
"""


def validation_page() -> str:
    """Return the page as Markdown: a section a kind, a table a part of its spec."""
    video, bulk = schema_of(video_definition()), schema_of(bulk_definition())
    immutable = next(rule["message"] for rule in video["x-kubernetes-validations"] if "oldSelf" in rule["rule"])
    whole = list(violations(VIDEO_KIND, video))
    known = {(f"spec.template{found.field.removeprefix('spec')}") for found in whole}
    own = [found for found in violations(BULK_KIND, bulk) if found.field not in known]
    head = _HEAD.replace("{immutable}", immutable)
    return head + _section(VIDEO_KIND, "", whole) + _section(BULK_KIND, _BULK, own)


def schema_of(definition: Manifest) -> Schema:
    """Return the schema in a CustomResourceDefinition."""
    root: Schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return root


def _section(kind: str, about: str, found: Iterable[Violation]) -> str:
    parts: dict[str, list[Violation]] = {}
    for one in found:
        parts.setdefault(".".join(map(str, one.path[:2])), []).append(one)
    tables = "".join(f"\n### {part}\n\n{_table(rows)}" for part, rows in parts.items())
    return f"\n## {kind}\n{about}{tables}"


def _table(found: Iterable[Violation]) -> str:
    return "| Field | Refused, for example | Message |\n| --- | --- | --- |\n" + "".join(_rows(found))


def _rows(found: Iterable[Violation]) -> Iterator[str]:
    """One row for each message of a field; further examples of a message are for the tests."""
    told = set()
    for one in found:
        message = one.message.removeprefix(f"Invalid value: {shown(one.value)}: ") if one.is_rule else one.message
        if (one.field, message) not in told:
            told.add((one.field, message))
            yield f"| `{one.field}` | {_example(one)} | {_escaped(_shortened(one))} |\n"


def _shortened(found: Violation) -> str:
    """The message, with a long value cut: the API server repeats it whole."""
    whole = shown(found.value)
    return found.message if len(whole) <= _MOST_QUOTED else found.message.replace(whole, f'{whole[:_MOST_SHOWN]}…"')


def _example(found: Violation) -> str:
    value = found.value
    if found.message == "Required value":
        return "nothing"
    if len(shown(value)) <= _MOST_SHOWN:
        return f"`{_escaped(shown(value))}`"
    if isinstance(value, str):
        return f"a text of {len(value)} characters"
    return f"{len(value)} entries" if len(value) > 1 and isinstance(value, list) else "a longer one"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
