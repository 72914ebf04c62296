"""A canary in every address of a bulk, and a worker that repeats it: it stands nowhere in the namespace but in the
specs and in the tasks of Jobs and pods, which docs/security.md lists."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from support.controller.api_server import ApiServer, Raw, await_until, background
from support.controller.controller_process import Controller
from support.controller.fake_kubelet import FakeKubelet, terminated
from support.controller.manifests import bulk
from support.controller.namespace_state import finished
from videoimport.api.labels import TASK
from videoimport.api.reasons import Reason, info
from videoimport.api.tasks.import_task import Task

MARK = "c4nary"
INNER = f"https://ann:{MARK}inner@far.example/v.mp4?X-Amz-Signature={MARK}signature&t=1"
QUERY = f"token={MARK}token&url={quote(INNER, safe='')}&again={quote(quote(INNER, safe=''), safe='')}"
URLS = [f"https://bob:{MARK}password@example.com/{name}.mp4?{QUERY}" for name in ("one", "gone", "three")]
HOSTILE = f"\x1b[31m\u202eacted {INNER} and {QUERY}\nAuthorization: Bearer {MARK}bearer"
KINDS = ("BulkImport", "VideoImport", "Job", "Pod", "Event", "ConfigMap")


class RepeatingKubelet(FakeKubelet):
    """Its workers say whatever they know, as one that was forged would."""

    def _ended(self, task: Task) -> Raw:
        reason = self.fate(task)
        told: Raw = {
            "kind": "Report", "uid": task.uid, "run": task.run, "specHash": task.spec_hash,
            "outcome": "Failed" if reason else "Succeeded", "message": HOSTILE, "finishedAt": "2026-01-01T00:00:00Z",
            "source": {"type": "Url", "url": task.spec.source.url, "title": HOSTILE[:500]}, "videoId": "0" * 64,
            **({"reason": reason.value} if reason else {"outputs": {"video": {"uri": "s3://videos/\u202ea/video.mp4"}}}),
        }  # fmt: skip
        return terminated((info(reason).exit_code or 1) if reason else 0, json.dumps(told))


@pytest.fixture
def kubelet(api: ApiServer, namespace: str) -> Iterator[FakeKubelet]:
    acting = RepeatingKubelet(
        api, namespace, fate=lambda task: Reason.SOURCE_NOT_FOUND if "gone" in task.name else None
    )
    acting.fate = lambda task: Reason.SOURCE_NOT_FOUND if "/gone" in str(task.spec.source.url) else None
    with background("fake kubelet", acting.run):
        yield acting


def _without_listed(raw: Raw) -> Raw:
    """The object without the places that docs/security.md lists."""
    kept: Raw = json.loads(json.dumps(raw))
    if kept["kind"] in ("BulkImport", "VideoImport"):
        del kept["spec"]
    for annotated in (kept, kept.get("spec", {}).get("template", {})):
        (annotated.get("metadata", {}).get("annotations") or {}).pop(TASK, None)
    if kept["kind"] == "Pod":
        for container in kept.get("status", {}).get("containerStatuses", ()):
            container["state"] = {}  # what the worker itself wrote: tests/worker/test_outlets.py
    return kept


def _all_of(api: ApiServer, kind: str, namespace: str) -> list[Raw]:
    if kind != "Event":
        return api.all_of(kind, namespace)
    items: list[Raw] = api.call("GET", f"/api/v1/namespaces/{namespace}/events")["items"]
    return items


def _everything(api: ApiServer, namespace: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind in KINDS:
        for raw in _all_of(api, kind, namespace):
            name = f"{kind}/{raw['metadata']['name']}"
            found[name] = json.dumps(_without_listed({"kind": kind, **raw}), ensure_ascii=False)
    return found


@pytest.mark.usefixtures("kubelet")
def test_no_canary_stands_where_nobody_listed_it(
    api: ApiServer, namespace: str, started: Callable[..., Controller]
) -> None:
    controller = started(VIDEOIMPORT_ALLOWED_NETWORKS='["127.0.0.0/8"]')
    made = bulk(namespace, URLS, webhook={
        "url": f"https://hooks.example.com/services/T0/B0/{MARK}hook?token={MARK}hooktoken",
        "secretRef": {"name": "hook-key"},
    })  # fmt: skip
    made["spec"]["template"]["worker"] = {"proxy": f"http://{MARK}user:{MARK}proxy@127.0.0.1:9"}
    made["spec"]["template"]["maxAttempts"] = 1
    api.create(made)
    status: Any = finished(api, "BulkImport", namespace, "many")["status"]
    await_until("the webhook's Job", lambda: any("hook" in name for name in _everything(api, namespace)))
    found = _everything(api, namespace)
    assert {name.partition("/")[0] for name in found} == set(KINDS)
    assert [name for name, text in found.items() if MARK in text] == []
    assert [name for name, text in found.items() if "\u202e" in text or "\\u001b" in text] == []
    assert MARK not in controller.log.read_text()
    assert "far.example/v.mp4" in json.dumps(status["results"]), "what is no secret stays readable"
