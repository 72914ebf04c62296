"""The Jobs of what a bulk has done besides importing."""

from dataclasses import replace

import pytest

from support.core.discovery_builders import LIST, begun, created, ended, listed, look, pod_of, task_in
from support.core.video_builders import NOW, SETTINGS
from videoimport.api.labels import IMPORT
from videoimport.api.reasons import Reason
from videoimport.api.tasks.listing_task import ListingTask, PageReport
from videoimport.api.videoimport_status import Attempts
from videoimport.core.discovery.job import read_page_report
from videoimport.core.jobs.bulk_task_job import find_task_run, finish_task, has_active_worker
from videoimport.core.jobs.run_lifecycle import RunState
from videoimport.core.names_and_owners import Word
from videoimport.core.observed import ObservedBulk

DESTINATION = {"s3": {"bucket": "media"}, "credentialsSecretRef": {"name": "out"}}


def run_of(observed: ObservedBulk, word: Word = "list") -> RunState:
    """The first run of a task."""
    return find_task_run(observed, word, 1, Attempts(), NOW, SETTINGS)


def manifest(**spec):
    return created(look(listed(**spec)))


def pod_spec(**spec):
    return manifest(**spec)["spec"]["template"]["spec"]


def volumes(**spec):
    return {volume["name"]: volume for volume in pod_spec(**spec)["volumes"]}


def mounts(**spec):
    (container,) = pod_spec(**spec)["containers"]
    return {mount["name"]: mount for mount in container["volumeMounts"]}


def worker(**options):
    return {"template": {"destination": {"s3": {"bucket": "media"}}, "worker": options}}


def test_the_task_reaches_the_pod_whole():
    task = ListingTask.model_validate(task_in(manifest(**worker(proxy="http://proxy.example"))))
    assert (task.uid, task.namespace, task.name, task.run, task.page) == ("bulk-uid", "films", "talks", 1, 0)
    assert (task.source.manifest.url, task.proxy) == (LIST["manifest"]["url"], "http://proxy.example")


