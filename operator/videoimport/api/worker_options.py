"""Options of the worker pod."""

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
    """Requests and limits of the worker container."""

    rules = (FITTING_RESOURCES, DEVICES)

    requests: ResourceList | None = None
    """Resources that the scheduler reserves, such as {cpu: "1", memory: 512Mi}."""
    limits: ResourceList | None = None
    """Resources that the container may not exceed."""


class Scratch(Model):
    """Temporary disk space for the source and the result."""

    size: SomeBytes = "10Gi"
    """The size limit of the temporary space, about the size of the source plus the result. Without a storage class the
    size is also the request of ephemeral-storage, unless worker.resources has such a request."""
    storage_class_name: DnsName | None = None
    """If absent, the scratch is disk space on the node, and the space is deleted with the pod. If given, the scratch
    is a volume of this storage class, and the volume outlives the pod. So the next run resumes the download after a
    lost run. The volume is deleted when the import ends."""


_ANYTHING = {"x-kubernetes-preserve-unknown-fields": True}


class Toleration(Ruled):
    """A toleration as in spec.tolerations of a pod."""

    rules = FITTING_TOLERATION

    key: Annotated[str, Field(max_length=316), Checked((TAINT_KEY,))] | None = None
    """The key of the taint. If the key is absent and the operator is Exists, the toleration matches all keys."""
    operator: Literal["Exists", "Equal"] = "Equal"
    """Exists or Equal."""
    value: _Word | None = None
    """The value of the taint, for operator Equal."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """The effect of the taint. Absent means all effects."""
    toleration_seconds: Annotated[int, Field(ge=0)] | None = None
    """Seconds for which a NoExecute taint is tolerated."""


Affinity = Annotated[dict[str, Any], WithJsonSchema({"type": "object", **_ANYTHING})]
"""A core/v1 Affinity. The API server checks the affinity when the pod is created."""


class WorkerOptions(Model):
    """Options of the worker pod."""

    resources: Resources = Resources()
    """Requests and limits."""
    scratch: Scratch = Scratch()
    """Temporary disk space."""
    labels: Annotated[dict[str, _Word], Field(max_length=32), Checked((NOT_OURS, NOT_OF_JOBS, KEYS))] | None = None
    """Labels for the Job and its pod. These labels never override labels of the controller."""
    annotations: Annotated[dict[str, _Text], Field(max_length=32), Checked((NOT_OURS, KEYS))] | None = None
    """Annotations for the Job and its pod. These annotations never override annotations of the controller."""
    node_selector: Annotated[dict[str, _Word], Field(max_length=32), Checked((KEYS,))] | None = None
    """Labels that a node must have."""
    tolerations: Annotated[
        tuple[Toleration, ...], Field(max_length=16, json_schema_extra={"x-kubernetes-list-type": "atomic"})
    ] = ()
    """Taints of nodes on which the pod may run."""
    affinity: Affinity | None = None
    """The affinity of the pod, as in core/v1."""
    priority_class_name: DnsName | None = None
    """The priority class of the pod."""
    service_account_name: DnsName | None = None
    """The service account of the pod, for image pull secrets and admission. The token of the service account is never
    mounted."""
    ca_bundle_config_map_ref: ConfigMapReference | None = None
    """ConfigMap with the key ca.crt: certificates (PEM) to trust in addition to the usual certificates, for sources and
    stores."""
    proxy: HttpUrl | None = None
    """An HTTP proxy for fetching, listing and webhooks. The address of the proxy must be public or within
    worker.allowedNetworks of the controller. The worker then connects only to the proxy, and the proxy decides which
    sources the worker can reach. Everyone who may read this resource, its Jobs or its pods can read a login in this
    address. Use the keys proxy-username and proxy-password in the Secret of the source or the webhook instead."""


def quantities(resources: Resources) -> dict[str, Any]:
    """Return the ``resources`` field of the container in a pod spec."""
    return resources.wire()
