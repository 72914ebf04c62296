"""Rules for the fields of ``spec.worker`` that become part of a pod. The API server would reject a Job with an invalid
pod.

The rules follow the validation in Kubernetes (pkg/apis/core/validation and metav1/validation).
"""

from typing import Any

from videoimport.api.labels import OUR_PREFIXES
from videoimport.api.quantity import amount_of
from videoimport.api.rules.validation import Rule, compiled, forbids, quoted, requires

_KEY = (
    r"^([A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*/)?"
    r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
)
_LONG = r"[^/]{64,}$|[^/]{254,}/"
_KEY_IS = "letters, digits, '-', '_' and '.', at most 63, after an optional DNS name and a slash"


def _is_key(key: str) -> bool:
    return bool(compiled(_KEY).search(key)) and not compiled(_LONG).search(key)


KEYS = Rule(
    f"self.all(key, key.matches({quoted(_KEY)}) && !key.matches({quoted(_LONG)}))",
    f"a key has {_KEY_IS}; rename the keys that do not.",
    lambda pairs: all(map(_is_key, pairs)),
)
LABEL_VALUE = requires(
    "([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?",
    "the value of a label has letters, digits, '-', '_' and '.', with a letter or digit at both ends; correct it.",
)
NOT_OURS = Rule(
    "self.all(key, !key.startsWith('videoimport.io/') && !key.startsWith('app.kubernetes.io/'))",
    "keys under videoimport.io/ and app.kubernetes.io/ are set by the controller; choose other keys.",
    lambda pairs: not any(key.startswith(OUR_PREFIXES) for key in pairs),
)
_OF_JOBS = "^(batch\\.kubernetes\\.io/.*|job-name|controller-uid)$"
NOT_OF_JOBS = Rule(
    f"self.all(key, !key.matches({quoted(_OF_JOBS)}))",
    "keys under batch.kubernetes.io/, job-name and controller-uid are set by Kubernetes; choose other keys.",
    lambda pairs: not any(compiled(_OF_JOBS).search(key) for key in pairs),
)

_STANDARD = "^(cpu|memory|ephemeral-storage|hugepages-.+|[^/]+/[^/]+)$"
RESOURCE_NAMES = Rule(
    f"self.all(key, key.matches({quoted(_STANDARD)}))",
    "a resource is cpu, memory, ephemeral-storage, one that begins with hugepages-, or one of a device plugin such as "
    "example.com/gpu; correct the name.",
    lambda pairs: all(compiled(_STANDARD).search(key) for key in pairs),
)


def _has_fitting_resources(resources: Any) -> bool:
    asked, bounds = resources.requests or {}, resources.limits or {}
    return all(amount_of(asked[key]) <= amount_of(bounds[key]) for key in asked.keys() & bounds.keys())


_ASKED, _BOUND = "string(self.requests[key])", "string(self.limits[key])"
FITTING_RESOURCES = Rule(
    "!has(self.requests) || !has(self.limits) || self.requests.all(key, !(key in self.limits) || "
    f"!isQuantity({_ASKED}) || !isQuantity({_BOUND}) || quantity({_ASKED}).compareTo(quantity({_BOUND})) <= 0)",
    "a request is above the limit of the same resource; lower it in requests or raise it in limits.",
    _has_fitting_resources,
)

_WHOLE = "^(hugepages-|.*/)"
"""Resources that cannot be overcommitted (IsOvercommitAllowed in Kubernetes). Request and limit must be equal."""


def _has_limits_for_devices(resources: Any) -> bool:
    asked, bounds = resources.requests or {}, resources.limits or {}
    whole = [key for key in asked if compiled(_WHOLE).search(key)]
    return all(key in bounds and amount_of(asked[key]) == amount_of(bounds[key]) for key in whole)


DEVICES = Rule(
    f"!has(self.requests) || self.requests.all(key, !key.matches({quoted(_WHOLE)}) || (has(self.limits) && "
    f"key in self.limits && (!isQuantity({_ASKED}) || !isQuantity({_BOUND}) || "
    f"quantity({_ASKED}).compareTo(quantity({_BOUND})) == 0)))",
    "a request for a device or for hugepages must be the same in limits; write it in limits only.",
    _has_limits_for_devices,
)

TAINT_KEY = forbids(
    r"^[^A-Za-z0-9]|[^-A-Za-z0-9_./]|[^A-Za-z0-9]$|/.*/|[^/]{64,}$", f"a taint's key has {_KEY_IS}; correct the key."
)
FITTING_TOLERATION = (
    Rule(
        "(has(self.key) && self.key != '') || (has(self.operator) && self.operator == 'Exists')",
        "without a key the operator must be Exists; add a key, or set operator to Exists.",
        lambda found: bool(found.key) or found.operator == "Exists",
    ),
    Rule(
        "!has(self.operator) || self.operator != 'Exists' || !has(self.value) || self.value == ''",
        "operator Exists has no value; remove the value, or set operator to Equal.",
        lambda found: found.operator != "Exists" or not found.value,
    ),
    Rule(
        "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
        "tolerationSeconds is for the effect NoExecute only; set effect to NoExecute, or remove tolerationSeconds.",
        lambda found: found.toleration_seconds is None or found.effect == "NoExecute",
    ),
)
