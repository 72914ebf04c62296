"""Settings of the controller that decisions depend on."""

from dataclasses import dataclass, field
from datetime import timedelta

from videoimport.api.tasks.import_task import Politeness


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings that are fixed while a controller runs."""

    worker_image: str
    """Image of the worker's container."""
    image_pull_policy: str = "IfNotPresent"
    """Pull policy of the worker's image: Always, IfNotPresent or Never."""
    image_pull_secrets: tuple[str, ...] = ()
    """Names of image pull Secrets in the import's namespace."""
    allowed_networks: tuple[str, ...] = ()
    """CIDRs of networks that sources may be in, besides public addresses."""
    default_requests: dict[str, str] = field(default_factory=lambda: {"cpu": "100m", "memory": "256Mi"})
    """Default requests of a worker, for resources that spec.worker.resources.requests leaves out."""
    default_limits: dict[str, str] = field(default_factory=lambda: {"memory": "2Gi"})
    """Default limits of a worker, for resources that spec.worker.resources.limits leaves out."""
    modest_limits: dict[str, str] = field(default_factory=lambda: {"memory": "512Mi"})
    """Limits of a container that only lists or sends a webhook message. In tests with hostile lists, all processes of a
    listing together had at most 360 MiB."""
    stall: timedelta = timedelta(minutes=10)
    """Time without any progress after which a worker ends its run as Stalled."""
    upload_deadline: timedelta = timedelta(hours=1)
    """Maximum time that an import waits for an upload session."""
    upload_idle: timedelta = timedelta(minutes=10)
    """Time without a byte after which an upload session ends and frees its pod."""
    politeness: Politeness = field(default_factory=Politeness)
    """Limits on the load that a worker puts on a source."""
    write_interval: timedelta = timedelta(seconds=3)
    """Minimum time between two status writes of a VideoImport or BulkImport that change only progress."""
    backoff_base: timedelta = timedelta(seconds=10)
    """First delay before a retry. The delay doubles with each counted attempt."""
    backoff_cap: timedelta = timedelta(minutes=10)
    """Maximum delay before a retry."""
    webhook_backoff_base: timedelta = timedelta(seconds=10)
    """First delay before a webhook message is sent again. The delay doubles with each try."""
    webhook_backoff_cap: timedelta = timedelta(hours=4)
    """Maximum delay before a webhook message is sent again."""
    host_backoff: timedelta = timedelta(minutes=5)
    """First backoff of a host that answered with RateLimited. The backoff doubles with each further failure."""
    host_backoff_max: timedelta = timedelta(hours=1)
    """Maximum backoff of a host."""
    later: timedelta = timedelta(minutes=30)
    """Delay after SourceNotYetAvailable."""
    later_cap: timedelta = timedelta(days=7)
    """Maximum time that an import waits after SourceNotYetAvailable, counted from the first such run. The same maximum
    applies to the wait for a host's backoff, counted from the first RateLimited. Neither wait counts toward
    maxAttempts."""
    max_uncharged: int = 10
    """Maximum number of an import's runs that do not count toward maxAttempts. The limit makes a permanent eviction
    visible."""
    job_ttl: timedelta = timedelta(minutes=10)
    """Time that a Job stays after its result is recorded."""
    deadline_slack: timedelta = timedelta(minutes=5)
    """Difference between the Job's activeDeadlineSeconds and spec.timeoutSeconds. The worker's own deadline comes
    first."""
    patience: timedelta = timedelta(seconds=15)
    """Time that a Job may be without a pod, or a pod without a container. Then the controller lists the cluster's
    Events for the cause."""
    shard_size: int = 500
    """Maximum number of results in one ConfigMap. 500 results of at most 2 KiB fit into the 1 MiB of a ConfigMap."""
