"""The controller's settings as far as decisions depend on them."""

from dataclasses import dataclass, field
from datetime import timedelta

from videoimport.api.tasks.import_task import Politeness


@dataclass(frozen=True, slots=True)
class Settings:
    """Fixed while a controller runs."""

    worker_image: str
    """Image of the worker's container."""
    image_pull_policy: str = "IfNotPresent"
    """Of the worker's image: Always, IfNotPresent or Never."""
    image_pull_secrets: tuple[str, ...] = ()
    """Names of Secrets in the import's namespace."""
    allowed_networks: tuple[str, ...] = ()
    """CIDRs that sources may be in besides public addresses."""
    default_requests: dict[str, str] = field(default_factory=lambda: {"cpu": "100m", "memory": "256Mi"})
    """What a worker requests of a resource that spec.worker.resources.requests leaves out."""
    default_limits: dict[str, str] = field(default_factory=lambda: {"memory": "2Gi"})
    """Its limit of a resource that spec.worker.resources.limits leaves out."""
    modest_limits: dict[str, str] = field(default_factory=lambda: {"memory": "512Mi"})
    """The same of a container that only lists or sends a webhook's message. All processes of a listing had at most 360
    MiB together in the tests with hostile lists (build/memory.md)."""
    stall: timedelta = timedelta(minutes=10)
    """Without any progress for so long a worker ends its run as Stalled."""
    politeness: Politeness = field(default_factory=Politeness)
    """How gently sources are asked."""
    write_interval: timedelta = timedelta(seconds=3)
    """Least time between two status writes that change nothing but progress, for a video and for a bulk alike."""
    backoff_base: timedelta = timedelta(seconds=10)
    """First delay before a retry; doubles with each counted attempt."""
    backoff_cap: timedelta = timedelta(minutes=10)
    """Longest delay before a retry."""
    webhook_backoff_base: timedelta = timedelta(seconds=10)
    """First delay before a webhook's message is sent again; doubles with each try."""
    webhook_backoff_cap: timedelta = timedelta(hours=4)
    """Longest such delay."""
    host_backoff: timedelta = timedelta(minutes=5)
    """First backoff of a host that answered with RateLimited; doubles with each further failure."""
    host_backoff_max: timedelta = timedelta(hours=1)
    """Longest such backoff."""
    later: timedelta = timedelta(minutes=30)
    """Delay after SourceNotYetAvailable."""
    later_cap: timedelta = timedelta(days=7)
    """How long an import waits after SourceNotYetAvailable, since the first such run, and for a host's backoff, since
    its first RateLimited. Neither counts toward maxAttempts."""
    max_uncharged: int = 10
    """Maximum of runs of an import that do not count toward maxAttempts, so that a permanent eviction becomes visible.
    """
    job_ttl: timedelta = timedelta(minutes=10)
    """How long a Job stays once its result is recorded."""
    deadline_slack: timedelta = timedelta(minutes=5)
    """How much later than spec.timeoutSeconds the Job's activeDeadlineSeconds is; the worker's own deadline comes
    first."""
    patience: timedelta = timedelta(seconds=15)
    """How long a Job may be without a pod, or a pod without a container, before the cluster's Events are asked why."""
    shard_size: int = 500
    """Results in one ConfigMap; 500 of at most 2 KiB stay under the 1 MiB that a ConfigMap may hold."""
