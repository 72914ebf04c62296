"""The webhook of a BulkImport that has ended: its spec, its status, and the worker's task and report.

The message and its signature follow https://www.standardwebhooks.com, so receivers can verify the message with that
library.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from videoimport.api.base import Model
from videoimport.api.field_types import ConfigMapReference, HttpUrl, Message, SecretReference, Timestamp
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import Attempts, Count

SECRET_KEY = "webhook-secret"  # noqa: S105 — the key's name, not a secret
"""Key in the Secret. The value is ``whsec_`` and the base64 of 24 to 64 random bytes. Two such values may be given, one
on each line."""
WEBHOOK_SECRET_PATH = "/var/run/secrets/videoimport.io/webhook"  # noqa: S105 — a folder
"""Folder in which the worker finds the keys of the Secret as files."""

MAX_RETRY_AFTER = 86_400
"""Maximum Retry-After of a receiver in seconds. A longer value is reduced to this maximum."""


class WebhookEvent(StrEnum):
    """The final phases of a BulkImport for which a message may be sent."""

    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class Webhook(Model):
    """A receiver of webhook messages. It gets one message each time that the BulkImport ends."""

    url: HttpUrl
    """Address that receives a signed POST with the summary as JSON. After a response other than 2xx, the message is
    sent again for more than a day, with growing delays. After 410 the message is not sent again."""
    secret_ref: SecretReference
    """Secret with the key webhook-secret: whsec_ and the base64 of 24 to 64 random bytes. To replace the secret, give
    both values, one on each line. The message is then signed with both."""
    events: Annotated[
        tuple[WebhookEvent, ...], Field(min_length=1, max_length=3, json_schema_extra={"x-kubernetes-list-type": "set"})
    ] = (WebhookEvent.COMPLETED, WebhookEvent.FAILED, WebhookEvent.CANCELLED)
    """The final phases for which a message is sent."""


class WebhookStatus(Model):
    """The state of the last message that the BulkImport has ended."""

    id: Annotated[str, Field(max_length=64)]
    """The webhook-id of the message. All tries have the same id, so that a receiver can ignore repetitions."""
    event: WebhookEvent
    """The ending that the message reports."""
    state: Literal["Pending", "Delivered", "Failed"]
    """The state of the delivery. Failed means that the message is not sent again."""
    wish: Annotated[str, Field(max_length=16)] = ""
    """Hash of the webhook's address, the Secret's name and the retryToken. Each change resets the number of tries."""
    run: Count = 0
    """Number of Jobs that were created to send messages. The last Job is <bulk>-hook-r<run>."""
    attempts: Attempts = Attempts()
    """Tries of this message."""
    message: Message | None = None
    """The result of the last try, or the cause that delays the next try. Absent after delivery."""
    delivered_time: Timestamp | None = None
    """Time when the receiver accepted the message."""


class DeliveryTask(Model):
    """The task of one attempt to deliver a message. Only the address may contain a secret."""

    schema_version: Literal[1] = 1
    kind: Literal["Delivery"] = "Delivery"
    uid: str
    """UID of the BulkImport."""
    namespace: str
    name: str
    run: Count
    url: HttpUrl
    secret: str
    """Name of the Secret, for messages about the Secret."""
    message_id: Annotated[str, Field(max_length=64)]
    body: Annotated[str, Field(max_length=65536)]
    """The message as JSON, which is sent unchanged."""
    allowed_networks: tuple[str, ...] = ()
    proxy: str | None = None
    ca_bundle_config_map_ref: ConfigMapReference | None = None
    """ConfigMap with additional trusted certificates. The ConfigMap is mounted."""
    timeout_seconds: Annotated[int, Field(ge=1, le=3600)] = 60
    """Maximum seconds from the first connection to the answer."""


class DeliveryReport(Model):
    """The outcome of one attempt to deliver a message. The termination message has this report."""

    schema_version: Literal[1] = 1
    kind: Literal["DeliveryReport"] = "DeliveryReport"
    uid: str
    run: Count
    reason: Reason | None = None
    """Reason of the failure, or None after delivery."""
    message: Message = ""
    advice: Annotated[str, Field(max_length=512)] = ""
    """The solution for the user, if more exact than the advice of the reason."""
    retry_after_seconds: Annotated[int, Field(ge=0, le=MAX_RETRY_AFTER)] | None = None
    """The Retry-After of the receiver in seconds, or None if the receiver sent none."""
