"""The webhook of a BulkImport that has ended: its spec, the message, and the worker's task and report.

The message and its signature follow https://www.standardwebhooks.com, so receivers verify it with that library.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from videoimport.api.base import Message, Model, Timestamp
from videoimport.api.field_types import ConfigMapReference, HttpUrl, SecretReference
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import Attempts, Count

SECRET_KEY = "webhook-secret"  # noqa: S105 — the key's name, not a secret
"""Key of the Secret; its value is ``whsec_`` and the base64 of 24 to 64 random bytes, or two of these, a line each."""
WEBHOOK_SECRET_PATH = "/var/run/secrets/videoimport.io/webhook"  # noqa: S105 — a folder
"""Where the worker finds the Secret's keys as files."""

MAX_RETRY_AFTER = 86_400
"""Maximum Retry-After of a receiver, in seconds; longer ones count as this."""


class WebhookEvent(StrEnum):
    """The endings of a BulkImport."""

    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class Webhook(Model):
    """An address that gets a message when the BulkImport ends, and once more for each time it ends again."""

    url: HttpUrl
    """Receives a signed POST with the summary as JSON. After another answer than 2xx the message is sent again for more
    than a day, with growing delays. After 410 it is not sent again."""
    secret_ref: SecretReference
    """Secret with the key webhook-secret: whsec_ and the base64 of 24 to 64 random bytes. To replace the secret, give
    both, a line each: the message is then signed with both."""
    events: Annotated[
        tuple[WebhookEvent, ...], Field(min_length=1, max_length=3, json_schema_extra={"x-kubernetes-list-type": "set"})
    ] = (WebhookEvent.COMPLETED, WebhookEvent.FAILED, WebhookEvent.CANCELLED)
    """The endings that send a message."""


class WebhookStatus(Model):
    """The last ending that was, or is being, sent."""

    id: Annotated[str, Field(max_length=64)]
    """The message's webhook-id: the same however often it is sent, so that receivers see it once."""
    event: WebhookEvent
    """The ending that the message reports."""
    state: Literal["Pending", "Delivered", "Failed"]
    """Failed: it was given up."""
    wish: Annotated[str, Field(max_length=16)] = ""
    """Changes with the webhook's address, its Secret's name and the retryToken. Each change resets the number of tries.
    """
    run: Count = 0
    """Jobs that were made to send messages; the last is <bulk>-hook-r<run>."""
    attempts: Attempts = Attempts()
    """How often this message was tried."""
    message: Message | None = None
    """The result of the last try, or what delays the next one; absent once it is delivered."""
    delivered_time: Timestamp | None = None
    """When the receiver took it."""


class DeliveryTask(Model):
    """One try of one delivery, for the worker. Holds no secret but what is in the address."""

    schema_version: Literal[1] = 1
    kind: Literal["Delivery"] = "Delivery"
    uid: str
    """Of the BulkImport."""
    namespace: str
    name: str
    run: Count
    url: HttpUrl
    secret: str
    """The Secret's name, for messages about it."""
    message_id: Annotated[str, Field(max_length=64)]
    body: Annotated[str, Field(max_length=65536)]
    """The message's JSON, to be sent byte for byte."""
    allowed_networks: tuple[str, ...] = ()
    proxy: str | None = None
    ca_bundle_config_map_ref: ConfigMapReference | None = None
    """More certificates to trust; the ConfigMap is mounted."""
    timeout_seconds: Annotated[int, Field(ge=1, le=3600)] = 60
    """From the first connection to the answer."""


class DeliveryReport(Model):
    """How a try of a delivery ended: the termination message."""

    schema_version: Literal[1] = 1
    kind: Literal["DeliveryReport"] = "DeliveryReport"
    uid: str
    run: Count
    reason: Reason | None = None
    """Why it was not delivered; None when it was."""
    message: Message = ""
    advice: Annotated[str, Field(max_length=512)] = ""
    """What to do, where that is more exact than the reason's own advice."""
    retry_after_seconds: Annotated[int, Field(ge=0, le=MAX_RETRY_AFTER)] | None = None
    """The receiver's Retry-After, if it sent one."""
