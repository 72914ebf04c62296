"""A victim's namespace in the real store, brought as far as wanted by the real decisions, and what another tenant may
plant beside it: objects of every kind that name the victim's."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from hypothesis import strategies as st

from support.controller.simulated_admission import copied
from videoimport.api.identity import item_identity
from videoimport.api.labels import MANAGED_BY, MANAGED_BY_VALUE, NAME, TASK
from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import Report
from videoimport.api.tasks.import_task import Task
from videoimport.api.tasks.listing_task import FoundItem, ListingTask, PageFacts, PageLine, PageReport
from videoimport.api.videoimport_status import OutputFile, Outputs
from videoimport.controller.cache.additional_state import AdditionalStates
from videoimport.controller.cache.store import Store
from videoimport.controller.client.resources import KINDS, Key
from videoimport.controller.reconcile.observe import list_owned, observe_bulk, observe_video
from videoimport.core.bulk.reconcile import reconcile_bulk
from videoimport.core.plan import Create, Delete, Patch, Plan, StoreListingPage
from videoimport.core.settings import Settings
from videoimport.core.video.reconcile import reconcile_video

Raw = dict[str, Any]
NOW = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
SETTINGS = Settings(worker_image="w")
API = "videoimport.io/v1alpha1"
OURS = {NAME: MANAGED_BY_VALUE, MANAGED_BY: MANAGED_BY_VALUE}
DESTINATION = {"s3": {"bucket": "videos"}}
LINES = [f"https://video.example/{number}.mp4" for number in range(4)]
PAGE_SIZE = 2
SCRATCH = {"scratch": {"size": "1Gi", "storageClassName": "fast"}}
VIDEO, MANY, LIST = (
    Key("VideoImport", "victim", "one"),
    Key("BulkImport", "victim", "many"),
    Key("BulkImport", "victim", "list"),
)
KEYS = (VIDEO, MANY, LIST)


def lines_of(number: int) -> str:
    """The lines of a page."""
    urls = LINES[number * PAGE_SIZE : (number + 1) * PAGE_SIZE]
    found = (PageLine(found=FoundItem(id=item_identity(url), url=url)) for url in urls)
    return "".join(f"{line.model_dump_json(by_alias=True, exclude_none=True)}\n" for line in found)


@dataclass
class SimulatedTenants:
    told: list[Key] = field(default_factory=list)
    version: int = 0
    objects: dict[tuple[str, str, str], Raw] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.notes = AdditionalStates()
        self.store = Store(self.told.append)
        for kind in KINDS:
            for place, raw in self.objects.items():
                if place[0] == kind:
                    self.store.put(kind, raw)

    def begin(self) -> None:
        """Make the victim's resources."""
        video = {"source": {"url": "https://video.example/one.mp4"}, "destination": DESTINATION, "worker": SCRATCH}
        self.put(resource("VideoImport", "one", video))
        items = {"items": [{"url": url} for url in LINES]}
        self.put(resource("BulkImport", "many", {"source": items, "template": {"destination": DESTINATION}}))
        listed = {"playlist": {"url": "https://video.example/list"}}
        self.put(resource("BulkImport", "list", {"source": listed, "template": {"destination": DESTINATION}}))

    def put(self, raw: Raw) -> Raw:
        """As the API server would: with a UID and a version."""
        self.version += 1
        kept = copied(raw)
        place = (kept["kind"], kept["metadata"]["namespace"], kept["metadata"]["name"])
        kept["metadata"].setdefault("uid", f"uid-{self.version}")
        kept["metadata"].setdefault("creationTimestamp", NOW.isoformat())
        kept["metadata"] |= {"resourceVersion": str(self.version)}
        self.objects[place] = kept
        self.store.put(kept["kind"], kept)
        return kept

    def plan(self, key: Key) -> Plan[Any]:
        """What is decided of this key now."""
        entry = self.store.find(*key)
        assert entry is not None
        notes = self.notes.of(key, entry.uid)
        if key.kind == "VideoImport":
            return reconcile_video(
                observe_video(entry, list_owned(entry, self.store), self.store, notes), NOW, SETTINGS
            )
        return reconcile_bulk(observe_bulk(entry, list_owned(entry, self.store), self.store, notes), NOW, SETTINGS)

    def step(self, *, work: bool) -> None:
        """Each of the victim's resources once, and each Job if it is to work."""
        imports = [Key("VideoImport", *key[1:]) for key in list(self.objects) if key[:2] == ("VideoImport", "victim")]
        for key in sorted({*KEYS, *imports}):
            self.carry_out(key)
        if work:
            for place, raw in list(self.objects.items()):
                if place[:2] == ("Job", "victim") and not raw.get("status"):
                    self._work(raw)

    def carry_out(self, key: Key) -> None:
        plan = self.plan(key)
        if plan.status is not None:
            self.put({**self.objects[tuple(key)], "status": plan.status.wire()})
        for action in plan.actions:
            self._act(action)

    def _act(self, action: Any) -> None:
        if isinstance(action, StoreListingPage):
            number = int(action.manifest["metadata"]["labels"]["videoimport.io/page"])
            manifest = {**action.manifest, "data": {**action.manifest["data"], "items.jsonl": lines_of(number)}}
            self._act(Create(manifest))
        elif isinstance(action, Create):
            meta = action.manifest["metadata"]
            if (action.manifest["kind"], meta["namespace"], meta["name"]) not in self.objects:
                self.put(action.manifest)
        elif isinstance(action, Delete):
            gone = self.objects.pop((action.kind, action.namespace, action.name))
            self.version += 1
            self.store.remove(
                action.kind, {**gone, "metadata": gone["metadata"] | {"resourceVersion": str(self.version)}}
            )
        elif isinstance(action, Patch):
            raw = self.objects[action.kind, action.namespace, action.name]
            for part in ("spec", "data"):
                if part in action.patch:
                    raw = {**raw, part: {**raw.get(part, {}), **action.patch[part]}}
            self.put(raw)

    def _work(self, job: Raw) -> None:
        """The Job's pod has ended well."""
        told = job["spec"]["template"]["metadata"]["annotations"][TASK]
        message = listed(told) if '"Listing"' in told else imported(told)
        owner = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": job["metadata"]["name"],
            "uid": job["metadata"]["uid"],
        }
        meta = {
            "namespace": "victim",
            "name": f"{job['metadata']['name']}-x7k2p",
            "labels": job["metadata"]["labels"],
            "ownerReferences": [owner | {"controller": True}],
        }
        self.put({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "status": ended(message)})
        self.put({**job, "status": {"conditions": [{"type": "Complete", "status": "True"}]}})


