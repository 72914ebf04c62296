"""How the worker's pod is to be run."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from videoimport.api.base import Model
from videoimport.api.quantity import ByteQuantity

_QUANTITY = {
    "x-kubernetes-int-or-string": True,
    "anyOf": [{"type": "integer"}, {"type": "string"}],
    "pattern": r"^[0-9]+(\.[0-9]+)?(m|[kMGTP]|[KMGTP]i)?$",
    "maxLength": 32,
}
_Amount = Annotated[
    str, BeforeValidator(lambda value: str(value) if isinstance(value, int) else value), WithJsonSchema(_QUANTITY)
]
ResourceList = Annotated[dict[str, _Amount], Field(max_length=8)]

_OURS = {"x-kubernetes-validations": [{
    "rule": "self.all(key, !key.startsWith('videoimport.io/') && !key.startsWith('app.kubernetes.io/'))",
    "message": "keys under videoimport.io/ and app.kubernetes.io/ are ours",
}]}  # fmt: skip
_Word = Annotated[str, Field(max_length=63)]
_Text = Annotated[str, Field(max_length=1024)]


class Resources(Model):
    """Requests and limits of the worker's container."""

    requests: ResourceList | None = None
    """What the scheduler sets aside, such as {cpu: "1", memory: 512Mi}."""
    limits: ResourceList | None = None
    """What the container may not exceed."""


class Scratch(Model):
    """Room on the node for the source and the result while they are worked on."""

    size: ByteQuantity = "10Gi"
    """The volume's limit; about the source's size plus the result's."""


class WorkerOptions(Model):
    """Options of the worker's pod."""

    resources: Resources = Resources()
    """Requests and limits."""
    scratch: Scratch = Scratch()
    """Temporary room."""
    labels: Annotated[dict[str, _Word], Field(max_length=32, json_schema_extra=_OURS)] | None = None
    """Labels for the Job and its pod; they never override ours."""
    annotations: Annotated[dict[str, _Text], Field(max_length=32, json_schema_extra=_OURS)] | None = None
    """Annotations for the Job and its pod; they never override ours."""


def quantities(resources: Resources) -> dict[str, Any]:
    """The container's ``resources``, as a pod spec writes them."""
    return resources.wire()
