"""The webhook of a BulkImport: its Secret, its spec, and how its delivery stands."""

import base64
from typing import Any

from support.controller.api_server import ApiServer, Raw, await_until
from support.controller.controller_process import Controller
from support.webhook_receiver import WebhookReceiver


def create_secret(api: ApiServer, namespace: str, receiver: WebhookReceiver) -> None:
    """The Secret that receiver and sender share."""
    data = {"webhook-secret": base64.b64encode(receiver.secret.encode()).decode()}
    made = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "hook-key"}, "data": data}
    api.call("POST", f"/api/v1/namespaces/{namespace}/secrets", made)


def webhook_spec(receiver: WebhookReceiver) -> Raw:
    return {"url": receiver.url(), "secretRef": {"name": "hook-key"}}


def hook(api: ApiServer, namespace: str) -> Any:
    return api.get("BulkImport", namespace, "many").get("status", {}).get("webhook", {})


def delivered(api: ApiServer, namespace: str, controller: Controller) -> Any:
    def shown() -> str:
        return f"{hook(api, namespace)}\n{controller.tail()}"

    await_until("the delivery", lambda: hook(api, namespace).get("state") == "Delivered", 120, explain=shown)
    return hook(api, namespace)