@lru_cache(None)
def _grown(steps: int, works: bool) -> SimulatedTenants:
    if not steps:
        world = SimulatedTenants()
        world.begin()
        return world
    before = _grown(steps - 1, True)
    world = SimulatedTenants(version=before.version, objects=dict(before.objects))
    world.step(work=works)
    return world


def grown(steps: int, *, works: bool) -> SimulatedTenants:
    """The victim's namespace after so many steps; in the last one its Jobs work or not. Made of what the API server
    has, as by a controller that has just started."""
    before = _grown(steps, works)
    return SimulatedTenants(version=before.version, objects=dict(before.objects))


def resource(kind: str, name: str, spec: Raw, namespace: str = "victim", **meta: Any) -> Raw:
    metadata = {"namespace": namespace, "name": name, "generation": 1} | meta
    return {"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec}


def ended(message: str) -> Raw:
    state = {"terminated": {"exitCode": 0, "message": message}}
    return {"phase": "Succeeded", "containerStatuses": [{"name": "worker", "state": state}]}


def imported(told: str, **changes: Any) -> str:
    task = Task.model_validate_json(told)
    report = Report(
        uid=task.uid, run=task.run, spec_hash=task.spec_hash, outcome="Succeeded", finished_at=NOW,
        outputs=Outputs(video=OutputFile(uri="s3://videos/good.mp4")),
    )  # fmt: skip
    return report.model_copy(update=changes).model_dump_json(by_alias=True, exclude_none=True)


def listed(told: str) -> str:
    task = ListingTask.model_validate_json(told)
    lines, done = lines_of(task.page), (task.page + 1) * PAGE_SIZE >= len(LINES)
    report = PageReport(
        uid=task.uid, run=task.run, page=task.page, done=done, cursor=None if done else str(task.page + 1),
        count=lines.count("\n"), bytes=len(lines.encode()), sha256=hashlib.sha256(lines.encode()).hexdigest(),
    )  # fmt: skip
    return report.model_dump_json(by_alias=True, exclude_none=True)


# What another tenant plants

EVIL = "https://mallory.example/evil.mp4"


def planted(world: SimulatedTenants) -> st.SearchStrategy[Raw]:
    """An object in another namespace that looks as much like one of the victim's as its author likes: a copy of one of
    them, or one of another kind under one of their names, with an owner of their UIDs, names and kinds, forged."""
    everything = list(world.objects.values())
    uids = [raw["metadata"]["uid"] for raw in everything]
    names = [raw["metadata"]["name"] for raw in everything] + ["one-2", "many-list-r1", "list-list-r9", "one-scratch"]
    names += ["many-results-0", "list-earlier-0", f"many-{item_identity(EVIL)}", "anything"]
    whole = [reference(raw) for raw in everything]
    mixed = st.builds(
        lambda version, kind, name, uid, controller: {
            "apiVersion": version, "kind": kind, "name": name, "uid": uid, "controller": controller,
        },
        st.sampled_from([API, "batch/v1", "v1", "evil.example/v1"]), st.sampled_from([*KINDS, "Deployment"]),
        st.sampled_from(names), st.sampled_from([*uids, "another"]), st.booleans(),
    )  # fmt: skip
    owners = st.one_of(st.lists(st.sampled_from(whole), min_size=1, max_size=1), st.lists(mixed, max_size=3))
    copies = st.builds(
        _moved, st.sampled_from(everything), st.sampled_from(["mallory", "other"]), owners, st.booleans()
    )
    return st.one_of(copies, st.builds(
        _forged, st.sampled_from(list(KINDS)), st.sampled_from(["mallory", "other"]), st.sampled_from(names), owners,
        st.fixed_dictionaries({}, optional={
            "videoimport.io/import": st.sampled_from(names), "videoimport.io/bulk": st.sampled_from(names),
            "videoimport.io/run": st.sampled_from(["0", "1", "2", "99", "x"]),
            "videoimport.io/page": st.sampled_from(["0", "1", "2", "7"]),
            "videoimport.io/shard": st.sampled_from(["0", "1"]),
            "videoimport.io/listing": st.sampled_from(_listings(world)),
        }), st.sampled_from(uids), st.booleans(), st.integers(0, 3),
    ))  # fmt: skip


def reference(raw: Raw) -> Raw:
    meta = raw["metadata"]
    return {
        "apiVersion": raw["apiVersion"],
        "kind": raw["kind"],
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
    }


def _listings(world: SimulatedTenants) -> list[str]:
    status = world.objects[tuple(LIST)].get("status", {})
    return ["earlier", "0a1b2c3d", status.get("discovery", {}).get("listing", "ffffffff")]


def _moved(raw: Raw, namespace: str, owners: list[Raw], keep: bool) -> Raw:
    meta = {key: value for key, value in raw["metadata"].items() if key not in ("uid", "resourceVersion")}
    meta = meta | {"namespace": namespace} | ({} if keep else {"ownerReferences": owners})
    return copied({**raw, "metadata": meta})


def _forged(
    kind: str, namespace: str, name: str, owners: list[Raw], labels: Raw, uid: str, ends: bool, run: int
) -> Raw:
    meta = {"namespace": namespace, "name": name, "labels": OURS | labels, "ownerReferences": owners}
    raw: Raw = {"apiVersion": KINDS[kind].api_version, "kind": kind, "metadata": meta | {"generation": 1}}  # type: ignore[index]
    return copied(raw | _content(kind, uid, ends, run))


def _content(kind: str, uid: str, ends: bool, run: int) -> Raw:
    report = Report(
        uid=uid, run=run, spec_hash="0" * 64, outcome="Succeeded" if ends else "Failed", finished_at=NOW,
        reason=None if ends else Reason.RATE_LIMITED, outputs=Outputs(video=OutputFile(uri="s3://mallory/evil.mp4")),
    ).model_dump_json(by_alias=True, exclude_none=True)  # fmt: skip
    line = PageLine(found=FoundItem(id=item_identity(EVIL), url=EVIL)).model_dump_json(by_alias=True, exclude_none=True)
    facts = PageFacts(done=ends, cursor=None if ends else "9", integration="items").model_dump_json(by_alias=True)
    rest = {"host": "video.example", "failures": 3, "time": NOW.isoformat(), "until": "2026-05-04T13:00:00Z"}
    waits = {"phase": "Pending", "reason": "RateLimited", "run": run, "attempts": {"nextRetryTime": rest["until"]}}
    imports = {"spec": {"source": {"url": EVIL if ends else LINES[0]}, "destination": DESTINATION}}
    return {
        "Job": {"spec": {}, "status": {"conditions": [{"type": "Complete" if ends else "Failed", "status": "True"}]}},
        "Pod": {"status": ended(report)},
        "ConfigMap": {"data": {
            "page.json": facts, "items.jsonl": f"{line}\n",
            item_identity(LINES[run]): f'{{"url": "{EVIL}", "success": {str(ends).lower()}}}',
        }},
        "PersistentVolumeClaim": {"status": {"phase": "Bound" if ends else "Pending"}},
        "VideoImport": imports | {"status": waits | {"hostBackoff": rest | {"probing": ends}}},
        "BulkImport": {
            "spec": {"source": {"items": [{"url": url} for url in LINES]}, "template": {"destination": DESTINATION}},
            "status": {"phase": "Processing"},
        },
    }[kind]  # fmt: skip
