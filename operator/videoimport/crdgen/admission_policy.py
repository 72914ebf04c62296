"""ValidatingAdmissionPolicy for the values of metadata. CEL rules in a schema cannot check these untyped values."""

from typing import Any

from videoimport.api.labels import BULK_KIND, GROUP, VERSION, VIDEO_KIND
from videoimport.api.metadata import MOST_KEY_LETTERS, PREDEFINED

Manifest = dict[str, Any]
NAME = f"metadata.{GROUP}"
"""Name of the policy and of its binding. Both objects are cluster-wide."""
_NAMES = "[" + ", ".join(f"'{name}'" for name in PREDEFINED) + "]"
_PLACES = {
    "video": (
        "spec.metadata",
        f"object.kind == '{VIDEO_KIND}' && has(object.spec.metadata) ? [object.spec.metadata] : []",
    ),
    "template": (
        "spec.template.metadata",
        f"object.kind == '{BULK_KIND}' && has(object.spec.template.metadata) ? [object.spec.template.metadata] : []",
    ),
    "items": (
        "spec.source.items.metadata",
        f"object.kind == '{BULK_KIND}' && has(object.spec.source.items) ? "
        "object.spec.source.items.filter(item, has(item.metadata)).map(item, item.metadata) : []",
    ),
}
"""Field and expression of each variable. The expression returns the list of all metadata maps in the field."""
_SCALAR = " || ".join(f"type(metadata[key]) == {name}" for name in ("string", "int", "double", "bool"))
CHECKS = {
    f"!({_NAMES}.exists(key, key in metadata))": (
        f"{_NAMES}.filter(key, key in metadata)",
        "is set by the importer for every video; choose another name.",
    ),
    f"metadata.all(key, {_SCALAR})": (
        f"metadata.filter(key, !({_SCALAR}))",
        "must be text, a number, true or false; write an object or a list as text, or leave it out.",
    ),
    f"metadata.all(key, size(key) >= 1 && size(key) <= {MOST_KEY_LETTERS})": (
        f"metadata.filter(key, size(key) < 1 || size(key) > {MOST_KEY_LETTERS})",
        f"has a name of more than {MOST_KEY_LETTERS} characters or of none; choose another name.",
    ),
}
"""Checks of one map, by the CEL condition of the check. The first text is an expression for the keys that break the
condition. The second text is the end of the message. The message begins with the first such key."""


def policy() -> Manifest:
    """Return the ValidatingAdmissionPolicy. It does not check an unchanged spec again, so that older objects can still
    be updated."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": NAME},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [{
                "apiGroups": [GROUP],
                "apiVersions": [VERSION],
                "operations": ["CREATE", "UPDATE"],
                "resources": ["videoimports", "bulkimports"],
            }]},
            "matchConditions": [{
                "name": "spec-changes",
                "expression": "oldObject == null || object.spec != oldObject.spec",
            }],
            "variables": [{"name": name, "expression": maps} for name, (_, maps) in _PLACES.items()],
            "validations": [
                _validation(variable, field, condition)
                for variable, (field, _) in _PLACES.items()
                for condition in CHECKS
            ],
        },
    }  # fmt: skip


def binding() -> Manifest:
    """Return the binding that activates the policy in the whole cluster."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": NAME},
        "spec": {"policyName": NAME, "validationActions": ["Deny"]},
    }


def _validation(variable: str, field: str, condition: str) -> Manifest:
    keys, message = CHECKS[condition]
    bad = f"variables.{variable}.filter(metadata, !({condition})).map(metadata, {keys})[0][0]"
    return {
        "expression": f"variables.{variable}.all(metadata, {condition})",
        "message": f"A name in {field} {message}",
        "messageExpression": f"'{field}.' + {bad} + ' {message}'",
        "reason": "Invalid",
    }
