"""What a namespace came to, without what differs from run to run: times, UIDs, versions."""

import json
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from support.controller.api_server import ApiServer, Raw, await_until, holds
from videoimport.api.labels import PAGE

_PASSING = {
    "uid",
    "updatedTime",
    "startTime",
    "completionTime",
    "lastTransitionTime",
    "etaSeconds",
    "message",
    "deadline",
}
"""Keys whose values tell of a moment; messages may name one."""
_HASHED = {"id", "wish", "deliveredTime", "listing", "pageDigests", "itemsRef"}
"""The same of a webhook and of a list: their hashes are of a UID, or of a moment."""


def final_state(api: ApiServer, namespace: str) -> Raw:
    """Every resource, Job and shard, by kind and name."""
    return {
        **{
            f"{kind}/{item['metadata']['name']}": _lasting(item.get("status", {}))
            for kind in ("BulkImport", "VideoImport")
            for item in api.all_of(kind, namespace)
        },
        **{f"Job/{job['metadata']['name']}": _job(job) for job in api.all_of("Job", namespace)},
        **{
            f"ConfigMap/{_part(shard)}": {
                key: [_lasting(json.loads(line)) for line in text.split("\n") if line]
                for key, text in shard["data"].items()
            }
            for shard in api.all_of("ConfigMap", namespace, "app.kubernetes.io/managed-by=videoimport")
        },
    }


def _part(shard: Raw) -> str:
    """Its name, but for the hash of a page's list."""
    labels: Raw = shard["metadata"]["labels"]
    return f"page-{labels[PAGE]}" if PAGE in labels else str(shard["metadata"]["name"])


def _job(job: Raw) -> Raw:
    end = "Complete" if holds(job, "Complete") else "Failed" if holds(job, "Failed") else None
    return {"end": end, "expires": "ttlSecondsAfterFinished" in job["spec"]}


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lasting(inner) for key, inner in value.items() if key not in _PASSING | _HASHED}
    if isinstance(value, list):
        return sorted((_lasting(inner) for inner in value), key=lambda inner: json.dumps(inner, sort_keys=True))
    return value


def await_state(api: ApiServer, namespace: str, wanted: Raw, explain: Any = str) -> None:
    """Until everything is as it should be; shows what is not."""

    def differences() -> str:
        found = final_state(api, namespace)
        keys = sorted(key for key in {*found, *wanted} if found.get(key) != wanted.get(key))
        shown = [f"{key}:\n  is   {found.get(key)}\n  want {wanted.get(key)}" for key in keys]
        return "\n".join([*shown, explain()])

    await_until("the settled state", lambda: final_state(api, namespace) == wanted, explain=differences)


def finished(api: ApiServer, kind: str, namespace: str, name: str) -> Raw:
    """The object once its condition Finished is true."""

    def shown() -> str:
        return json.dumps(api.get(kind, namespace, name).get("status"))

    await_until(f"the end of {kind} {name}", lambda: holds(api.get(kind, namespace, name), "Finished"), explain=shown)
    return api.get(kind, namespace, name)


def phase(api: ApiServer, namespace: str) -> str | None:
    """Of the import called one."""
    found: str | None = api.get("VideoImport", namespace, "one").get("status", {}).get("phase")
    return found


def its_worker_runs(api: ApiServer, namespace: str) -> bool:
    """The import called one has a running worker, and the controller knows its Job."""
    pods = [pod["status"].get("phase") for pod in api.all_of("Pod", namespace)]
    job = api.get("VideoImport", namespace, "one").get("status", {}).get("job", {})
    return pods == ["Running"] and "uid" in job


@dataclass
class JobRecord:
    """UIDs of all Jobs that ever were, by name: a watch sees also those that are gone."""

    api: ApiServer
    namespace: str
    uids: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def run(self, stopping: threading.Event) -> None:
        """Until stopping is set."""
        for event in self.api.watch("Job", self.namespace, stopping):
            metadata = event["object"]["metadata"]
            self.uids[metadata["name"]].add(metadata["uid"])
