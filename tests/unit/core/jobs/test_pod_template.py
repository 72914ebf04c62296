"""The Job of a run: what it must have, and what nobody may take from it."""

import json

import pytest

from support.core.job_manifests import SECRET, container, manifest, pod_spec
from support.core.video_builders import SETTINGS, video
from support.every_case import every_case
from videoimport.api.tasks.import_task import (
    CA_BUNDLE_PATH,
    DESTINATION_CREDENTIALS_PATH,
    DESTINATION_VOLUME_PATH,
    SCRATCH_PATH,
    SOURCE_CREDENTIALS_PATH,
    SOURCE_VOLUME_PATH,
    TASK_PATH,
)
from videoimport.core.jobs.pod_template import build_import_pod
from videoimport.core.settings import Settings


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


@every_case(
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


LOGINS = {
    "source": {"s3": {"bucket": "tapes", "key": "a.mov"}, "credentialsSecretRef": {"name": "in"}},
    "destination": {"s3": {"bucket": "media"}, "credentialsSecretRef": {"name": "out"}},
}
RESTRICTED = {"emptyDir", "secret", "downwardAPI", "configMap", "persistentVolumeClaim"}
"""Kinds of volumes that Pod Security ``restricted`` lets a pod have, as far as we use them."""
FULL = {
    "source": {
        "persistentVolumeClaim": {"claimName": "tapes", "path": "a.mov"},
        "credentialsSecretRef": {"name": "in"},
    },
    "destination": {"persistentVolumeClaim": {"claimName": "shelf"}, "credentialsSecretRef": {"name": "out"}},
    "worker": {"caBundleConfigMapRef": {"name": "our-ca"}, "scratch": {"size": "5Gi", "storageClassName": "fast"}},
}


def pod(**spec):
    return build_import_pod(video(**spec), SETTINGS)


def mounted(path, **spec):
    """The volume and the mount at this path."""
    found = pod(**spec)
    mount = next(mount for mount in found["containers"][0]["volumeMounts"] if mount["mountPath"] == path)
    return next(volume for volume in found["volumes"] if volume["name"] == mount["name"]), mount


@pytest.mark.parametrize("path", [SOURCE_CREDENTIALS_PATH, DESTINATION_CREDENTIALS_PATH])
def test_a_missing_secret_does_not_hold_the_pod_up(path):
    volume, mount = mounted(path, **LOGINS)
    name = {SOURCE_CREDENTIALS_PATH: "in", DESTINATION_CREDENTIALS_PATH: "out"}[path]
    assert volume["secret"] == {"secretName": name, "optional": True, "defaultMode": 0o440}
    assert mount["readOnly"] is True


@pytest.mark.parametrize(("kind", "name"), [("source", "in"), ("destination", "out")])
def test_a_secret_beside_a_volume_is_not_mounted(kind, name):
    """Its other side is a bucket, whose Secret is."""
    volumes = pod(**LOGINS | {kind: FULL[kind]})["volumes"]
    assert {volume["secret"]["secretName"] for volume in volumes if "secret" in volume} == {"in", "out"} - {name}


def test_a_source_volume_is_there_for_reading_only():
    volume, mount = mounted(SOURCE_VOLUME_PATH, **FULL)
    assert volume["persistentVolumeClaim"] == {"claimName": "tapes", "readOnly": True}
    assert mount["readOnly"] is True


def test_a_destination_volume_can_be_written_to():
    volume, mount = mounted(DESTINATION_VOLUME_PATH, **FULL)
    assert volume["persistentVolumeClaim"] == {"claimName": "shelf"}
    assert "readOnly" not in mount


def test_one_claim_for_both_is_one_volume_mounted_twice():
    both = FULL | {"destination": {"persistentVolumeClaim": {"claimName": "tapes"}}}
    (source, reading), (destination, writing) = (
        mounted(path, **both) for path in (SOURCE_VOLUME_PATH, DESTINATION_VOLUME_PATH)
    )
    assert source == destination == {"name": source["name"], "persistentVolumeClaim": {"claimName": "tapes"}}
    assert (reading["readOnly"], "readOnly" in writing) == (True, False)


def test_certificates_are_a_file_of_a_config_map_that_may_be_missing():
    folder, _, file = CA_BUNDLE_PATH.rpartition("/")
    volume, mount = mounted(folder, **FULL)
    items = [{"key": "ca.crt", "path": file}]
    assert volume["configMap"] == {"name": "our-ca", "optional": True, "items": items}
    assert mount["readOnly"] is True


def test_scratch_of_a_storage_class_is_the_imports_claim_and_not_the_nodes_room():
    volume, mount = mounted(SCRATCH_PATH, **FULL)
    assert volume["persistentVolumeClaim"] == {"claimName": "talk-scratch"}
    assert "readOnly" not in mount
    assert pod(**FULL)["containers"][0]["resources"]["requests"]["ephemeral-storage"] == "256Mi"


def test_what_is_not_asked_for_is_not_mounted():
    assert [volume["name"] for volume in pod()["volumes"]] == ["task", "scratch", "tmp"]


def test_every_kind_of_volume_passes_pod_security_restricted():
    assert all(len(volume.keys() & RESTRICTED) == 1 for volume in pod(**FULL)["volumes"])


def test_the_pod_runs_where_and_as_whom_the_user_says():
    affinity = {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}
    worker = {
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [
            {"key": "media", "effect": "NoSchedule"},
            {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5},
        ],
        "affinity": affinity,
        "priorityClassName": "low",
        "serviceAccountName": "puller",
    }
    found = pod(worker=worker)
    assert found["nodeSelector"] == {"disk": "ssd"}
    assert found["tolerations"] == [
        {"key": "media", "operator": "Equal", "effect": "NoSchedule"},
        {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5},
    ]
    assert (found["affinity"], found["priorityClassName"]) == (affinity, "low")
    assert (found["serviceAccountName"], found["automountServiceAccountToken"]) == ("puller", False)


def test_a_plain_import_says_nothing_of_where_it_runs():
    assert not {"nodeSelector", "tolerations", "affinity", "priorityClassName", "serviceAccountName"} & pod().keys()


def test_the_pod_is_plain_json():
    assert json.loads(json.dumps(pod(**FULL))) == pod(**FULL)
