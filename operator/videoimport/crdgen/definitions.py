"""The complete CustomResourceDefinitions of both kinds."""

from typing import Any

from videoimport.api import bulkimport, videoimport
from videoimport.api.bulkimport_status import BulkImportStatus
from videoimport.api.labels import BULK_KIND, GROUP, VERSION, VIDEO_KIND
from videoimport.api.reasons import TABLE, RetryClass
from videoimport.api.videoimport_status import VideoImportStatus
from videoimport.crdgen.structural_schema import structural

Manifest = dict[str, Any]

CATEGORY = "imports"
"""Category of both kinds, for `kubectl get imports`. The category must not be the name of a kind. Otherwise a request
for this kind would list both kinds."""
_FIXED = "self.spec.{0} == oldSelf.spec.{0}"
_STUCK = [str(reason) for reason, row in TABLE.items() if row.retry is RetryClass.WAITING]
_RESTING = (
    "!has(oldSelf.status) || !has(oldSelf.status.phase) || "
    "oldSelf.status.phase in ['Failed', 'Cancelled', 'Suspended'] || "
    "(has(oldSelf.status.attempts) && has(oldSelf.status.attempts.nextRetryTime)) || "
    f"(has(oldSelf.status.reason) && oldSelf.status.reason in {_STUCK})"
)
"""CEL expression for an import that no worker uses: not yet begun, ended, suspended, waiting for a retry, or unable to
start."""


def _name_fits(longest: int) -> Manifest:
    return {
        "rule": f"size(self.metadata.name) <= {longest}",
        "message": f"metadata.name must be at most {longest} characters, so that the names derived from it fit.",
    }


def _immutable(field: str) -> Manifest:
    """Return the rule that a field is immutable. The rule is at the root, where CEL can read the status: the field may
    change while no worker uses the import."""
    return {
        "rule": f"{_RESTING} || {_FIXED.format(field)}",
        "message": f"spec.{field} is immutable while the import runs and once Completed; make another VideoImport.",
    }


def _column(name: str, path: str, kind: str = "string", priority: int = 0) -> Manifest:
    wide = {"priority": priority} if priority else {}
    return {"name": name, "jsonPath": path, "type": kind, **wide}


_AGE = _column("Age", ".metadata.creationTimestamp", "date")

VIDEO_COLUMNS = [
    _column("Phase", ".status.phase"),
    _column("Progress", ".status.progressPercent", "integer"),
    _column("Resolution", ".status.metadata.resolution"),
    _column("Duration", ".status.metadata.duration"),
    _column("Reason", ".status.reason"),
    _column("Source", ".status.displayName"),
    _column("Attempts", ".status.attempts.count", "integer", 1),
    _column("Address", ".status.source.url", priority=1),
    _column("Message", ".status.message", priority=1),
    _AGE,
]
BULK_COLUMNS = [
    _column("Phase", ".status.phase"),
    _column("Progress", ".status.progressPercent", "integer"),
    _column("Total", ".status.total", "integer"),
    _column("Done", ".status.completed", "integer"),
    _column("Failed", ".status.failed", "integer"),
    _column("Rejected", ".status.rejectedCount", "integer", 1),
    _column("Duplicates", ".status.skippedDuplicates", "integer", 1),
    _column("Active", ".status.active", "integer", 1),
    _column("Queue", ".status.queuePosition", "integer", 1),
    _column("ETA", ".status.etaSeconds", "integer", 1),
    _column("Webhook", ".status.webhook.state", priority=1),
    _column("Message", ".status.message", priority=1),
    _AGE,
]


def _definition(kind: str, short: str, about: str, schema: Manifest, columns: list[Manifest]) -> Manifest:
    plural = f"{kind.lower()}s"
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema | {"description": about}},
        "subresources": {"status": {}},
        "additionalPrinterColumns": columns,
    }
    names = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower(), "shortNames": [short]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": names | {"categories": [CATEGORY]},
            "scope": "Namespaced",
            "versions": [version],
        },
    }


def _root(spec: Manifest, status: Manifest, rules: list[Manifest]) -> Manifest:
    return {
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": status,
        },
        "x-kubernetes-validations": rules,
    }


def video_definition() -> Manifest:
    """Return the CustomResourceDefinition of VideoImport."""
    spec, status = structural(videoimport.VideoImportSpec), structural(VideoImportStatus)
    rules = [_name_fits(videoimport.MAX_NAME), *(_immutable(field) for field in ("source", "destination", "output"))]
    about = "One video, brought from a source to a destination: fetched, checked, transcoded, uploaded and verified."
    return _definition(VIDEO_KIND, "vi", about, _root(spec, status, rules), VIDEO_COLUMNS)


def bulk_definition() -> Manifest:
    """Return the CustomResourceDefinition of BulkImport."""
    spec, status = structural(bulkimport.BulkImportSpec), structural(BulkImportStatus)
    about = "Many videos as one: a VideoImport for each item, a window of them at a time, and every result."
    return _definition(BULK_KIND, "bi", about, _root(spec, status, [_name_fits(bulkimport.MAX_NAME)]), BULK_COLUMNS)
