"""The Job of a run: what it must have, and what nobody may take from it."""

import json
from datetime import timedelta

import pytest

from support.core.video_builders import SETTINGS, video
from videoimport.api.labels import OUR_PREFIXES
from videoimport.api.tasks.import_task import SCRATCH_PATH, TASK_PATH, Politeness, Task, spec_hash, wish_hash
from videoimport.core.jobs.import_job import build_import_job
from videoimport.core.parsers import parse_job
from videoimport.core.settings import Settings

SECRET = {"destination": {"s3": {"bucket": "media"}, "credentialsSecretRef": {"name": "store-keys"}}}


def manifest(settings=SETTINGS, run=3, **given):
    return build_import_job(video(**given), run, settings)


def made(**meta):
    """The Job as the API server gives it back."""
    found = manifest(meta=meta)
    return found | {"metadata": found["metadata"] | {"uid": "j", "creationTimestamp": "2026-05-04T12:00:00Z"}}


def pod_spec(**given):
    return manifest(**given)["spec"]["template"]["spec"]


def container(**given):
    return pod_spec(**given)["containers"][0]


def test_job_is_named_and_labelled_after_its_import_and_run():
    meta = manifest()["metadata"]
    assert (meta["name"], meta["namespace"]) == ("talk-3", "films")
    assert meta["labels"] == {
        "app.kubernetes.io/name": "videoimport",
        "app.kubernetes.io/managed-by": "videoimport",
        "app.kubernetes.io/component": "worker",
        "videoimport.io/import": "talk",
        "videoimport.io/run": "3",
    }


def test_job_and_pod_carry_the_same_labels():
    found = manifest()
    asked = {"sidecar.istio.io/inject": "false"}
    assert found["spec"]["template"]["metadata"]["labels"] == found["metadata"]["labels"] | asked


