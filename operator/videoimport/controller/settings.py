"""The controller's settings, read from environment variables.

If a variable is invalid, a message names the variable, and the controller does not start.
"""

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveFloat, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from videoimport.api.tasks.import_task import Politeness
from videoimport.core.settings import Settings
from videoimport.core.start_limits import Limits

PREFIX = "VIDEOIMPORT_"
LEASE = "videoimport-controller"


class BadSetting(Exception):  # noqa: N818
    """At least one environment variable is invalid. The message has one line for each invalid variable, with the name
    of the variable."""


class ControllerSettings(BaseSettings):
    """The settings of the controller.

    Each field is read from the variable ``VIDEOIMPORT_`` plus the field's name in capitals. Lists are written as JSON.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, use_attribute_docstrings=True, extra="ignore")

    worker_image: Annotated[str, Field(min_length=1)]
    """Image of the worker container."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """Pull policy of the worker image."""
    image_pull_secrets: tuple[str, ...] = ()
    """Names of the Secrets for pulling the worker image. The Secrets are in the namespace of the import."""
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks in which sources may be, in addition to public addresses."""
    stall_seconds: Annotated[int, Field(ge=10, le=86400)] = 600
    """Maximum number of seconds without progress in any stage. After this time, the worker ends its run with the reason
    Stalled."""
    upload_deadline_seconds: Annotated[int, Field(ge=60, le=2_592_000)] = 3600
    """Maximum number of seconds that an import with source.upload waits for a session."""
    upload_idle_seconds: Annotated[int, Field(ge=10, le=86400)] = 600
    """Seconds without a byte after which an upload session ends and frees its pod."""
    listing_memory: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,6}(Mi|Gi)$")] = "512Mi"
    """Memory limit of Jobs that list a source or send a webhook message. A limit of the user takes precedence."""
    source_bytes_per_second: Annotated[int, Field(ge=0)] = 0
    """Maximum number of bytes that one worker fetches in a second. The value 0 means no limit."""
    source_sleep_seconds: Annotated[int, Field(ge=0, le=60)] = 0
    """Seconds between two requests while a worker reads a web page."""
    watch_namespaces: tuple[str, ...] = ()
    """The namespaces to watch. An empty list means all namespaces."""

    pod_name: Annotated[str, Field(validation_alias="POD_NAME", min_length=1)] = "videoimport-controller"
    """Name of this replica in the Lease. Every replica needs a different name."""
    pod_namespace: Annotated[str, Field(validation_alias="POD_NAMESPACE", min_length=1)] = "default"
    """The namespace of the Lease."""
    leader_election: bool = True
    """True if leader election is used. Set False only if there is never more than one controller."""
    lease_seconds: Annotated[int, Field(ge=2)] = 15
    """Seconds that a standby waits after the leader's last renewal of the Lease."""
    renew_deadline_seconds: Annotated[int, Field(ge=2)] = 10
    """Seconds for which a leader tries to renew the Lease. After this time, the leader ends."""
    retry_seconds: Annotated[float, Field(ge=1)] = 2
    """Seconds between two attempts to lead or to renew the Lease."""

    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    """Port of /healthz, /readyz and /metrics."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Lowest level of the messages that are logged."""

    workers: Annotated[int, Field(ge=1, le=64)] = 8
    """Number of keys that are reconciled at the same time."""
    relist_seconds: PositiveFloat = 300
    """Seconds between two comparisons of the cache with the API server."""
    tail_seconds: PositiveFloat = 2
    """Seconds between two reads of one worker's progress."""
    tails_per_second: PositiveFloat = 50
    """Maximum number of progress reads in a second, in the whole cluster. With more workers, the time between two reads
    grows."""

    max_running: Annotated[int, Field(ge=1)] = 500
    """Maximum number of imports that run at the same time."""
    max_running_per_namespace: Annotated[int, Field(ge=0)] = 0
    """Maximum number of imports that run at the same time in one namespace. With 0, the only limit is
    ``max_running``."""

    write_seconds: PositiveFloat = 3
    """Minimum number of seconds between two status writes that change only progress."""
    backoff_seconds: PositiveFloat = 10
    """Seconds before the first retry of a failed import. Each further delay is twice as long."""
    backoff_cap_seconds: PositiveFloat = 600
    """Maximum number of seconds before a retry of a failed import."""
    webhook_backoff_seconds: PositiveFloat = 10
    """Seconds before a webhook message is sent for the second time. Each further delay is twice as long."""
    webhook_backoff_cap_seconds: PositiveFloat = 14_400
    """Maximum number of seconds before a webhook message is sent again. A message is sent at most twenty times."""
    host_backoff_seconds: PositiveFloat = 300
    """First backoff in seconds of a host that answered with RateLimited. Each further failure doubles the backoff."""
    host_backoff_max_seconds: PositiveFloat = 3600
    """Maximum backoff of a host in seconds."""
    later_seconds: PositiveFloat = 1800
    """Delay in seconds after SourceNotYetAvailable."""
    later_cap_seconds: PositiveFloat = 604_800
    """Maximum number of seconds that an import waits after its first SourceNotYetAvailable. The same limit applies
    after the first RateLimited."""
    patience_seconds: PositiveFloat = 15
    """Maximum number of seconds that a Job may have no pod, or a pod may have no container. After this time, the
    controller lists the cluster's Events."""
    job_ttl_seconds: PositiveFloat = 600
    """Seconds that a Job is kept after its result is recorded."""

    @model_validator(mode="after")
    def _the_leader_ends_before_another_starts(self) -> Self:
        latest = self.renew_deadline_seconds + self.request_seconds
        if latest >= self.lease_seconds:
            raise ValueError(
                f"lease_seconds ({self.lease_seconds}) must be greater than renew_deadline_seconds plus the time of "
                f"one request ({latest:g})"
            )
        if self.renew_deadline_seconds <= 1.2 * self.retry_seconds:
            raise ValueError("renew_deadline_seconds must be greater than 1.2 times retry_seconds")
        return self

    @property
    def request_seconds(self) -> float:
        """Timeout in seconds of one election request. Several requests fit into the time in which a leader must renew
        the Lease."""
        return self.renew_deadline_seconds / 3

    def limits(self) -> Limits:
        """Return the limits of running imports."""
        return Limits(self.max_running, self.max_running_per_namespace)

    def for_decisions(self) -> Settings:
        """Return the settings that decisions depend on."""
        return Settings(
            worker_image=self.worker_image,
            image_pull_policy=self.image_pull_policy,
            image_pull_secrets=self.image_pull_secrets,
            allowed_networks=tuple(str(network) for network in self.allowed_networks),
            modest_limits={"memory": self.listing_memory},
            stall=timedelta(seconds=self.stall_seconds),
            upload_deadline=timedelta(seconds=self.upload_deadline_seconds),
            upload_idle=timedelta(seconds=self.upload_idle_seconds),
            politeness=Politeness(
                bytes_per_second=self.source_bytes_per_second or None, sleep_seconds=self.source_sleep_seconds
            ),
            write_interval=timedelta(seconds=self.write_seconds),
            backoff_base=timedelta(seconds=self.backoff_seconds),
            backoff_cap=timedelta(seconds=self.backoff_cap_seconds),
            webhook_backoff_base=timedelta(seconds=self.webhook_backoff_seconds),
            webhook_backoff_cap=timedelta(seconds=self.webhook_backoff_cap_seconds),
            host_backoff=timedelta(seconds=self.host_backoff_seconds),
            host_backoff_max=timedelta(seconds=self.host_backoff_max_seconds),
            later=timedelta(seconds=self.later_seconds),
            later_cap=timedelta(seconds=self.later_cap_seconds),
            patience=timedelta(seconds=self.patience_seconds),
            job_ttl=timedelta(seconds=self.job_ttl_seconds),
        )


def load() -> ControllerSettings:
    """Read the settings from the environment. Raises BadSetting."""
    try:
        return ControllerSettings()
    except ValidationError as wrong:
        raise BadSetting("\n".join(_line(error["loc"], error["msg"]) for error in wrong.errors())) from wrong
    except SettingsError as unreadable:  # a list is not valid JSON, and the message names the field
        raise BadSetting(f'{unreadable}: write it as JSON, such as ["a", "b"]') from unreadable


def _line(location: tuple[int | str, ...], message: str) -> str:
    if not location:
        return message.removeprefix("Value error, ")
    first = str(location[0])
    return f"{first if first.isupper() else PREFIX + first.upper()}: {message}"
