"""Stands for the kubelet and the worker where pods deliver messages: it says what comes of each try."""

import threading
from dataclasses import dataclass, field

from support.controller.api_server import ApiServer, Raw, Refused
from support.controller.fake_kubelet import running, terminated
from videoimport.api.labels import IMPORT, TASK
from videoimport.api.reasons import Reason, info
from videoimport.api.tasks.webhook_task import DeliveryReport, DeliveryTask


@dataclass
class FakeWebhookWorker:
    """For one namespace. ``fates`` are the ends of its tries in turn; all after them are delivered."""

    api: ApiServer
    namespace: str
    fates: tuple[Reason, ...] = ()
    messages: list[tuple[str, str]] = field(default_factory=list)
    """Id and body of each try."""

    def run(self, stopping: threading.Event) -> None:
        """Until stopping is set. Fails when a try sends another message than the one before."""
        while not stopping.is_set():
            for event in self.api.watch("Pod", self.namespace, stopping):
                pod = event["object"]
                if event["type"] != "DELETED" and IMPORT not in pod["metadata"]["labels"]:
                    self._advance(pod)
                if stopping.is_set():
                    return

    def _advance(self, pod: Raw) -> None:
        phase = pod.get("status", {}).get("phase", "Pending")
        if phase in ("Succeeded", "Failed") or "deletionTimestamp" in pod["metadata"]:
            return
        state = running() if phase == "Pending" else self._ended(pod)
        try:
            self.api.merge("Pod", self.namespace, pod["metadata"]["name"], {"status": state}, "status")
        except Refused as refused:
            if refused.status != 404:  # deleted under our hands, as pods are
                raise

    def _ended(self, pod: Raw) -> Raw:
        task = DeliveryTask.model_validate_json(pod["metadata"]["annotations"][TASK])
        self.messages.append((task.message_id, task.body))
        assert len(set(self.messages)) == 1, f"another message: {self.messages}"
        reason = self.fates[task.run - 1] if task.run <= len(self.fates) else None
        report = DeliveryReport(uid=task.uid, run=task.run, reason=reason, message="acted")
        code = (info(reason).exit_code or 1) if reason else 0
        return terminated(code, report.model_dump_json(by_alias=True, exclude_none=True))
