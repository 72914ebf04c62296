"""What cannot be imported ends with the reason of the closed set, at once, and with a message that helps."""

import json
import subprocess
from typing import Any

import pytest

from demo.kubectl import Kubectl
from support.e2e.cluster_state import apply, condition, finished
from support.e2e.manifests import SITE, destination, video

OTHER_BUCKET = {"endpoint": "http://s3.e2e.svc.cluster.local:7070", "bucket": "not-there"}

REFUSALS: dict[str, tuple[dict[str, Any], str, str]] = {
    "gone": (video("gone", f"{SITE}/gone.mp4"), "SourceNotFound", "404"),
    "no-video": (video("no-video", f"{SITE}/audio.m4a"), "NotVideo", "video"),
    "too-small": (
        video("too-small", f"{SITE}/compliant.mp4", requirements={"minHeight": 1080, "maxHeight": 2160}),
        "UnsupportedResolution",
        "1080",
    ),
    "too-long": (
        video("too-long", f"{SITE}/compliant.mp4", requirements={"maxDurationSeconds": 2}),
        "UnsupportedDuration",
        "2",
    ),
    "too-large": (video("too-large", f"{SITE}/compliant.mp4", requirements={"maxSize": "10k"}), "SourceTooLarge", "10"),
    "private": (video("private", "http://169.254.169.254/latest/meta-data"), "AddressForbidden", "169.254.169.254"),
    "no-bucket": (
        video("no-bucket", f"{SITE}/compliant.mp4", destination=destination("x", s3=OTHER_BUCKET)),
        "DestinationNotFound",
        "not-there",
    ),
    "no-secret": (
        video(
            "no-secret", f"{SITE}/compliant.mp4", destination=destination("x", credentialsSecretRef={"name": "absent"})
        ),
        "CredentialsNotFound",
        "absent",
    ),
    "wrong-keys": (
        video(
            "wrong-keys", f"{SITE}/compliant.mp4", destination=destination("x", credentialsSecretRef={"name": "wrong"})
        ),
        "DestinationDenied",
        "key",
    ),
}


@pytest.fixture(scope="module", autouse=True)
def applied(kubectl: Kubectl) -> None:
    wrong = {"AWS_ACCESS_KEY_ID": "demo-access-key", "AWS_SECRET_ACCESS_KEY": "not-the-secret"}
    apply(kubectl, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "wrong"}, "stringData": wrong})
    for manifest, _, _ in REFUSALS.values():
        apply(kubectl, manifest)


@pytest.mark.parametrize("name", REFUSALS)
def test_a_hopeless_import_fails_at_once_and_says_why(kubectl: Kubectl, name: str) -> None:
    _, reason, word = REFUSALS[name]
    failed = finished(kubectl, f"vi/{name}")
    status = failed["status"]
    assert (status["phase"], status["reason"]) == ("Failed", reason), status.get("message")
    assert word in status["message"]
    assert (status["run"], status["attempts"]["count"]) == (1, 1)
    assert condition(failed, "Stalled")["status"] == "True"
    assert condition(failed, "Finished")["reason"] == "Failed"


def test_wrong_keys_are_found_before_anything_is_fetched(kubectl: Kubectl) -> None:
    finished(kubectl, "vi/wrong-keys")
    assert kubectl.json("get", "vi/wrong-keys")["status"].get("usage", {}).get("bytesIn", 0) == 0


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"source": {"url": "ftp://host.example/a.mp4"}}, "spec.source.url"),
        ({"output": {"video": {"crf": 99}}}, "spec.output.video.crf"),
        ({"requirements": {"formats": ["exe"]}}, "spec.requirements.formats"),
        ({"maxAttempts": 0}, "spec.maxAttempts"),
        ({"priority": 1}, "spec.priority"),
    ],
)
def test_a_manifest_that_breaks_the_schema_is_refused_with_the_field_named(
    kubectl: Kubectl, change: dict[str, Any], named: str
) -> None:
    manifest = video("broken", f"{SITE}/compliant.mp4", **change)
    answer = subprocess.run(
        kubectl.argv("apply", "-f", "-"), input=json.dumps(manifest), capture_output=True, text=True
    )
    assert answer.returncode != 0
    assert named in answer.stderr
