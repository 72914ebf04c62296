"""What the chart installs, and what it refuses."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]
Template = Callable[..., "subprocess.CompletedProcess[str]"]


def of_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def rules(manifests: list[Manifest]) -> list[Manifest]:
    roles = [role for kind in ("ClusterRole", "Role") for role in of_kind(manifests, kind)]
    return [rule for role in roles for rule in role["rules"]]


def test_the_controller_may_read_no_secret_and_make_no_pod(render: Render) -> None:
    for rule in rules(render()):
        assert "*" not in rule["apiGroups"] + rule["resources"] + rule["verbs"]
        assert "secrets" not in rule["resources"]
        if "pods" in rule["resources"]:
            assert set(rule["verbs"]) <= {"get", "list", "watch"}


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


def test_the_crds_can_be_left_to_somebody_else(render: Render) -> None:
    assert of_kind(render("crds.enabled=false"), "CustomResourceDefinition") == []


def test_settings_reach_the_controller(render: Render) -> None:
    manifests = render('worker.allowedNetworks=["10.0.0.0/8"]', 'worker.image={"repository":"r/w","tag":"t"}')
    container = of_kind(manifests, "Deployment")[0]["spec"]["template"]["spec"]["containers"][0]
    env = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert json.loads(env["VIDEOIMPORT_ALLOWED_NETWORKS"]) == ["10.0.0.0/8"]
    assert env["VIDEOIMPORT_WORKER_IMAGE"] == "r/w:t"


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
    ],
)
def test_a_value_that_nobody_knows_is_refused_by_name(template: Template, setting: str, named: str) -> None:
    refused = template(setting)
    assert refused.returncode != 0
    assert named in refused.stderr


def test_lint_finds_nothing(helm: str) -> None:
    linted = subprocess.run([helm, "lint", "--strict", "charts/videoimport"], cwd=ROOT, capture_output=True, text=True)
    assert linted.returncode == 0, linted.stdout + linted.stderr
