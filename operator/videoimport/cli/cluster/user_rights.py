"""The rights of the kubeconfig's user in a namespace, as the API server judges them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from videoimport.cli.kube_client import Kube

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class Right(NamedTuple):
    """Verbs for a resource. The group of core resources is empty, and so is the subresource of the resource itself."""

    group: str
    resource: str
    subresource: str
    verbs: tuple[str, ...]


def find_missing_rights(kube: Kube, rights: Sequence[Right]) -> Iterator[str]:
    """Yield each verb and resource, such as "create pods/portforward", that the user may not use in the namespace."""
    for right in rights:
        for verb in right.verbs:
            asked = {"namespace": kube.namespace, "verb": verb, "group": right.group, "resource": right.resource}
            asked |= {"subresource": right.subresource} if right.subresource else {}
            review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
            answer = kube.post(_REVIEWS, review | {"spec": {"resourceAttributes": asked}})
            if not answer["status"].get("allowed"):
                yield f"{verb} {'/'.join(filter(None, (right.resource, right.subresource)))}"
