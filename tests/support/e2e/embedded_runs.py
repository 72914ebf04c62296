"""Manifests of the cluster in embedded mode on this machine, with the same addresses as in the cluster."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from cluster.folders import Folders, cache_folder
from demo.backends import ACCESS_KEY, SECRET_KEY
from demo.install import service_networks
from demo.kubectl import Kubectl
from ffmpegs import Cellar
from support.e2e.cluster_state import Resource
from support.waiting import LONGEST_SECONDS

PREFIX, OWN_PREFIX = "e2e/examples", "e2e/embedded"
"""Prefixes of the destination in the cluster and in embedded mode. Both runs would otherwise meet in one folder."""
CLUSTER = "videoimport"
IMAGE_FFMPEG = "7.1"
"""The ffmpeg of the worker's image. Another one makes other bytes of the same video."""
BUCKET_KEYS: Resource = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "bucket-keys"},
    "stringData": {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY},
}
_OTHER_FOLDER = "a digest of the spec or the task, and the destination has another prefix"
_RESULT = "result.json has the UID, the times and the prefix"
_MEASURED = "a measurement of one run"
_PATCHED = "the cluster's resource was changed while it existed, and the manifest of the embedded mode was not"
_SLOWNESS = "a listing keeps an early page of what it has, if the rest takes long"
DIFFERENT: Mapping[str, str] = {
    "*Time": "a time",
    "usage.*": _MEASURED,
    "bytesIn": _MEASURED,
    "bytesOut": f"{_MEASURED}: the sum of the items' usage",
    "results[[]].bytes*": _MEASURED,
    "outputs.result.sha256": _RESULT,
    "outputs.result.sizeBytes": _RESULT,
    "stages[[]].seconds": _MEASURED,
    "job.uid": "the name of a Job's object, which is new in each run",
    "observedSpecHash": _OTHER_FOLDER,
    "discovery.listing": _OTHER_FOLDER,
    "discovery.pageDigests.*": _OTHER_FOLDER,
    "discovery.pages": _SLOWNESS,
    "discovery.run": _SLOWNESS,
    "discovery.wish": _OTHER_FOLDER,
    "itemsRef": _SLOWNESS,
    "itemsRef[[]].name": "the name has the identity of the listing",
    "webhook.id": "the UIDs differ, and a message has its id from the UID",
    "webhook.wish": _OTHER_FOLDER,
    "observedGeneration": _PATCHED,
    "conditions[[]].observedGeneration": _PATCHED,
}
"""The fields in which the embedded mode may differ from a cluster, and the reason. [[] stands for a bracket."""
STOPPED: Mapping[str, str] = {
    "progressPercent": "a refused import stops where it is, which depends on the speed of the machine",
    "stages[[]].percent": "as progressPercent",
    "stages[[]].bytesDone": "as progressPercent",
}
_KINDS = ("VideoImport", "BulkImport", "Secret", "ConfigMap")
_MOUNT = 'mount --bind "$0" /etc/hosts && exec "$@"'


@dataclass(frozen=True)
class EmbeddedRun:
    """A user of the embedded mode on the cluster's node: its network, and its names by a hosts file."""

    kubectl: Kubectl
    folder: Path
    claims: Sequence[str] = ()
    """NAME=DIR of each claim."""

    def finish(self, documents: Sequence[Resource]) -> dict[str, Resource]:
        """Run the documents to their end, and return the final resources by kind and name, such as bi/course."""
        manifest = self.folder / "all.json"
        manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(map(self._own, documents))}))
        words = [word for claim in self.claims for word in ("--claim", claim)]
        words += [word for network in service_networks(self.kubectl) for word in ("--allow-network", network)]
        command = [sys.executable, "-m", "videoimport.cli", "run", "-f", manifest, "-o", "json", *words]
        ran = subprocess.run(self._wrap(command), capture_output=True, text=True, timeout=LONGEST_SECONDS)
        assert ran.returncode in range(2) or ran.returncode >= 64, ran.stderr
        assert ran.stdout, ran.stderr
        printed = json.loads(_move_back(ran.stdout))
        found = printed["items"] if printed["kind"] == "List" else [printed]
        return {f"{_SHORT[raw['kind']]}/{raw['metadata']['name']}": raw for raw in found}

    def _own(self, document: Resource) -> Resource:
        assert document["kind"] in _KINDS, document["kind"]
        moved: Resource = json.loads(json.dumps(document).replace(PREFIX, OWN_PREFIX))
        moved["metadata"]["namespace"] = self.kubectl.namespace
        return moved

    def _wrap(self, command: Sequence[object]) -> list[str]:
        hosts = self.folder / "hosts"
        lines = ["127.0.0.1 localhost"]
        for service in self.kubectl.json("get", "services")["items"]:
            name = f"{service['metadata']['name']}.{self.kubectl.namespace}.svc.cluster.local"
            lines.append(f"{service['spec']['clusterIP']} {name}")
        hosts.write_text("\n".join(lines) + "\n")
        network = Folders(cache_folder(), CLUSTER).node_netns
        path = os.pathsep.join((str(Cellar(cache_folder()).obtain(IMAGE_FFMPEG)), os.environ["PATH"]))
        inside = [
            "env",
            f"PATH={path}",
            "nsenter",
            f"--net={network}",
            "unshare",
            "--mount",
            "sh",
            "-c",
            _MOUNT,
            str(hosts),
        ]
        return [*inside, *map(str, command)]


_SHORT = {"VideoImport": "vi", "BulkImport": "bi"}


def _move_back(text: str) -> str:
    return text.replace(OWN_PREFIX, PREFIX)


def compare(cluster: Resource, embedded: Resource, more: Mapping[str, str]) -> dict[str, tuple[Any, Any]]:
    """Return the differences of two final statuses, without those of DIFFERENT and ``more``, which have reasons."""
    found = list_differences(cluster["status"], embedded["status"])
    known = (*DIFFERENT, *more)
    return {path: values for path, values in found.items() if not any(fnmatchcase(path, field) for field in known)}


def list_differences(cluster: Any, embedded: Any, path: str = "") -> dict[str, tuple[Any, Any]]:
    """Return both values of each field that differs, by its path, such as stages[].mode. A missing field is None."""
    if isinstance(cluster, dict) and isinstance(embedded, dict):
        found: dict[str, tuple[Any, Any]] = {}
        for key in cluster | embedded:
            found |= list_differences(cluster.get(key), embedded.get(key), f"{path}.{key}".lstrip("."))
        return found
    if isinstance(cluster, list) and isinstance(embedded, list) and len(cluster) == len(embedded):
        found = {}
        for one, other in zip(cluster, embedded, strict=True):
            found |= list_differences(one, other, f"{path}[]")
        return found
    return {} if cluster == embedded else {path: (cluster, embedded)}
