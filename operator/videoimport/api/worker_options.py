"""How the worker's pod is to be run."""

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from videoimport.api.base import Model, Ruled
from videoimport.api.field_types import ConfigMapReference, DnsName, HttpUrl
from videoimport.api.quantity import Amount, SomeBytes
from videoimport.api.rules.pod import (
    DEVICES,
    FITTING_RESOURCES,
    FITTING_TOLERATION,
    KEYS,
    LABEL_VALUE,
    NOT_OF_JOBS,
    NOT_OURS,
    RESOURCE_NAMES,
    TAINT_KEY,
)
from videoimport.api.rules.validation import Checked

ResourceList = Annotated[dict[str, Amount], Field(max_length=8), Checked((RESOURCE_NAMES,))]
_Word = Annotated[str, Field(max_length=63), Checked((LABEL_VALUE,))]
_Text = Annotated[str, Field(max_length=1024)]


class Resources(Ruled):
    """Requests and limits of the worker's container."""

    rules = (FITTING_RESOURCES, DEVICES)

    requests: ResourceList | None = None
    """What the scheduler reserves, such as {cpu: "1", memory: 512Mi}."""
    limits: ResourceList | None = None
    """What the container may not exceed."""


class Scratch(Model):
    """Temporary space for the source and the result."""

    size: SomeBytes = "10Gi"
    """The limit of scratch; about the source's size plus the result's. Without a storage class it is also the request
    of ephemeral-storage, unless worker.resources has one."""
    storage_class_name: DnsName | None = None
    """Absent: space on the node, which is deleted with the pod. Given: a volume of this class that outlives the pod, so
    that a run after a lost one resumes the download. It is deleted when the import ends."""


_ANYTHING = {"x-kubernetes-preserve-unknown-fields": True}


class Toleration(Ruled):
    """As in a pod's spec.tolerations."""

    rules = FITTING_TOLERATION

    key: Annotated[str, Field(max_length=316), Checked((TAINT_KEY,))] | None = None
    """The taint's key; absent, with operator Exists, means all."""
    operator: Literal["Exists", "Equal"] = "Equal"
    """Exists or Equal."""
    value: _Word | None = None
    """The taint's value, for Equal."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """The taint's effect; absent means all."""
    toleration_seconds: Annotated[int, Field(ge=0)] | None = None
    """How long a NoExecute taint is tolerated."""


Affinity = Annotated[dict[str, Any], WithJsonSchema({"type": "object", **_ANYTHING})]
"""A core/v1 Affinity; the API server checks it when the pod is made."""


class WorkerOptions(Model):
    """Options of the worker's pod."""

    resources: Resources = Resources()
    """Requests and limits."""
    scratch: Scratch = Scratch()
    """Temporary room."""
    labels: Annotated[dict[str, _Word], Field(max_length=32), Checked((NOT_OURS, NOT_OF_JOBS, KEYS))] | None = None
    """Labels for the Job and its pod; they never override those of the controller."""
    annotations: Annotated[dict[str, _Text], Field(max_length=32), Checked((NOT_OURS, KEYS))] | None = None
    """Annotations for the Job and its pod; they never override those of the controller."""
    node_selector: Annotated[dict[str, _Word], Field(max_length=32), Checked((KEYS,))] | None = None
    """Labels that the node must have."""
    tolerations: Annotated[
        tuple[Toleration, ...], Field(max_length=16, json_schema_extra={"x-kubernetes-list-type": "atomic"})
    ] = ()
    """Taints of nodes on which the pod may run."""
    affinity: Affinity | None = None
    """The pod's affinity, as in core/v1."""
    priority_class_name: DnsName | None = None
    """The pod's priority class."""
    service_account_name: DnsName | None = None
    """The pod's service account, for image pull secrets and admission; its token is never mounted."""
    ca_bundle_config_map_ref: ConfigMapReference | None = None
    """ConfigMap whose key ca.crt has certificates (PEM) to trust besides the usual ones, for sources and stores."""
    proxy: HttpUrl | None = None
    """An HTTP proxy for fetching, listing and webhooks. Its own address must be public or within the controller's
    worker.allowedNetworks. The worker then connects to nothing else, and the proxy decides which sources may be
    reached. A login in it is readable by everyone who may read this resource, its Jobs or its pods. Use the keys
    proxy-username and proxy-password of the source's or the webhook's Secret instead."""


def quantities(resources: Resources) -> dict[str, Any]:
    """The container's ``resources``, as a pod spec writes them."""
    return resources.wire()
