"""A bulk from manifest to files, watched as a user would; cancelled, deleted, and with its controller killed."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

from demo.kubectl import Kubectl
from support.e2e.cluster_state import apply, await_nothing, await_state, condition, finished, names, pod_of
from support.e2e.manifests import SITE, bulk

FOUR = [f"{SITE}/compliant.mp4", f"{SITE}/talk.html", f"{SITE}/encode.webm", f"{SITE}/gone.mp4"]
SLOW = [f"{SITE}/slow/compliant.mp4", f"{SITE}/slow/player.mp4", f"{SITE}/slow/encode.webm"]


def key_of(uri: str) -> str:
    return uri.removeprefix("s3://videos/")


def test_four_links_become_three_verified_files_and_one_reason(kubectl: Kubectl, bucket: Any, tmp_path: Path) -> None:
    apply(kubectl, bulk("four", FOUR))
    with subprocess.Popen(
        kubectl.argv("get", "bi", "four", "-w", "--no-headers"), stdout=subprocess.PIPE, text=True
    ) as watching:
        done = finished(kubectl, "bi/four")
        watching.terminate()
        shown = watching.communicate()[0].splitlines()

    status = done["status"]
    assert (status["phase"], status["total"], status["completed"], status["failed"]) == ("Completed", 4, 3, 1)
    assert status["progressPercent"] == 100
    assert condition(done, "AllSucceeded")["status"] == "False"
    failed = [result for result in status["results"] if not result["success"]]
    assert [(result["url"], result["reason"]) for result in failed] == [(FOUR[3], "SourceNotFound")]
    percents = {line.split()[2] for line in shown if len(line.split()) > 3}
    assert len(percents) > len(FOUR), f"progress moved only through {percents}"

    modes = {}
    for result in status["results"]:
        if not result["success"]:
            continue
        child = kubectl.json("get", f"videoimport/{result['importName']}")["status"]
        modes[result["url"]] = next(stage["mode"] for stage in child["stages"] if stage["name"] == "Transcode")
        copied = tmp_path / f"{result['importName']}.mp4"
        bucket.download_file("videos", key_of(result["uri"]), str(copied))
        assert copied.stat().st_size == child["outputs"]["video"]["sizeBytes"]
        played = subprocess.run(
            ["ffmpeg", "-v", "error", "-xerror", "-i", str(copied), "-f", "null", "-"], capture_output=True
        )
        assert (played.returncode, played.stderr) == (0, b"")
        written = json.loads(
            bucket.get_object(Bucket="videos", Key=key_of(child["outputs"]["result"]["uri"]))["Body"].read()
        )
        assert written["videoId"] == child["videoId"] == result["videoId"]
    assert modes[FOUR[0]] == "Remux"
    assert modes[FOUR[2]] == "Encode"
    shards = [kubectl.json("get", f"configmap/{reference['name']}") for reference in status["resultsRef"]]
    assert sum(len(shard["data"]) for shard in shards) == 4


def test_the_leader_killed_in_the_middle_changes_nothing(kubectl: Kubectl, bucket: Any) -> None:
    urls = [f"{SITE}/slow/encode.webm", f"{SITE}/compliant.mp4", f"{SITE}/gone.mp4"]
    apply(kubectl, bulk("killed", urls, parallelism=1))
    await_state(kubectl, "bi/killed", lambda found: found.get("status", {}).get("progressPercent", 0) > 3, "under way")
    system = Kubectl(kubectl.binary, kubectl.kubeconfig, "videoimport-system")
    leader = system.json("get", "lease", "videoimport-controller")["spec"]["holderIdentity"].split("_")[0]
    subprocess.run(system.argv("delete", "pod", leader, "--force", "--grace-period=0"), check=True, capture_output=True)

    status = finished(kubectl, "bi/killed")["status"]
    assert (status["phase"], status["completed"], status["failed"]) == ("Completed", 2, 1)
    for child in kubectl.json("get", "vi", "-l", "videoimport.io/bulk=killed")["items"]:
        assert child["status"]["run"] == 1, "nothing was done twice"
    jobs = names(kubectl, "jobs", "-l", "videoimport.io/import")
    assert len(jobs) == len(set(jobs))
    objects = [found["Key"] for found in bucket.list_objects_v2(Bucket="videos", Prefix="e2e/killed/")["Contents"]]
    assert len([key for key in objects if key.endswith("/video.mp4")]) == 2


def test_cancel_ends_soon_and_leaves_no_upload(kubectl: Kubectl, bucket: Any) -> None:
    apply(kubectl, bulk("cancelled", SLOW, parallelism=2))
    child = first_child(kubectl, "cancelled")
    pod_of(kubectl, child)
    began = time.monotonic()
    apply(kubectl, bulk("cancelled", SLOW, parallelism=2, cancel=True))
    done = finished(kubectl, "bi/cancelled")
    print(f"cancelled after {time.monotonic() - began:.1f} s")
    assert done["status"]["phase"] == "Cancelled"
    assert condition(done, "Finished")["reason"] == "Cancelled"
    for video in kubectl.json("get", "vi", "-l", "videoimport.io/bulk=cancelled")["items"]:
        assert video["status"]["phase"] == "Cancelled"
    pods = kubectl.json("get", "pods", "-l", f"videoimport.io/import={child}")["items"]
    assert [pod["metadata"]["name"] for pod in pods if is_worker_running(pod)] == []
    await_nothing(lambda: names(kubectl, "pods", "-l", f"videoimport.io/import={child}"))
    uploads = bucket.list_multipart_uploads(Bucket="videos", Prefix="e2e/cancelled/").get("Uploads", [])
    assert uploads == []


def test_deleting_a_running_bulk_leaves_nothing(kubectl: Kubectl) -> None:
    apply(kubectl, bulk("deleted", [f"{SITE}/gone.mp4", *SLOW], parallelism=3))
    await_state(kubectl, "bi/deleted", lambda found: bool(found.get("status", {}).get("resultsRef")), "in the ledger")
    children = [name.partition("/")[2] for name in names(kubectl, "vi", "-l", "videoimport.io/bulk=deleted")]
    assert children
    pod_of(kubectl, children[-1])
    subprocess.run(kubectl.argv("delete", "bi", "deleted"), check=True, capture_output=True)

    def left() -> list[str]:
        own = names(kubectl, "videoimports,configmaps", "-l", "videoimport.io/bulk=deleted")
        of_children = f"videoimport.io/import in ({','.join(children)})"
        return own + names(kubectl, "jobs,pods", "-l", of_children)

    await_nothing(left)


def is_worker_running(pod: Any) -> bool:
    """Whether the pod's worker has not ended. The kubelet removes a pod a moment after its last container."""
    workers = [one for one in pod["status"].get("containerStatuses", []) if one["name"] == "worker"]
    return any("terminated" not in one["state"] for one in workers)


def first_child(kubectl: Kubectl, name: str) -> str:
    """The name of the first child that appears."""
    await_state(kubectl, f"bi/{name}", lambda found: bool(found.get("status", {}).get("active")), "active")
    return names(kubectl, "vi", "-l", f"videoimport.io/bulk={name}")[0].partition("/")[2]
