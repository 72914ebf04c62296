"""The end of a bulk is told to a real receiver by the worker's real process, whatever goes wrong on the way."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.controller.api_server import ApiServer, await_until, background
from support.controller.controller_process import Controller
from support.controller.fake_kubelet import FakeKubelet
from support.controller.manifests import THREE, bulk
from support.controller.node_logs import NodeLogs
from support.controller.task_job_kubelet import TaskJobKubelet
from support.controller.webhooks import create_secret, delivered, hook, webhook_spec
from support.webhook_receiver import WebhookReceiver, status

Started = Callable[..., Controller]
FAILURES = 5


@pytest.fixture
def task_kubelet(api: ApiServer, namespace: str, tmp_path: Path) -> Iterator[TaskJobKubelet]:
    """Runs the pods that deliver, on a node of its own."""
    node = f"hooks-{uuid.uuid4().hex[:8]}"
    with NodeLogs(api, tmp_path).serving() as logs:
        logs.node(node)
        acting = TaskJobKubelet(api, namespace, logs, tmp_path, node=node)
        try:
            with background("task kubelet", acting.run):
                yield acting
        finally:
            api.call("DELETE", f"/api/v1/nodes/{node}")


@pytest.fixture
def begin(started: Started) -> Callable[[], Controller]:
    return lambda: started(VIDEOIMPORT_ALLOWED_NETWORKS='["127.0.0.0/8"]')


def test_one_message_survives_failures_and_a_restart_and_is_verified_by_the_library(
    api: ApiServer, namespace: str, kubelet: FakeKubelet, task_kubelet: TaskJobKubelet, begin: Callable[[], Controller]
) -> None:
    receiver = WebhookReceiver(replies=[*[status(500)] * FAILURES, status(204)])
    with receiver.running():
        create_secret(api, namespace, receiver)
        controller = begin()
        api.create(bulk(namespace, THREE, webhook=webhook_spec(receiver)))
        await_until("five failures", lambda: len(receiver.posts) == FAILURES, 120, explain=controller.tail)
    await_until(
        "a try while it is down",
        lambda: "could not be reached" in hook(api, namespace).get("message", ""),
        120,
        explain=controller.tail,
    )
    controller.kill()
    with receiver.running():
        controller.start().ready()
        done = delivered(api, namespace, controller)
    assert receiver.ids == {done["id"]}
    assert {post.body for post in receiver.posts} == {receiver.posts[0].body}
    assert receiver.forged == []
    assert len(receiver.posts) == FAILURES + 1
    assert done["attempts"]["count"] >= FAILURES + 2
    message = receiver.posts[-1].message
    assert message["type"] == "bulkimport.completed"
    data = message["data"]
    assert (data["name"], data["total"], data["completed"], data["failed"]) == ("many", 3, 2, 1)
    shard = data["resultsRef"][0]
    assert (shard["count"], len(api.get("ConfigMap", namespace, shard["name"])["data"])) == (3, 3)


def test_a_pod_that_is_lost_while_the_receiver_thinks_sends_the_same_message_again(
    api: ApiServer, namespace: str, kubelet: FakeKubelet, task_kubelet: TaskJobKubelet, begin: Callable[[], Controller]
) -> None:
    receiver = WebhookReceiver()
    receiver.replies = [lambda _: receiver.over.wait(60) and None, status(204)]
    with receiver.running():
        create_secret(api, namespace, receiver)
        controller = begin()
        api.create(bulk(namespace, THREE, dryRun=True, webhook=webhook_spec(receiver)))
        await_until("the message", lambda: receiver.posts, 120, explain=controller.tail)
        for pod in api.all_of("Pod", namespace):
            api.delete("Pod", namespace, pod["metadata"]["name"])
        done = delivered(api, namespace, controller)
        assert (len(receiver.posts), receiver.ids) == (2, {done["id"]})
    assert (done["attempts"]["count"], done["attempts"]["uncharged"]) == (1, 1)


def test_a_secret_that_comes_later_is_soon_enough(
    api: ApiServer, namespace: str, kubelet: FakeKubelet, task_kubelet: TaskJobKubelet, begin: Callable[[], Controller]
) -> None:
    with WebhookReceiver().running() as receiver:
        controller = begin()
        api.create(bulk(namespace, THREE, dryRun=True, webhook=webhook_spec(receiver)))
        await_until(
            "what is missing to be told",
            lambda: "no Secret 'hook-key'" in hook(api, namespace).get("message", ""),
            120,
            explain=controller.tail,
        )
        create_secret(api, namespace, receiver)
        delivered(api, namespace, controller)
        assert len(receiver.posts) == 1
