"""The report of a delivery, as the controller reads it from the pod's termination message."""

from pathlib import Path

import pytest

from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import MAX_BYTES
from videoimport.api.tasks.webhook_task import DeliveryReport, DeliveryTask
from videoimport.worker.runtime.paths import Paths
from videoimport.worker.webhook.delivery_runner import DeliveryRunner
from videoimport.worker.webhook.http_post import WebhookResponse


@pytest.mark.parametrize("letter", ["a", "ü", "視", "\U0001f3ac", '"'])
def test_a_report_of_any_message_can_be_read(tmp_path: Path, letter: str) -> None:
    paths = Paths(termination_message=tmp_path / "report")
    task = DeliveryTask(
        uid="uid",
        namespace="default",
        name="talks",
        run=1,
        url="https://example.com",
        message_id="msg_1",
        body="{}",
        secret="hook",
        timeout_seconds=5,
    )
    advice = "Set webhook.url to the final address, since redirects are not followed."
    DeliveryRunner(task, paths).write(WebhookResponse(Reason.WEBHOOK_FAILED, 1500 * letter, advice=advice))
    text = (tmp_path / "report").read_bytes()
    assert len(text) <= MAX_BYTES
    assert DeliveryReport.model_validate_json(text).message.startswith(letter)
