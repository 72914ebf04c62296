"""Before a decision takes something for lost, the API server is asked: what our watches show is not all there is."""

from dataclasses import dataclass

from videoimport.api.labels import IMPORT, RUN
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_status import VideoImportStatus, VideoPhase
from videoimport.controller.cache.entry import Entry
from videoimport.controller.cache.store import Store
from videoimport.controller.cache.sync_state import Notes
from videoimport.controller.client.api_client import Cluster
from videoimport.controller.client.errors import NotFound
from videoimport.controller.client.resources import Key, controller_of
from videoimport.controller.reconcile.apply import Writer
from videoimport.controller.reconcile.observe import claims_of, jobs_of, pods_of
from videoimport.core.owned_objects import OUR_LABELS
from videoimport.core.plan import Kind, Patch
from videoimport.core.video_status import is_finished

LEAVING_SECONDS = 5.0
"""Between two looks at something that is being deleted."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Every method raises ClusterError when it gets no answer; then nothing is decided."""

    cluster: Cluster
    store: Store

    async def lost_reports(self, key: Key, entry: Entry, notes: Notes) -> None:
        """A Job's end may be seen before its pod's: before a report counts as lost, its pods are listed, once."""
        for job in jobs_of(entry, self.store):
            reported = any(pod.exit_code is not None for pod in pods_of(job, self.store))
            if job.finished is None or job.expires or reported or job.uid in notes.confirmed:
                continue
            selector = f"batch.kubernetes.io/controller-uid={job.uid}"
            async for page in self.cluster.pages("Pod", key.namespace, selector):
                for raw in page.items:
                    self.store.put("Pod", raw)
            notes.confirmed.add(job.uid)

    async def lost_job(self, key: Key, entry: Entry) -> None:
        """A Job may have left our sight with its label only. It gets the label back: a second run beside it would do
        everything twice."""
        video = entry.view
        if not isinstance(video, VideoImport) or not _has_a_run(video.status):
            return
        job = video.status.job
        if job is None or job.uid is None or self.store.find("Job", key.namespace, job.name):
            return
        try:
            there = await self.cluster.get("Job", key.namespace, job.name)
        except NotFound:
            return
        if there["metadata"]["uid"] == job.uid and controller_of(there) == entry.owner:
            labels = OUR_LABELS | {IMPORT: key.name, RUN: str(video.status.run)}
            patch = {"metadata": {"labels": labels}}
            await Writer(self.cluster, self.store).act(Patch("Job", key.namespace, job.name, job.uid, patch))

    async def what_leaves(self, key: Key, entry: Entry, notes: Notes, now: float) -> float | None:
        """A thing that is on its way out may be gone already: what vanishes between our first list and the watches'
        is in no event, and what waits for it would wait for the next comparison. The seconds until the next look."""
        leaving = [job for job in jobs_of(entry, self.store) if job.deleting]
        leaving_claims = [claim for claim in claims_of(entry, self.store) if claim.deleting]
        things: list[tuple[Kind, str, str]] = [("Job", job.name, job.uid) for job in leaving]
        things += [("PersistentVolumeClaim", claim.name, claim.uid) for claim in leaving_claims]
        for kind, name, uid in things:
            if now - notes.asked.setdefault(uid, now) < LEAVING_SECONDS:
                continue
            notes.asked[uid] = now
            await Writer(self.cluster, self.store).reread(kind, key.namespace, name, uid)
        return LEAVING_SECONDS if things else None


def _has_a_run(status: VideoImportStatus) -> bool:
    """Whether its Job should be there: a recorded one may have expired, and a stopped one is gone."""
    between = status.attempts is not None and status.attempts.next_retry_time is not None
    return not (is_finished(status) or between or status.phase is VideoPhase.SUSPENDED)
