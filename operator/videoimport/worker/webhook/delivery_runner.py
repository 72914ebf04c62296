"""One attempt to deliver a webhook message. The worker reads the Secret, installs the address guard and sends the
signed message.

There is no separate process: the guard runs in this process and checks the numeric address of every connection.
"""

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import MAX_BYTES
from videoimport.api.tasks.webhook_task import DeliveryReport, DeliveryTask
from videoimport.worker.runtime import ca_bundle as trust
from videoimport.worker.runtime import logging as logs
from videoimport.worker.runtime.errors import ImportFailure, Interruption
from videoimport.worker.runtime.paths import Paths
from videoimport.worker.runtime.task_runner import TaskRunner
from videoimport.worker.runtime.termination_message import clip
from videoimport.worker.sandbox.address_guard import Guard
from videoimport.worker.sandbox.proxy import Route, with_login
from videoimport.worker.webhook import http_post as sending
from videoimport.worker.webhook import signature as signing
from videoimport.worker.webhook.http_post import WebhookResponse

_PROXY_FIELD = "spec.template.worker.proxy"
_MESSAGE_LENGTHS = (1000, 500)
"""Maximum numbers of characters of the message. The second length is for characters of several bytes.

A message of 500 characters of four bytes each fits a termination message with the rest of the report.
"""


class DeliveryRunner(TaskRunner[WebhookResponse]):
    """Delivers one message once. The run makes no second attempt."""

    def __init__(self, task: DeliveryTask, paths: Paths) -> None:
        super().__init__(task.timeout_seconds)
        self._task, self._paths = task, paths

    def work(self) -> WebhookResponse:
        """Sign the message and send it. Raises ImportFailure or Interruption."""
        task, secret = self._task, self._paths.webhook_secret
        signers = signing.read_signers(task.secret, secret)
        with tempfile.TemporaryDirectory() as folder:
            proxy = with_login(task.proxy, secret)
            trusted = trust.bundle(task.ca_bundle_config_map_ref, self._paths.ca_bundle, Path(folder))
            route = Route(proxy, str(trusted) if trusted else None, _PROXY_FIELD)
            reachable = route.proxy_addresses(task.allowed_networks)
            guard = Guard(task.allowed_networks, [str(secret)], reachable)
            guard.install()
            headers = signing.headers(signers, task.message_id, task.body, datetime.now(UTC))
            answer = sending.send(task.url, task.body.encode(), headers, route, self.interrupts.settle)
        leads = "The webhook's address leads to"
        refusal = route.explain_refusal(guard, leads, leads) if answer.reason else None
        return self.describe(refusal) if refusal else answer

    def describe(self, end: ImportFailure | Interruption) -> WebhookResponse:
        """Return the result for a delivery that ended with the exception ``end``.

        If the receiver sends no response before the deadline, the receiver did not accept the message.
        """
        if isinstance(end, Interruption) and end.reason is Reason.DEADLINE_EXCEEDED:
            message = f"The receiver did not answer within {self._task.timeout_seconds} s."
            return WebhookResponse(Reason.WEBHOOK_FAILED, message)
        return WebhookResponse(end.reason, end.message, advice=end.advice)

    def write(self, result: WebhookResponse) -> None:
        """Write the report. If the write fails, the exit code still shows the outcome."""
        path = self._paths.termination_message
        try:
            path.write_bytes(self._fitted(result))
        except OSError as error:
            logs.log().error("cannot leave the report", path=os.fspath(path), error=type(error).__name__)

    def _fitted(self, result: WebhookResponse) -> bytes:
        """Return the report, with a message that is short enough for ``MAX_BYTES`` bytes in all."""
        text = b""
        for length in _MESSAGE_LENGTHS:
            report = DeliveryReport(
                uid=self._task.uid, run=self._task.run, reason=result.reason,
                message=clip(logs.redacted(result.message), length) or "", advice=result.advice,
                retry_after_seconds=result.retry_after_seconds,
            )  # fmt: skip
            text = report.model_dump_json(by_alias=True, exclude_none=True).encode()
            if len(text) <= MAX_BYTES:
                break
        return text

    def log(self, result: WebhookResponse) -> None:
        """Log how the delivery ended."""
        logs.log().info("ended", webhook_id=self._task.message_id, reason=result.reason, message=result.message)
