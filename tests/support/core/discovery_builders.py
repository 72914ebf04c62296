"""Builders of what a listing's decision sees: the bulk, its listing Jobs and their pods, the pages that are kept."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from support.core.page_digests import proven
from support.core.video_builders import NOW, SETTINGS, pod
from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_status import BulkImportStatus, DiscoveryStatus
from videoimport.api.identity import item_identity
from videoimport.api.reasons import Reason
from videoimport.api.tasks.listing_task import PageReport
from videoimport.core.discovery.pages import hash_listing
from videoimport.core.discovery.reconcile import Discovery, reconcile_discovery
from videoimport.core.list_item import Listed
from videoimport.core.names_and_owners import build_bulk_owner
from videoimport.core.observed import JobView, ObservedBulk, PageView, PodView
from videoimport.core.observed_parsers import parse_job
from videoimport.core.plan import Create, Delete, Manifest, StoreListingPage

LIST = {"manifest": {"url": "https://lists.example/all.txt"}}
SECOND = "line 3"


def listed(*, status: DiscoveryStatus | None = None, **spec: Any) -> BulkImport:
    """A bulk named ``talks`` that is to be listed; ``spec`` in the API's own camelCase."""
    wish: dict[str, Any] = {"source": LIST, "template": {"destination": {"s3": {"bucket": "media"}}}}
    meta = {"name": "talks", "namespace": "films", "uid": "bulk-uid", "generation": 1}
    read = BulkImport.parse({"metadata": meta, "spec": wish | spec})
    return noted(read, status) if status else read


def noted(wish: BulkImport, status: DiscoveryStatus | None, token: str | None = None) -> BulkImport:
    """The bulk as the API server gives it back after this was written."""
    back = status and DiscoveryStatus.model_validate(status.wire())
    fields = {"discovery": back, "observed_retry_token": wish.spec.retry_token if token is None else token}
    return wish.model_copy(update={"status": BulkImportStatus(**fields)})


def edited(wish: BulkImport, **spec: Any) -> BulkImport:
    return wish.model_copy(update={"spec": wish.spec.model_validate(wish.spec.wire() | spec)})


def look(wish: BulkImport, at: datetime = NOW, settings: Any = SETTINGS, wanted: bool = True, **seen: Any) -> Discovery:
    return reconcile_discovery(proven(ObservedBulk(wish, **seen)), at, settings, wanted=wanted)


def begun(**spec: Any) -> tuple[BulkImport, JobView]:
    """A bulk whose first run is under way, and its Job."""
    wish = listed(**spec)
    found = look(wish)
    return noted(wish, found.status), made(found)


def made(found: Discovery, **changes: Any) -> JobView:
    """The Job that was to be made, as it is seen then."""
    manifest = created(found)
    meta = manifest["metadata"] | {"uid": manifest["metadata"]["name"], "creationTimestamp": NOW.isoformat()}
    return replace(parse_job({**manifest, "metadata": meta}), **changes)


def created(found: Discovery) -> Manifest:
    """The one object that was to be made."""
    (manifest,) = [action.manifest for action in found.actions if isinstance(action, Create)]
    return manifest


def deleted(found: Discovery) -> list[str]:
    return [action.name for action in found.actions if isinstance(action, Delete)]


def collected(found: Discovery) -> StoreListingPage:
    (wish,) = [action for action in found.actions if isinstance(action, StoreListingPage)]
    return wish


def told(of: JobView, *, page: int = 0, reason: Reason | None = None, **fields: Any) -> dict[str, Any]:
    """Job and pod after the worker has left this report, for ``look(wish, **told(...))``."""
    given = {"uid": "bulk-uid", "run": of.run, "page": page, "reason": reason, "count": 2, "bytes": 80, **fields}
    text = PageReport(**given).model_dump_json(by_alias=True, exclude_none=True)
    return ended(of, text, good=reason is None)


def ended(of: JobView, text: str | None, *, good: bool = True) -> dict[str, Any]:
    left: dict[str, Any] = {"phase": "Succeeded" if good else "Failed", "exit_code": 0 if good else 85}
    job = replace(of, finished="Complete" if good else "Failed")
    return {"jobs": (job,), "pods": (pod(job, termination_message=text, **left),)}


def working(of: JobView) -> dict[str, Any]:
    return {"jobs": (of,), "pods": (pod(of, phase="Running", running=True),)}


def page(wish: BulkImport, number: int, *, done: bool = False, items: int = 2, **changes: Any) -> PageView:
    """A page that is kept; the first ends at SECOND, the one after it at ``line 5``, and so on."""
    urls = [f"https://video.example/{number}-{item}.mp4" for item in range(items)]
    fields: dict[str, Any] = {
        "name": f"talks-{hash_listing(wish)}-{number}",
        "uid": f"page-{number}",
        "owner": build_bulk_owner(wish.metadata),
        "digest": f"digest of page {number}",
        "number": number,
        "listing": hash_listing(wish),
        "cursor": None if done else f"line {2 * number + 3}",
        "done": done,
        "deleting": False,
        "items": tuple(Listed(item_identity(url), url) for url in urls),
        "rejected": (),
    }
    return PageView(**fields | changes)


def task_in(manifest: Manifest) -> dict[str, Any]:
    """What the worker is told."""
    found: dict[str, Any] = json.loads(manifest["spec"]["template"]["metadata"]["annotations"]["videoimport.io/task"])
    return found


def pod_of(of: JobView, **changes: Any) -> tuple[PodView, ...]:
    return (pod(of, **changes),)
