"""The controller's settings, from environment variables. If one is invalid, a message names it, and nothing starts."""

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
    """A line for each invalid variable, with its name."""


class ControllerSettings(BaseSettings):
    """Each field is the variable of its name in capitals, after ``VIDEOIMPORT_``; lists are written as JSON."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, use_attribute_docstrings=True, extra="ignore")

    worker_image: Annotated[str, Field(min_length=1)]
    """Image of the worker's container."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """Of the worker's image."""
    image_pull_secrets: tuple[str, ...] = ()
    """Pull Secrets in the namespace of the import."""
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks that sources may be in besides public addresses."""
    stall_seconds: Annotated[int, Field(ge=10, le=86400)] = 600
    """Without any progress in any stage for so long, a worker ends its run as Stalled."""
    listing_memory: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,6}(Mi|Gi)$")] = "512Mi"
    """Memory limit of Jobs that list or send a webhook's message, unless the user's own limits name one."""
    source_bytes_per_second: Annotated[int, Field(ge=0)] = 0
    """Most bytes a second that one worker fetches; 0 for as fast as they come."""
    source_sleep_seconds: Annotated[int, Field(ge=0, le=60)] = 0
    """Pause between two requests while a worker looks into a page."""
    watch_namespaces: tuple[str, ...] = ()
    """The namespaces to watch; empty means all."""

    pod_name: Annotated[str, Field(validation_alias="POD_NAME", min_length=1)] = "videoimport-controller"
    """Who leads, as the Lease shows it; every replica needs its own."""
    pod_namespace: Annotated[str, Field(validation_alias="POD_NAMESPACE", min_length=1)] = "default"
    """The namespace of the Lease."""
    leader_election: bool = True
    """False only where there is never more than one controller."""
    lease_seconds: Annotated[int, Field(ge=2)] = 15
    """How long a standby waits after the last renewal of a leader."""
    renew_deadline_seconds: Annotated[int, Field(ge=2)] = 10
    """How long a leader tries to renew before it ends."""
    retry_seconds: Annotated[float, Field(ge=1)] = 2
    """Pause between two attempts to lead or to renew."""

    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    """Of /healthz, /readyz and /metrics."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least level that is logged."""

    workers: Annotated[int, Field(ge=1, le=64)] = 8
    """Keys that are reconciled at the same time."""
    relist_seconds: PositiveFloat = 300
    """Pause between two comparisons of the cache with the API server."""
    tail_seconds: PositiveFloat = 2
    """Pause between two reads of a worker's progress."""
    tails_per_second: PositiveFloat = 50
    """Maximum of such reads a second in the whole cluster; with more workers the pause grows."""

    max_running: Annotated[int, Field(ge=1)] = 500
    """Most imports that run at the same time."""
    max_running_per_namespace: Annotated[int, Field(ge=0)] = 0
    """Most of them in one namespace; 0 for no limit but the other."""

    write_seconds: PositiveFloat = 3
    """Least time between two writes of a status that change only progress."""
    backoff_seconds: PositiveFloat = 10
    """First delay before a failed import is tried again; doubles each time."""
    backoff_cap_seconds: PositiveFloat = 600
    """Longest such delay."""
    webhook_backoff_seconds: PositiveFloat = 10
    """First delay before a webhook's message is sent again; doubles each time."""
    webhook_backoff_cap_seconds: PositiveFloat = 14_400
    """Longest such delay; there are at most twenty tries."""
    host_backoff_seconds: PositiveFloat = 300
    """First backoff of a host that answered with RateLimited; doubles with each further failure."""
    host_backoff_max_seconds: PositiveFloat = 3600
    """Longest such backoff."""
    later_seconds: PositiveFloat = 1800
    """Delay after SourceNotYetAvailable."""
    later_cap_seconds: PositiveFloat = 604_800
    """How long an import waits after SourceNotYetAvailable and RateLimited."""
    patience_seconds: PositiveFloat = 15
    """How long a Job may be without a pod, or a pod without a container, before the controller lists the cluster's
    Events."""
    job_ttl_seconds: PositiveFloat = 600
    """How long a Job stays once its result is recorded."""

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
        """Timeout of one request of the election: several fit below the deadline."""
        return self.renew_deadline_seconds / 3

    def limits(self) -> Limits:
        """How many imports run."""
        return Limits(self.max_running, self.max_running_per_namespace)

    def for_decisions(self) -> Settings:
        """The part that decisions depend on."""
        return Settings(
            worker_image=self.worker_image,
            image_pull_policy=self.image_pull_policy,
            image_pull_secrets=self.image_pull_secrets,
            allowed_networks=tuple(str(network) for network in self.allowed_networks),
            modest_limits={"memory": self.listing_memory},
            stall=timedelta(seconds=self.stall_seconds),
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
    """From the environment. Raises BadSetting."""
    try:
        return ControllerSettings()
    except ValidationError as wrong:
        raise BadSetting("\n".join(_line(error["loc"], error["msg"]) for error in wrong.errors())) from wrong
    except SettingsError as unreadable:  # not JSON where a list is wanted; the message names the field
        raise BadSetting(f'{unreadable}: write it as JSON, such as ["a", "b"]') from unreadable


def _line(location: tuple[int | str, ...], message: str) -> str:
    if not location:
        return message.removeprefix("Value error, ")
    first = str(location[0])
    return f"{first if first.isupper() else PREFIX + first.upper()}: {message}"
