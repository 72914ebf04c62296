"""Steps that prepare an import: a namespace, an object store with a bucket, and a site with real footage."""

import base64
import shutil
import subprocess
import sys
from pathlib import Path

from cluster.commands import run
from cluster.steps import Step
from demo.install import NAMESPACE_MANIFEST, build_and_load
from demo.kubectl import Kubectl
from demo.places import ACCESS_KEY, BUCKET, BUILD, MANIFESTS, ROOT, SECRET_KEY, demo_image_tag, tool

CONTEXT = BUILD / "demo-image"
CLIPS = ("compliant.mp4", "player.mp4", "encode.webm", "audio.m4a")
_CREDENTIALS = """\
apiVersion: v1
kind: Secret
metadata:
  name: bucket-keys
data:
  AWS_ACCESS_KEY_ID: {access}
  AWS_SECRET_ACCESS_KEY: {secret}
"""


def footage_step(logs: Path) -> Step:
    """Return the step that makes the clips and the other files that the site serves."""
    return Step("footage", logs / "footage.log", _footage)


def _footage(log: Path) -> None:
    run([str(ROOT / "hack/prerequisites"), "ffmpeg"], log=log)
    shutil.rmtree(CONTEXT, ignore_errors=True)
    shutil.copytree(ROOT / "hack/demo/image", CONTEXT)
    run([sys.executable, str(ROOT / "hack/footage.py"), str(CONTEXT / "site"), *CLIPS], log=log)
    _in_segments(CONTEXT / "site", log)
    _in_clips(CONTEXT / "site", log)
    shutil.copy2(tool("versitygw"), CONTEXT / "versitygw")


def _in_segments(site: Path, log: Path) -> None:
    """Write one clip as HLS, and as DASH with video and audio in separate files."""
    source = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", str(site / "compliant.mp4"), "-c", "copy"]
    for name in ("hls", "dash"):
        (site / name).mkdir()
    run([*source, "-hls_time", "4", "-hls_playlist_type", "vod", str(site / "hls/index.m3u8")], log=log)
    run([*source, "-seg_duration", "4", "-adaptation_sets", "id=0,streams=v id=1,streams=a",
         str(site / "dash/index.mpd")], log=log)  # fmt: skip


def _in_clips(site: Path, log: Path) -> None:
    """Write a few small videos for the lists of hack/demo/image/lists. The videos have different lengths, so that no
    two have the same content."""
    source = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", str(site / "compliant.mp4"), "-c", "copy"]
    (site / "clips").mkdir()
    for number in (1, 2, 3):
        run([*source, "-t", str(number + 1), "-movflags", "+faststart", str(site / f"clips/{number}.mp4")], log=log)


def image_step(logs: Path) -> Step:
    """Return the step that builds the image of the object store and the site."""

    def build(log: Path) -> str:
        return build_and_load(_reference(), CONTEXT / "Dockerfile", CONTEXT, log)

    return Step("image videoimport-demo", logs / "image-demo.log", build)


def _reference() -> str:
    return f"videoimport-demo:{demo_image_tag(CONTEXT)}"


def namespace_steps(namespace: str, logs: Path) -> list[Step]:
    """Return the steps that create a new namespace with the object store, the site and the Secret with the bucket's
    credentials."""
    return [
        Step(f"namespace {namespace}", logs / "namespace.log", lambda log: _fresh_namespace(namespace, log)),
        Step("object store and site", logs / "backends.log", lambda log: _backends(namespace, log)),
    ]


def _fresh_namespace(namespace: str, log: Path) -> str | None:
    kubectl = Kubectl.of_cluster(namespace)
    earlier = kubectl.exists("namespace", namespace)
    if earlier:
        kubectl.logged(log, "delete", "namespace", namespace, "--wait", "--timeout", "90s")
    kubectl.logged(log, "apply", "--filename", "-", text=NAMESPACE_MANIFEST.format(name=namespace))
    return "an earlier one was deleted" if earlier else None


def _backends(namespace: str, log: Path) -> None:
    kubectl = Kubectl.of_cluster(namespace)
    encoded = {"access": base64.b64encode(ACCESS_KEY.encode()), "secret": base64.b64encode(SECRET_KEY.encode())}
    kubectl.logged(
        log,
        "apply",
        "--filename",
        "-",
        text=_CREDENTIALS.format(**{key: value.decode() for key, value in encoded.items()}),
    )
    text = "\n---\n".join(path.read_text() for path in sorted(MANIFESTS.glob("*.yaml")))
    filled = text.replace("IMAGE", _reference()).replace("BUCKET", BUCKET)
    kubectl.logged(log, "apply", "--filename", "-", text=filled)
    for name in ("s3", "site"):
        kubectl.logged(log, "rollout", "status", f"deployment/{name}", "--timeout", "120s")


def is_prepared(kubectl: Kubectl) -> bool:
    """Return whether the object store and the site of this namespace exist and are ready."""
    words = kubectl.argv("rollout", "status", "deployment/s3", "deployment/site", "--timeout", "1s")
    return subprocess.run(words, capture_output=True).returncode == 0
