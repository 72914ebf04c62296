"""The values of a Secret or a ConfigMap are bytes, and no message shows them."""

import base64
from typing import Any

import pytest

from support.every_case import every_case
from videoimport.cli.manifests.key_values import MOST_BYTES, HolderKind, read_key_values

PASSWORD = "hunter2-hunter2"
ENCODED = base64.b64encode(b"\xff\x00\x01").decode()


def holder(**parts: Any) -> dict[str, Any]:
    return {"metadata": {"name": "keys"}} | parts


@pytest.mark.parametrize(
    ("kind", "parts", "values"),
    [
        ("Secret", {"data": {"a": ENCODED}, "type": "Opaque", "immutable": True}, {"a": b"\xff\x00\x01"}),
        (
            "Secret",
            {"data": {"a": ENCODED, "b": ENCODED}, "stringData": {"a": "ü"}},
            {"a": "ü".encode(), "b": b"\xff\x00\x01"},
        ),
        ("Secret", {"data": {"a": None, "b": ""}, "stringData": None}, {"a": b"", "b": b""}),
        ("Secret", {"data": {"a": ENCODED[:2] + "\n" + ENCODED[2:] + "\n"}}, {"a": b"\xff\x00\x01"}),
        ("ConfigMap", {"data": {"a": "text\n"}, "binaryData": {"b": ENCODED}}, {"a": b"text\n", "b": b"\xff\x00\x01"}),
        ("ConfigMap", {}, {}),
        (
            "Secret",
            {"stringData": {"cookies.txt": "c", "headers.example.com": "h", "_a-b": ""}},
            {"cookies.txt": b"c", "headers.example.com": b"h", "_a-b": b""},
        ),
    ],
)
def test_values_are_read(kind: HolderKind, parts: dict[str, Any], values: dict[str, bytes]) -> None:
    found = read_key_values(kind, holder(**parts))
    assert (found.problems, found.values) == ((), values)


@every_case(
    ("kind", "parts", "problem"),
    [
        (
            "Secret",
            {"data": {"a": PASSWORD}},
            "data.a is not base64; encode the value, or write the value as it is below",
        ),
        ("Secret", {"stringData": {"a": 5}}, "stringData.a is not text; put the value in quotes."),
        ("Secret", {"stringData": PASSWORD}, "stringData is not an object; write a line KEY: VALUE for each value."),
        ("Secret", {"binaryData": {"a": ENCODED}}, "binaryData: there is no such field;"),
        ("Secret", {"stringData": {"..a": PASSWORD}}, "stringData...a: a key has at most 253 letters"),
        ("Secret", {"stringData": {"a" * 254: PASSWORD}}, "stringData.aaaa"),
        ("ConfigMap", {"data": {"a": {"b": PASSWORD}}}, "data.a is not text; put the value in quotes, or write bytes"),
        (
            "ConfigMap",
            {"binaryData": {"a": "?"}},
            "binaryData.a is not base64; encode the value, or write a text as it is",
        ),
        ("ConfigMap", {"data": {"a": "x" * MOST_BYTES, "b": "y"}}, "the values have 1048577 bytes together; a Config"),
        ("Secret", {"metadata": {"name": "A"}}, 'metadata.name is "A"; it has at most 253 lowercase letters'),
    ],
)
def test_a_mistake_is_named_without_the_value(kind: HolderKind, parts: dict[str, Any], problem: str) -> None:
    (told,) = read_key_values(kind, holder(**parts)).problems
    assert told.startswith(problem)
    assert PASSWORD not in told


def test_values_are_never_printed() -> None:
    assert PASSWORD not in repr(read_key_values("Secret", holder(stringData={"a": PASSWORD})))