def test_it_is_owned_by_the_bulk_and_taken_for_no_import():
    made = manifest()
    (owner,) = made["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("BulkImport", "bulk-uid", True)
    for labels in (made["metadata"]["labels"], made["spec"]["template"]["metadata"]["labels"]):
        assert labels["videoimport.io/bulk"] == "talks"
        assert labels["videoimport.io/run"] == "1"
        assert IMPORT not in labels


def test_it_is_tried_once_and_has_no_ttl():
    spec = manifest()["spec"]
    assert (spec["backoffLimit"], spec["template"]["spec"]["restartPolicy"]) == (0, "Never")
    assert "ttlSecondsAfterFinished" not in spec
    task = task_in(manifest())
    assert spec["activeDeadlineSeconds"] > task.get("timeoutSeconds", 900)


def test_secrets_are_mounted_and_never_waited_for():
    spec = {
        "source": {**LIST, "credentialsSecretRef": {"name": "in"}},
        "template": {"destination": DESTINATION},
    }
    found = volumes(**spec)
    assert {found[name]["secret"]["secretName"] for name in ("source-credentials", "destination-credentials")} == {
        "in",
        "out",
    }
    assert all(volume["secret"]["optional"] for volume in found.values() if "secret" in volume)
    assert mounts(**spec)["source-credentials"]["readOnly"]


def test_without_the_index_nothing_of_the_destination_is_mounted():
    spec = {"template": {"destination": DESTINATION}, "incremental": False}
    assert "destination-credentials" not in volumes(**spec)


def test_a_volume_as_destination_is_mounted_for_reading():
    spec = {"template": {"destination": {"persistentVolumeClaim": {"claimName": "shelf"}}}}
    assert volumes(**spec)["destination"]["persistentVolumeClaim"] == {"claimName": "shelf"}
    assert mounts(**spec)["destination"] == {"name": "destination", "mountPath": "/destination", "readOnly": True}


def test_a_manifest_in_a_config_map_is_mounted_and_never_waited_for():
    spec = {"source": {"manifest": {"configMapKeyRef": {"name": "list", "key": "urls.txt"}}}}
    assert volumes(**spec)["manifest"]["configMap"] == {"name": "list", "optional": True}
    assert mounts(**spec)["manifest"]["mountPath"] == "/etc/videoimport/manifest"


def test_it_asks_for_what_a_list_needs_and_not_for_what_a_video_does():
    options = {
        "resources": {
            "requests": {"cpu": "20m", "memory": "16Gi"},
            "limits": {"cpu": "50m", "memory": "32Gi", "nvidia.com/gpu": "1"},
        },
        "scratch": {"size": "100Gi", "storageClassName": "fast"},
    }
    (container,) = pod_spec(**worker(**options))["containers"]
    assert container["resources"] == {
        "requests": {"cpu": "50m", "memory": "256Mi", "ephemeral-storage": "256Mi"},
        "limits": {"cpu": "50m", "memory": "32Gi"},
    }
    assert volumes(**worker(**options))["scratch"]["emptyDir"] == {"sizeLimit": "1Gi"}


def test_a_list_has_a_lower_limit_of_memory_than_a_video():
    (container,) = pod_spec()["containers"]
    assert container["resources"]["limits"] == {"memory": "512Mi"}


def test_where_and_as_whom_it_runs_is_the_users_choice():
    options = {
        "nodeSelector": {"disk": "fast"},
        "serviceAccountName": "media",
        "labels": {"team": "archive", "kueue.x-k8s.io/queue-name": "slow"},
        "caBundleConfigMapRef": {"name": "our-ca"},
    }
    made = manifest(**worker(**options))
    spec = made["spec"]["template"]["spec"]
    assert (spec["nodeSelector"], spec["serviceAccountName"]) == ({"disk": "fast"}, "media")
    assert made["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "slow"
    assert made["spec"]["template"]["metadata"]["labels"]["team"] == "archive"
    assert "kueue.x-k8s.io/queue-name" not in made["spec"]["template"]["metadata"]["labels"]
    assert volumes(**worker(**options))["ca-bundle"]["configMap"]["name"] == "our-ca"


@pytest.mark.parametrize("key", ["runAsNonRoot", "seccompProfile"])
def test_it_is_as_restricted_as_an_imports_pod(key):
    spec = pod_spec()
    assert spec["automountServiceAccountToken"] is False
    assert key in spec["securityContext"]
    assert spec["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_task_jobs_are_distinguished_by_their_names():
    wish, job = begun()
    hook = replace(job, name="talks-hook-r1", uid="hook")
    odd = replace(job, name="talks-list-r7", uid="odd")
    observed = ObservedBulk(wish, jobs=(hook, odd, job))
    assert [found.uid for found in run_of(observed, "list").jobs] == [job.uid]
    assert [found.uid for found in run_of(observed, "hook").jobs] == ["hook"]


def test_a_killed_worker_is_not_believed():
    wish, job = begun()
    text = PageReport(uid="bulk-uid", run=1, page=0, done=True).model_dump_json(by_alias=True)
    seen = ended(job, text)
    killed = (replace(seen["pods"][0], oom_killed=True),)
    ending = finish_task(run_of(ObservedBulk(wish, jobs=seen["jobs"], pods=killed)), wish, read_page_report)
    assert (ending.reason, ending.report) == (Reason.OUT_OF_MEMORY, None)


@pytest.mark.parametrize("limit", [None, "1Gi"])
@pytest.mark.parametrize("word", ["list", "hook"])
def test_a_killed_task_job_names_the_field_that_bounds_its_memory(word: Word, limit: str | None):
    wish, job = begun(**worker(**({"resources": {"limits": {"memory": limit}}} if limit else {})))
    job = replace(job, name=f"{wish.metadata.name}-{word}-r{job.run}")
    seen = ended(job, "", good=False)
    killed = (replace(seen["pods"][0], oom_killed=True, termination_message=None),)
    ending = finish_task(run_of(ObservedBulk(wish, jobs=seen["jobs"], pods=killed), word), wish, read_page_report)
    assert ending.reason is Reason.OUT_OF_MEMORY
    field = "spec.template.worker.resources.limits.memory" if limit else "the chart's worker.listingMemory"
    assert field in ending.advice
    assert ending.advice.startswith("Check the address of the list" if word == "list" else "Raise")


def test_a_reason_that_no_worker_can_have_is_a_mistake_of_ours():
    wish, job = begun()
    text = PageReport(uid="bulk-uid", run=1, page=0, reason=Reason.UNSCHEDULABLE).model_dump_json(by_alias=True)
    seen = ended(job, text, good=False)
    assert finish_task(run_of(ObservedBulk(wish, **seen)), wish, read_page_report).reason is Reason.INTERNAL


def test_it_is_under_way_until_its_pod_has_ended_too():
    wish, job = begun()
    stopping = replace(job, finished="Failed")
    observed = ObservedBulk(wish, jobs=(stopping,), pods=pod_of(stopping, phase="Running", deleting=True))
    assert has_active_worker(observed, stopping)
    assert not has_active_worker(ObservedBulk(wish, jobs=(stopping,)), stopping)
