"""Context of a decision about one VideoImport: the resource, the current run, its objects and its host."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from videoimport.api.conditions import ConditionType
from videoimport.api.videoimport import VideoImport, VideoImportSpec, wish_hash
from videoimport.api.videoimport_status import Attempts, VideoImportStatus
from videoimport.core.circuit_breaker import HostContext, find_host
from videoimport.core.jobs.run_lifecycle import RunState
from videoimport.core.names_and_owners import (
    build_job_owner,
    build_video_owner,
    find_pods,
    is_claim_of,
    is_job_of_video,
    is_pod_of,
)
from videoimport.core.observed import ClaimView, EventView, JobView, ObservedVideo, Owner, PodView
from videoimport.core.plan import PartialPlan
from videoimport.core.settings import Settings

VideoPlan = PartialPlan[VideoImportStatus]
"""Result of one step of a decision. ``finalize_plan`` completes this plan."""


@dataclass(frozen=True)
class VideoContext:
    """The data that every step of a decision reads.

    The class has no ``__slots__``, so that each property is computed only once. Many steps read the same properties.
    """

    observed: ObservedVideo
    video: VideoImport
    """The resource with the spec and status that it has in the cluster."""
    spec: VideoImportSpec
    status: VideoImportStatus
    now: datetime
    """Current time in whole seconds, like timestamps in a status."""
    settings: Settings

    @cached_property
    def run(self) -> int:
        """Number of the current run. The number is 0 before the first run."""
        return self.status.run or 0

    @cached_property
    def attempts(self) -> Attempts:
        """The recorded attempts, with the present maximum of the spec."""
        return (self.status.attempts or Attempts()).model_copy(update={"max": self.spec.max_attempts})

    @cached_property
    def since(self) -> datetime:
        """Start time of the present series of runs: the time at which the condition Reconciling became True.

        If this condition is not True, the value is the start time of the first run.
        """
        working = next((c for c in self.status.conditions if c.type == ConditionType.RECONCILING), None)
        if working is None or working.status != "True":
            return self.status.start_time or self.now
        return working.last_transition_time

    @cached_property
    def wish(self) -> str:
        """The hash of all mutable fields of the spec."""
        return wish_hash(self.spec)

    def has_changed_since(self, job: JobView | None) -> bool:
        """Return whether the spec has changed since this Job was made. Return False if this is unknown."""
        return job is not None and job.wish not in (None, self.wish)

    @cached_property
    def job(self) -> JobView | None:
        """The current run's Job, by the name and run in the status.

        If the status has a UID, the UID must match too. So the property never returns another Job with the same
        name.
        """
        known = self.status.job
        if known is None:
            return None
        found = next((job for job in self.jobs if job.name == known.name and job.run == self.run), None)
        return found if found is not None and known.uid in (None, found.uid) else None

    @cached_property
    def jobs(self) -> tuple[JobView, ...]:
        """The Jobs that are runs of this resource."""
        return tuple(job for job in self.observed.jobs if is_job_of_video(job, self.owner))

    @cached_property
    def owner(self) -> Owner:
        """The resource as the owner of its objects."""
        return build_video_owner(self.video.metadata)

    @cached_property
    def claim(self) -> ClaimView | None:
        """The PersistentVolumeClaim of the import's scratch, or None if the scratch does not outlive pods."""
        return next((claim for claim in self.observed.claims if is_claim_of(claim, self.owner)), None)

    @cached_property
    def pods(self) -> tuple[PodView, ...]:
        """The pods of the import's Jobs, and of the Job that the status names. That Job may no longer exist."""
        known = self.status.job
        recorded = build_job_owner(self.owner.namespace, known.name, known.uid) if known and known.uid else None
        own = (pod for pod in self.observed.pods if any(is_pod_of(pod, job) for job in self.jobs))
        return (*own, *(pod for pod in self.observed.pods if pod.owner == recorded and recorded is not None))

    def pods_of(self, job: JobView) -> tuple[PodView, ...]:
        """Return the pods of a Job, the newest first."""
        return find_pods(job, self.observed.pods)

    @cached_property
    def state(self) -> RunState:
        """The current run. The run waits for a scratch claim only if the spec asks for a claim."""
        claim = self.claim if self.spec.worker.scratch.storage_class_name else None
        pods, events = self.observed.pods, self.observed.events
        return RunState(
            self.run, self.attempts, self.job, self.jobs, pods, events, self.refusal, self.now, self.settings, claim
        )

    @cached_property
    def refusal(self) -> EventView | None:
        """The latest Event in which the API server refused the Job. The Event is about the import."""
        uid = self.video.metadata.uid
        about = [event for event in self.observed.events if event.uid == uid and event.reason == "JobRejected"]
        return max(about, key=lambda event: event.last_seen, default=None)

    @cached_property
    def host_context(self) -> HostContext:
        """The facts about the host of the import's source, and when the current run's Job and worker started."""
        job = self.job
        begun = [pod.running_since for pod in self.pods_of(job) if pod.running_since] if job else []
        return HostContext(
            find_host(self.video) or "",
            self.status.host_backoff,
            self.observed.host,
            self.now,
            self.settings,
            job_created=job.created if job else None,
            worker_since=max(begun, default=None),
        )
