"""Runs the worker for the delivery of a message, as its pod does."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.waiting import LONGEST_SECONDS
from support.worker.worker_process import Process, start_copy, start_interpreter
from videoimport.api.tasks.webhook_task import DeliveryReport, DeliveryTask

LOOPBACK = ("127.0.0.0/8",)


BODY = json.dumps({"type": "bulkimport.completed", "data": {"message": "Zwölf 動画 imported"}}, ensure_ascii=False)


@dataclass
class FinishedDelivery:
    code: int
    report: DeliveryReport
    everything: str


@dataclass
class WebhookHarness:
    """Starts the worker for a delivery, as its pod does."""

    folder: Path
    keys: dict[str, str] = field(default_factory=dict)

    def task(self, url: str, **more: Any) -> DeliveryTask:
        wish: dict[str, Any] = {
            "uid": "uid-1", "namespace": "team", "name": "talks", "run": 3, "url": url, "secret": "hook-key",
            "message_id": "msg_1", "body": BODY, "allowed_networks": LOOPBACK,
        }  # fmt: skip
        return DeliveryTask(**wish | more)

    def start(self, task: DeliveryTask, *, is_leader: bool = False) -> Process:
        secret = self.folder / "secret"
        secret.mkdir(exist_ok=True)
        for name, value in self.keys.items():
            (secret / name).write_text(value)
        (self.folder / "task.json").write_text(task.model_dump_json(by_alias=True, exclude_none=True))
        argv = ["--task", self.folder / "task.json", "--webhook-secret", secret, "--ca-bundle", self.folder / "ca.crt",
                "--termination-message", self.folder / "message"]  # fmt: skip
        # A proxy that nobody answers at: none of the environment's may be used.
        nowhere = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
        env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **nowhere}
        if is_leader:
            return start_interpreter(argv, env, self.folder, is_leader=True)
        return start_copy(argv, env, self.folder)

    def ended(self, process: Process) -> FinishedDelivery:
        out, log = process.communicate(timeout=LONGEST_SECONDS)
        message = (self.folder / "message").read_text()
        return FinishedDelivery(process.returncode, DeliveryReport.model_validate_json(message), out + log + message)

    def deliver(self, url: str, **more: Any) -> FinishedDelivery:
        return self.ended(self.start(self.task(url, **more)))