def test_job_belongs_to_its_import():
    assert manifest()["metadata"]["ownerReferences"] == [
        {
            "apiVersion": "videoimport.io/v1alpha1",
            "kind": "VideoImport",
            "name": "talk",
            "uid": "0b0e7c1e-uid",
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def test_users_labels_and_annotations_reach_job_and_pod():
    worker = {"labels": {"team": "press"}, "annotations": {"sidecar.istio.io/inject": "false"}}
    found = manifest(worker=worker)
    for meta in (found["metadata"], found["spec"]["template"]["metadata"]):
        assert meta["labels"]["team"] == "press"
        assert meta["annotations"]["sidecar.istio.io/inject"] == "false"


def test_users_labels_and_annotations_never_override_ours():
    mine = {f"{prefix}{name}": "mine" for prefix in OUR_PREFIXES for name in ("run", "import", "task", "name")}
    refused = {"labels": mine, "annotations": mine}  # now; the spec may be older
    wish = video()
    worker = wish.spec.worker.model_copy(update=refused)
    stored = wish.model_copy(update={"spec": wish.spec.model_copy(update={"worker": worker})})
    found = build_import_job(stored, 3, SETTINGS)
    assert "mine" not in json.dumps(found["metadata"])
    assert "mine" not in json.dumps(found["spec"]["template"]["metadata"]["labels"])
    assert manifest()["metadata"]["annotations"].keys() == found["metadata"]["annotations"].keys()
    assert manifest()["metadata"]["labels"] == found["metadata"]["labels"]


def test_queue_labels_of_the_import_reach_its_job_and_not_its_pod():
    """Kueue would otherwise admit Job and pod one by one."""
    meta = {"labels": {"kueue.x-k8s.io/queue-name": "night", "app": "mine"}}
    found = manifest(meta=meta)
    assert found["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "night"
    assert "kueue.x-k8s.io/queue-name" not in found["spec"]["template"]["metadata"]["labels"]
    assert "app" not in found["metadata"]["labels"]


def test_queue_among_the_workers_labels_is_the_jobs_too():
    found = manifest(worker={"labels": {"kueue.x-k8s.io/queue-name": "night", "team": "press"}})
    assert found["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "night"
    assert "kueue.x-k8s.io/queue-name" not in found["spec"]["template"]["metadata"]["labels"]


def test_job_is_never_made_suspended_and_never_with_a_ttl():
    assert not {"suspend", "ttlSecondsAfterFinished"} & manifest()["spec"].keys()


def test_job_says_which_wish_it_was_made_from():
    assert parse_job(made(generation=7)).wish == wish_hash(video().spec)


def test_gitops_tools_are_kept_calm():
    assert manifest()["metadata"]["annotations"]["argocd.argoproj.io/ignore-resource-updates"] == "true"


def test_one_pod_tried_once_and_every_end_recorded_in_the_jobs_condition():
    found = manifest()["spec"]
    assert found["backoffLimit"] == 0
    assert found["template"]["spec"]["restartPolicy"] == "Never"
    rules = found["podFailurePolicy"]["rules"]
    assert [rule["action"] for rule in rules] == ["FailJob", "FailJob"]
    assert rules[0]["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]
    assert rules[1]["onExitCodes"] == {"containerName": "worker", "operator": "NotIn", "values": [0]}


def test_jobs_deadline_strikes_after_the_workers_own():
    assert manifest(timeoutSeconds=600)["spec"]["activeDeadlineSeconds"] == 900


def test_task_stands_in_the_pods_annotation_and_survives_the_trip():
    wish = video(**SECRET)
    annotations = build_import_job(wish, 3, SETTINGS)["spec"]["template"]["metadata"]["annotations"]
    task = Task.model_validate_json(annotations["videoimport.io/task"])
    assert task.spec == wish.spec
    assert (task.uid, task.namespace, task.name, task.run) == (wish.metadata.uid, "films", "talk", 3)
    assert task.spec_hash == spec_hash(wish.spec) == spec_hash(task.spec)


def test_task_knows_the_networks_that_are_allowed():
    found = manifest(settings=Settings("w", allowed_networks=("10.0.0.0/8",)))
    task = json.loads(found["spec"]["template"]["metadata"]["annotations"]["videoimport.io/task"])
    assert task["allowedNetworks"] == ["10.0.0.0/8"]


def test_task_knows_how_sources_are_to_be_treated_and_when_a_run_has_stalled():
    polite = Politeness(bytes_per_second=1000, sleep_seconds=2)
    found = manifest(settings=Settings("w", stall=timedelta(seconds=90), politeness=polite))
    task = Task.model_validate_json(found["spec"]["template"]["metadata"]["annotations"]["videoimport.io/task"])
    assert (task.stall_seconds, task.politeness) == (90, polite)


def test_worker_finds_its_task_through_the_downward_api():
    volume = next(volume for volume in pod_spec()["volumes"] if volume["name"] == "task")
    item = volume["downwardAPI"]["items"][0]
    mount = next(mount for mount in container()["volumeMounts"] if mount["name"] == "task")
    assert f"{mount['mountPath']}/{item['path']}" == TASK_PATH
    assert item["fieldRef"] == {"fieldPath": "metadata.annotations['videoimport.io/task']"}


def test_pod_passes_pod_security_restricted():
    spec, worker = pod_spec(), container()
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert {spec["securityContext"][key] for key in ("runAsUser", "runAsGroup", "fsGroup")} == {65532}
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert worker["securityContext"]["allowPrivilegeEscalation"] is False
    assert worker["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_pod_holds_nothing_of_the_clusters_and_may_write_only_to_its_volumes():
    spec, worker = pod_spec(), container()
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert worker["securityContext"]["readOnlyRootFilesystem"] is True
    writable = [mount["mountPath"] for mount in worker["volumeMounts"] if not mount.get("readOnly")]
    assert writable == [SCRATCH_PATH, "/tmp"]
    assert worker["env"] == [{"name": "HOME", "value": "/tmp"}]


def test_every_mount_has_its_volume():
    names = [volume["name"] for volume in pod_spec(**SECRET)["volumes"]]
    assert [mount["name"] for mount in container(**SECRET)["volumeMounts"]] == names
    assert len(set(names)) == len(names)


def test_scratch_has_the_size_that_was_asked_for():
    worker = {"scratch": {"size": "50Gi"}}
    volume = next(volume for volume in pod_spec(worker=worker)["volumes"] if volume["name"] == "scratch")
    assert volume["emptyDir"] == {"sizeLimit": "50Gi"}
    assert container(worker=worker)["resources"]["requests"]["ephemeral-storage"] == "50Gi"


@pytest.mark.parametrize(
    ("resources", "requests", "limits"),
    [
        ({}, {"cpu": "100m", "memory": "256Mi"}, {"memory": "2Gi"}),
        ({"requests": {"memory": "4Gi"}}, {"cpu": "100m", "memory": "4Gi"}, {"memory": "4Gi"}),
        ({"requests": {"memory": "1Gi"}}, {"cpu": "100m", "memory": "1Gi"}, {"memory": "2Gi"}),
        ({"requests": {"cpu": "2"}}, {"cpu": "2", "memory": "256Mi"}, {"memory": "2Gi"}),
        ({"limits": {"memory": "128Mi"}}, {"cpu": "100m", "memory": "128Mi"}, {"memory": "128Mi"}),
        ({"limits": {"cpu": "50m"}}, {"cpu": "50m", "memory": "256Mi"}, {"cpu": "50m", "memory": "2Gi"}),
        ({"limits": {"cpu": 2}}, {"cpu": "100m", "memory": "256Mi"}, {"cpu": "2", "memory": "2Gi"}),
        (
            {"requests": {"cpu": "1"}, "limits": {"memory": "64Mi"}},
            {"cpu": "1", "memory": "64Mi"},
            {"memory": "64Mi"},
        ),
        (
            {"requests": {"cpu": "1", "memory": "3Gi"}, "limits": {"cpu": "2"}},
            {"cpu": "1", "memory": "3Gi"},
            {"cpu": "2", "memory": "3Gi"},
        ),
        (
            {"requests": {"nvidia.com/gpu": "1"}, "limits": {"nvidia.com/gpu": "1"}},
            {"cpu": "100m", "memory": "256Mi", "nvidia.com/gpu": "1"},
            {"memory": "2Gi", "nvidia.com/gpu": "1"},
        ),
    ],
)
def test_defaults_fill_what_the_user_left_out_and_no_request_is_above_its_limit(resources, requests, limits):
    found = container(worker={"resources": resources})["resources"]
    assert found == {"requests": requests | {"ephemeral-storage": "10Gi"}, "limits": limits}


def test_users_own_storage_request_or_limit_stands():
    asked = {"resources": {"requests": {"ephemeral-storage": "1Gi"}}}
    limited = {"resources": {"limits": {"ephemeral-storage": "1Gi"}}}
    assert container(worker=asked)["resources"]["requests"]["ephemeral-storage"] == "1Gi"
    assert "ephemeral-storage" not in container(worker=limited)["resources"]["requests"]


def test_image_comes_from_the_settings():
    settings = Settings("img:2", image_pull_policy="Always", image_pull_secrets=("regcred",))
    found = manifest(settings=settings)["spec"]["template"]["spec"]
    assert (found["containers"][0]["image"], found["containers"][0]["imagePullPolicy"]) == ("img:2", "Always")
    assert found["imagePullSecrets"] == [{"name": "regcred"}]


def test_worker_has_half_a_minute_to_abort_its_upload():
    assert pod_spec()["terminationGracePeriodSeconds"] == 30


def test_manifest_is_plain_json():
    found = manifest(**SECRET)
    assert json.loads(json.dumps(found)) == found
