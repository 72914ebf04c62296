"""Checks of a cluster. The functions ``judge_…`` are pure functions of objects from the API server."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from videoimport.api.labels import GROUP, VERSION
from videoimport.cli.cluster.user_rights import Right, find_missing_rights
from videoimport.cli.doctor.check import Check
from videoimport.cli.errors import NotFoundError, UnusableError
from videoimport.controller.settings import LEASE
from videoimport.crdgen.definitions import bulk_definition, video_definition

if TYPE_CHECKING:
    from videoimport.cli.kube_client import Kube

Raw = dict[str, Any]
_INSTALL = "Install the chart of this version."
_RIGHTS = (
    Right(GROUP, "videoimports", "", ("get", "list", "watch", "create", "patch", "delete")),
    Right(GROUP, "bulkimports", "", ("get", "list", "watch", "create", "patch", "delete")),
    Right("", "configmaps", "", ("get", "list")),
    Right("", "pods", "", ("list",)),
    Right("", "pods", "log", ("get",)),
    Right("", "pods", "portforward", ("get", "create")),
)
"""The rights that the commands need."""
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def check_cluster(kube: "Kube", secret: str | None) -> Iterator[Check]:
    """Yield the results of all checks of the cluster. Nothing is written. Raises UnusableError if the API server cannot
    be reached."""
    version = kube.get("/version")
    yield Check("Cluster", "ok", f"Kubernetes {version.get('gitVersion', 'of unknown version')} answers.")
    for definition in (video_definition(), bulk_definition()):
        yield _check_definition(kube, definition)
    yield _check_controller(kube, datetime.now(UTC))
    yield judge_rights(kube.namespace, list(find_missing_rights(kube, _RIGHTS)))
    if secret is not None:
        yield _check_secret(kube, secret)


def _check_definition(kube: "Kube", wanted: Raw) -> Check:
    name = wanted["metadata"]["name"]
    try:
        found = kube.get(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}")
    except NotFoundError:
        return Check(name, "failed", "The cluster does not have this definition.", _INSTALL)
    except UnusableError as error:
        return Check(name, "warning", f"The definition cannot be read. {error}", "Ask an administrator to run doctor.")
    return judge_definition(found, wanted)


def judge_definition(found: Raw, wanted: Raw) -> Check:
    """Compare the CustomResourceDefinition in the cluster with the definition of this version."""
    name = wanted["metadata"]["name"]
    schema = next((one["schema"] for one in found["spec"]["versions"] if one["name"] == VERSION), None)
    if schema is None:
        return Check(name, "failed", f"The definition has no version {VERSION}.", _INSTALL)
    if schema != wanted["spec"]["versions"][0]["schema"]:
        message = "The schema in the cluster is of another version than this program."
        return Check(name, "warning", message, "Use the same release as the controller, or upgrade the chart.")
    return Check(name, "ok", f"The definition has the schema of this version ({VERSION}).")


def _check_controller(kube: "Kube", now: datetime) -> Check:
    try:
        found = kube.get("/apis/coordination.k8s.io/v1/leases", {"fieldSelector": f"metadata.name={LEASE}"})
    except UnusableError as error:
        return Check("Controller", "warning", f"Its Lease cannot be read. {error}", "Ask an administrator to run it.")
    return judge_leases(found["items"], now)


def judge_leases(leases: Sequence[Raw], now: datetime) -> Check:
    """Check that a controller has renewed its Lease in time. Each release of the chart has a separate Lease."""
    solution = "See the pods of the controller's Deployment and their logs."
    if not leases:
        return Check("Controller", "failed", f"No namespace has the Lease {LEASE}.", f"{_INSTALL} {solution}")
    late = [lease for lease in leases if not is_held(lease["spec"], now)]
    places = ", ".join(lease["metadata"]["namespace"] for lease in late or leases)
    if len(late) == len(leases):
        return Check("Controller", "failed", f"No controller renews the Lease in {places}.", solution)
    if late:
        return Check("Controller", "warning", f"No controller renews the Lease in {places}.", solution)
    return Check("Controller", "ok", f"A controller renews the Lease in {places}.")


def is_held(spec: Raw, now: datetime) -> bool:
    """Return whether a controller holds a Lease and has renewed it in time."""
    if not spec.get("holderIdentity") or not spec.get("renewTime"):
        return False
    renewed = datetime.fromisoformat(spec["renewTime"])
    return now - renewed <= timedelta(seconds=spec.get("leaseDurationSeconds") or 0) * 2


def judge_rights(namespace: str, missing: Sequence[str]) -> Check:
    """Return the check of the user's rights. ``missing`` has the rights that the user does not have."""
    if not missing:
        return Check("Rights", "ok", f"You may use every command in the namespace {namespace}.")
    message = f"In the namespace {namespace} you may not {', '.join(missing)}."
    return Check("Rights", "failed", message, "Ask for the role edit in that namespace, or for view to read only.")


def _check_secret(kube: "Kube", name: str) -> Check:
    try:
        metadata = kube.secret_metadata(kube.namespace, name)
    except NotFoundError:
        message = f"The namespace {kube.namespace} has no such Secret."
        return Check(f"Secret {name}", "failed", message, "Create the Secret, or correct its name.")
    except UnusableError as error:
        return Check(f"Secret {name}", "warning", f"It cannot be read. {error}", "Ask an administrator to run doctor.")
    return judge_secret(name, metadata)


def judge_secret(name: str, metadata: Raw) -> Check:
    """Check that a Secret of a bucket has the required keys. The names of the keys come from managedFields, so the API
    server sends no value of the Secret."""
    called = f"Secret {name}"
    keys = {
        key.removeprefix("f:")
        for entry in metadata.get("managedFields") or ()
        for field in ("f:data", "f:stringData")
        for key in (entry.get("fieldsV1") or {}).get(field) or ()
        if key.startswith("f:")
    }
    if not keys:
        see = f"See them with `kubectl describe secret {name}`."
        return Check(called, "warning", "The names of its keys are not recorded.", see)
    missing = [key for key in _KEYS if key not in keys]
    if missing:
        message = f"It has {', '.join(sorted(keys))}, and lacks {', '.join(missing)}."
        return Check(called, "failed", message, "Add the keys to the Secret.")
    return Check(called, "ok", f"It has {', '.join(sorted(keys))}.")
