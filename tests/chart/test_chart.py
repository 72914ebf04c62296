"""What the chart installs, and what it refuses."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from videoimport.controller.__main__ import limits
from videoimport.controller.settings import ControllerSettings, load
from videoimport.core.settings import Settings

ROOT = Path(__file__).resolve().parent.parent.parent
Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]
Template = Callable[..., "subprocess.CompletedProcess[str]"]


UPLOADER = "release-videoimport-uploader"


def of_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def rules(manifests: list[Manifest]) -> list[Manifest]:
    roles = [role for kind in ("ClusterRole", "Role") for role in of_kind(manifests, kind)]
    return [rule for role in roles for rule in role["rules"]]


def environment(manifests: list[Manifest]) -> dict[str, str | None]:
    container: Manifest = of_kind(manifests, "Deployment")[0]["spec"]["template"]["spec"]["containers"][0]
    return {entry["name"]: entry.get("value") for entry in container["env"]}


def test_the_controller_may_read_no_secret_and_make_no_pod(render: Render) -> None:
    for rule in rules([role for role in render() if role["metadata"]["name"] != UPLOADER]):
        assert "*" not in rule["apiGroups"] + rule["resources"] + rule["verbs"]
        assert "secrets" not in rule["resources"]
        if "pods" in rule["resources"]:
            assert rule["verbs"] == ["list", "watch"]


def test_an_uploader_has_the_rights_for_an_upload_and_no_others(render: Render) -> None:
    [role] = [role for role in of_kind(render(), "ClusterRole") if role["metadata"]["name"] == UPLOADER]
    assert {tuple(rule["resources"]): rule["verbs"] for rule in role["rules"]} == {
        ("videoimports",): ["create", "get", "list", "watch"],
        ("pods",): ["get", "list", "watch"],
        ("pods/portforward",): ["create", "get"],
        ("configmaps",): ["get"],
    }
    assert [rule["resourceNames"] for rule in role["rules"] if "resourceNames" in rule] == [["videoimport-defaults"]]
    assert not any("aggregate-to" in label for label in role["metadata"]["labels"])


def test_the_role_of_an_uploader_is_found_whatever_its_name_is(render: Render) -> None:
    """The message about missing rights has this label, because the client does not know the name of the release."""
    for settings in ((), ('fullnameOverride="other"',)):
        roles = of_kind(render(*settings), "ClusterRole")
        [role] = [role for role in roles if role["metadata"]["labels"].get("videoimport.io/role") == "uploader"]
        assert role["metadata"]["name"].endswith("-uploader")
    assert not [role for role in of_kind(render("rbac.aggregate=false"), "ClusterRole") if "uploader" in str(role)]


def test_the_limits_of_an_upload_reach_the_controller(render: Render) -> None:
    found = environment(render("worker.upload.deadlineSeconds=120", "worker.upload.idleSeconds=30"))
    assert found["VIDEOIMPORT_UPLOAD_DEADLINE_SECONDS"] == "120"
    assert found["VIDEOIMPORT_UPLOAD_IDLE_SECONDS"] == "30"


def test_the_controller_never_writes_a_bulks_spec(render: Render) -> None:
    own = next(role for role in of_kind(render(), "ClusterRole") if role["metadata"]["name"] == "release-videoimport")
    verbs = {verb for rule in own["rules"] if "bulkimports" in rule["resources"] for verb in rule["verbs"]}
    assert verbs == {"get", "list", "watch"}


def test_the_pod_fits_the_restricted_standard(render: Render) -> None:
    pod = of_kind(render(), "Deployment")[0]["spec"]["template"]["spec"]
    container = pod["containers"][0]["securityContext"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def container_of(manifests: list[Manifest]) -> Manifest:
    container: Manifest = of_kind(manifests, "Deployment")[0]["spec"]["template"]["spec"]["containers"][0]
    return container


def borne_seconds(probe: Manifest) -> int:
    """How long a probe may fail before the kubelet acts."""
    return int(probe["periodSeconds"] * probe["failureThreshold"])


def test_no_probe_restarts_a_controller_that_is_only_slow(render: Render) -> None:
    """Seen at load 20 to 35: an answer after more than a second, a start of more than a minute."""
    container = container_of(render())
    assert borne_seconds(container["startupProbe"]) >= 600
    assert borne_seconds(container["livenessProbe"]) >= 180
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[name]["timeoutSeconds"] >= 10


def test_the_bounds_of_the_probes_can_be_set(render: Render) -> None:
    chosen = 'controller.probes={"startupSeconds":901,"livenessSeconds":61,"timeoutSeconds":20}'
    container = container_of(render(chosen))
    assert borne_seconds(container["startupProbe"]) >= 901
    assert borne_seconds(container["livenessProbe"]) >= 61
    assert {container[name]["timeoutSeconds"] for name in ("startupProbe", "livenessProbe", "readinessProbe")} == {20}


def test_liveness_waits_longer_than_a_leader_needs_to_notice_that_it_lost(render: Render) -> None:
    """The process ends by itself then, and a standby tries to lead for longer than that before it counts as stuck."""
    settings = ControllerSettings(worker_image="any")
    assert borne_seconds(container_of(render())["livenessProbe"]) > settings.lease_seconds
    assert limits(settings).election > settings.lease_seconds + 2 * (settings.request_seconds + settings.retry_seconds)


def test_the_controller_requests_more_cpu_than_a_worker(render: Render) -> None:
    requested = container_of(render())["resources"]["requests"]["cpu"]
    default = Settings(worker_image="any").default_requests["cpu"]
    assert int(requested.removesuffix("m")) > int(default.removesuffix("m"))


def test_two_replicas_unless_told_otherwise(render: Render) -> None:
    assert of_kind(render(), "Deployment")[0]["spec"]["replicas"] == 2
    assert of_kind(render("controller.replicas=3"), "Deployment")[0]["spec"]["replicas"] == 3


def test_the_crds_are_the_generated_ones_and_stay_on_uninstall(render: Render) -> None:
    installed = {crd["metadata"]["name"]: crd for crd in of_kind(render(), "CustomResourceDefinition")}
    for path in (ROOT / "crds").glob("*.yaml"):
        generated = yaml.safe_load(path.read_text())
        crd = installed[generated["metadata"]["name"]]
        assert crd["spec"] == generated["spec"]
        assert crd["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_the_admission_policy_is_the_generated_one_and_comes_with_the_crds(render: Render) -> None:
    generated = list(yaml.safe_load_all((ROOT / "crds/admission/metadata.yaml").read_text()))
    kinds = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
    assert [one for kind in kinds for one in of_kind(render(), kind)] == generated
    assert [one for kind in kinds for one in of_kind(render("crds.enabled=false"), kind)] == []


def test_the_crds_can_be_left_to_somebody_else(render: Render) -> None:
    assert of_kind(render("crds.enabled=false"), "CustomResourceDefinition") == []


def test_settings_reach_the_controller(render: Render) -> None:
    manifests = render('worker.allowedNetworks=["10.0.0.0/8"]', 'worker.image={"repository":"r/w","tag":"t"}')
    env = environment(manifests)
    assert json.loads(env["VIDEOIMPORT_ALLOWED_NETWORKS"]) == ["10.0.0.0/8"]
    assert env["VIDEOIMPORT_WORKER_IMAGE"] == "r/w:t"


def test_every_setting_of_retries_and_politeness_reaches_the_controller(render: Render) -> None:
    chosen = (
        'controller.retry={"backoffSeconds":1,"backoffCapSeconds":2,"hostBackoffSeconds":3,"laterSeconds":4,'
        '"laterCapSeconds":5,"hostBackoffMaxSeconds":10,"webhookBackoffSeconds":11,"webhookBackoffCapSeconds":12}',
        "controller.jobTTLSeconds=6",
        "worker.stallSeconds=70",
        'worker.listingMemory="1Gi"',
        'worker.politeness={"bytesPerSecond":8000000000,"sleepSeconds":9}',
    )
    env = environment(render(*chosen))
    wanted = {
        "BACKOFF": "1", "BACKOFF_CAP": "2", "HOST_BACKOFF": "3", "LATER": "4", "LATER_CAP": "5", "JOB_TTL": "6",
        "STALL": "70", "SOURCE_SLEEP": "9", "HOST_BACKOFF_MAX": "10", "WEBHOOK_BACKOFF": "11",
        "WEBHOOK_BACKOFF_CAP": "12",
    }  # fmt: skip
    assert {name: env[f"VIDEOIMPORT_{name}_SECONDS"] for name in wanted} == wanted
    assert env["VIDEOIMPORT_SOURCE_BYTES_PER_SECOND"] == "8000000000"
    assert env["VIDEOIMPORT_LISTING_MEMORY"] == "1Gi"


def test_limits_reach_the_controller(render: Render) -> None:
    names = ("VIDEOIMPORT_MAX_RUNNING", "VIDEOIMPORT_MAX_RUNNING_PER_NAMESPACE")
    usual, chosen = environment(render()), environment(render('controller.limits={"maxRunningPerNamespace":7}'))
    assert [usual[name] for name in names] == ["500", "0"]
    assert [chosen[name] for name in names] == ["500", "7"]


@pytest.mark.parametrize(
    "lost",
    [
        ("watchNamespaces=null", "worker.stallSeconds=null", "worker.politeness=null", "controller.jobTTLSeconds=null"),
        ("controller.retry=null", "worker.imagePullSecrets=null", "worker.allowedNetworks=null"),
        ("controller.retry.laterCapSeconds=null", "worker.politeness.sleepSeconds=null", "controller.limits=null"),
        ("worker.listingMemory=null",),
        ("controller.limits.maxRunning=null", "controller.limits.maxRunningPerNamespace=null"),
        ("controller.probes=null",),
        ("controller.probes.startupSeconds=null", "controller.probes.timeoutSeconds=null"),
    ],
)
def test_values_of_an_older_release_have_the_defaults_where_they_lack_a_key(
    render: Render, lost: tuple[str, ...]
) -> None:
    """As `helm upgrade --reuse-values` brings them."""
    assert render(*lost) == render()


def test_what_the_chart_sets_the_controller_takes(render: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(render('watchNamespaces=["films"]')).items():
        if value is not None:
            monkeypatch.setenv(name, value)
    assert load().watch_namespaces == ("films",)
    assert load().max_running == 500


def test_watched_namespaces_have_a_role_each_and_the_cluster_has_none(render: Render) -> None:
    everywhere, chosen = render(), render('watchNamespaces=["films","press"]', "rbac.aggregate=false")
    assert json.loads(environment(chosen)["VIDEOIMPORT_WATCH_NAMESPACES"] or "") == ["films", "press"]
    assert of_kind(chosen, "ClusterRole") == of_kind(chosen, "ClusterRoleBinding") == []
    roles = {role["metadata"]["namespace"]: role for role in of_kind(chosen, "Role")}
    assert roles.keys() == {"films", "press", "system"}
    whole = next(r for r in of_kind(everywhere, "ClusterRole") if r["metadata"]["name"] == "release-videoimport")
    assert roles["films"]["rules"] == roles["press"]["rules"] == whole["rules"]
    for binding in of_kind(chosen, "RoleBinding"):
        assert binding["roleRef"]["name"] == roles[binding["metadata"]["namespace"]]["metadata"]["name"]
        assert binding["subjects"][0]["namespace"] == "system"


def test_the_releases_own_namespace_may_be_watched(render: Render) -> None:
    names = [role["metadata"]["name"] for role in of_kind(render('watchNamespaces=["system"]'), "Role")]
    assert len(set(names)) == len(names) == 2


def test_pod_labels_of_the_user_do_not_override_the_selector(render: Render) -> None:
    manifests = render('controller.podLabels={"app.kubernetes.io/name":"other","team":"media"}')
    deployment = of_kind(manifests, "Deployment")[0]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert labels["team"] == "media"
    assert deployment["selector"]["matchLabels"].items() <= labels.items()


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("contoller={}", "contoller"),
        ('controller={"replica":2}', "replica"),
        ("controller.replicas=0", "replicas"),
        ('worker.allowedNetworks=["everything"]', "allowedNetworks"),
        ('controller.image.pullPolicy="Sometimes"', "pullPolicy"),
        ('watchNamespaces=["Films"]', "watchNamespaces"),
        ("worker.stallSeconds=1", "stallSeconds"),
        ('worker.listingMemory="lots"', "listingMemory"),
        ('worker.politeness={"bytesPerSecond":-1}', "bytesPerSecond"),
        ('worker.politeness={"perHost":1}', "perHost"),
        ("controller.retry.backoffSeconds=0", "backoffSeconds"),
        ("controller.limits.maxRunning=0", "maxRunning"),
        ('controller.limits={"maxQueued":1}', "maxQueued"),
        ("controller.probes.startupSeconds=10", "startupSeconds"),
        ('controller.probes={"periodSeconds":1}', "periodSeconds"),
    ],
)
def test_a_value_that_nobody_knows_is_refused_by_name(template: Template, setting: str, named: str) -> None:
    refused = template(setting)
    assert refused.returncode != 0
    assert named in refused.stderr


def test_lint_finds_nothing(helm: str) -> None:
    linted = subprocess.run([helm, "lint", "--strict", "charts/videoimport"], cwd=ROOT, capture_output=True, text=True)
    assert linted.returncode == 0, linted.stdout + linted.stderr
