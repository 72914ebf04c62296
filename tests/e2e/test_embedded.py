"""The embedded mode and the cluster end alike: failures, a retry, a cancelled, a late and a refused import."""

import subprocess

import pytest

from demo.kubectl import Kubectl
from support.e2e.cluster_state import Resource, apply, await_state, finished
from support.e2e.embedded_runs import BUCKET_KEYS, PREFIX, STOPPED, EmbeddedRun, compare
from support.e2e.manifests import SITE, bulk, video

LINKS = [f"{SITE}/compliant.mp4", f"{SITE}/gone.mp4", f"{SITE}/talk.html"]
WRONG = {"url": LINKS[0], "checksum": f"sha256:{'0' * 64}"}


def _in_examples(manifest: Resource) -> Resource:
    spec = manifest["spec"]
    spec.get("template", spec)["destination"]["s3"]["prefix"] = PREFIX
    return manifest


MANIFESTS = {
    f"{'bi' if manifest['kind'] == 'BulkImport' else 'vi'}/{manifest['metadata']['name']}": _in_examples(manifest)
    for manifest in (
        bulk("same-failures", LINKS),
        bulk("same-retry", LINKS[:2]),
        bulk("same-cancelled", LINKS, cancel=True),
        bulk("same-dry-run", LINKS, dryRun=True),
        bulk("same-twice", [LINKS[0], LINKS[0]]),
        video("same-gone", LINKS[1]),
        video("same-cancelled", LINKS[0], cancel=True),
        video("same-late", f"{SITE}/slow/compliant.mp4", timeoutSeconds=30, maxAttempts=1),
        video("same-tall", LINKS[0], requirements={"minHeight": 2000, "maxHeight": 4000}),
        video("same-sum", "", source=WRONG),
    )
}
RETRY = "bi/same-retry"
STOPPED_EARLY = ("vi/same-late", "vi/same-tall", "vi/same-sum")
"""Imports that end in the middle of a download."""


@pytest.fixture(scope="module")
def both(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Resource, Resource]]:
    """The final resources of the cluster and of the embedded mode. The second run retries what failed."""
    for manifest in MANIFESTS.values():
        apply(kubectl, manifest)
    run = EmbeddedRun(kubectl, tmp_path_factory.mktemp("embedded"))
    embedded = run.finish([BUCKET_KEYS, *MANIFESTS.values()])
    cluster = {reference: finished(kubectl, reference) for reference in MANIFESTS}
    words = ("patch", RETRY, "--type=merge", "--patch", '{"spec": {"retryToken": "again"}}')
    subprocess.run(kubectl.argv(*words), check=True, capture_output=True)
    await_state(kubectl, RETRY, lambda found: found["status"].get("observedRetryToken") == "again", "retried")
    cluster[RETRY] = finished(kubectl, RETRY)
    again = MANIFESTS[RETRY] | {"spec": MANIFESTS[RETRY]["spec"] | {"retryToken": "again"}}
    embedded[RETRY] = run.finish([BUCKET_KEYS, again])[RETRY]
    return {reference: (cluster[reference], embedded[reference]) for reference in MANIFESTS}


@pytest.mark.parametrize("reference", MANIFESTS)
def test_an_import_ends_alike_without_a_cluster(both: dict[str, tuple[Resource, Resource]], reference: str) -> None:
    cluster, embedded = both[reference]
    assert compare(cluster, embedded, STOPPED if reference in STOPPED_EARLY else {}) == {}
    assert cluster["status"]["phase"] == embedded["status"]["phase"]
