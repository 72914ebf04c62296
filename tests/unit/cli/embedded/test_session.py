"""A run of the embedded mode: when it ends, and what stops it. No import of these tests starts a process."""

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from videoimport.cli.embedded.local_volumes import Choices, LocalVolumes, MountSources
from videoimport.cli.embedded.object_store import ObjectStore
from videoimport.cli.embedded.session import Session, SessionOptions, has_ended
from videoimport.controller.client.resources import Key

Raw = dict[str, Any]
DESTINATION = {"persistentVolumeClaim": {"claimName": "here"}}
URL = "https://media.example.com/clip.mp4"
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TIME = "2026-05-01T00:00:00Z"


def video(name: str = "clip", **spec: Any) -> Raw:
    return resource("VideoImport", name, {"source": {"url": URL}, "destination": DESTINATION, **spec})


def bulk(**spec: Any) -> Raw:
    source = {"items": [{"url": URL}]}
    return resource("BulkImport", "course", {"source": source, "template": {"destination": DESTINATION}, **spec})


def resource(kind: str, name: str, spec: Raw) -> Raw:
    metadata = {"name": name, "namespace": "media"}
    return {"apiVersion": "videoimport.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def begin(folder: Path, *resources: Raw, parallelism: int = 1) -> Session:
    """Return a session of the resources, which has not run yet."""
    objects = ObjectStore(lambda _kind, raw: f"uid-of-{raw['metadata']['name']}", lambda: datetime.now(UTC))
    for raw in resources:
        objects.create(raw)
    keys = tuple(Key(raw["kind"], "media", raw["metadata"]["name"]) for raw in resources)
    volumes = LocalVolumes(MountSources(Choices(folder)), objects)
    return Session(objects, volumes, SessionOptions(parallelism, (), folder), keys, lambda _: None)


def phases(session: Session) -> list[str]:
    return [session.objects.get(*key)["status"]["phase"] for key in session.roots]


class TestEnd:
    def test_a_session_ends_with_its_last_root(self, tmp_path: Path) -> None:
        session = begin(tmp_path, video("one", cancel=True), video("two", suspend=True), bulk(cancel=True))
        session.run()
        assert phases(session) == ["Cancelled", "Suspended", "Cancelled"]
        assert session.stopped_by is None

    def test_a_session_of_ended_roots_ends_at_once(self, tmp_path: Path) -> None:
        session = begin(tmp_path, video(cancel=True))
        session.run()
        (tmp_path / "again").mkdir()
        again = Session(
            session.objects,
            session.volumes,
            SessionOptions(1, (), tmp_path / "again"),
            session.roots,
            lambda objects: shown.append(objects.get(*session.roots[0])["status"]["phase"]),
        )
        shown: list[str] = []
        again.run()
        assert shown[-1] == "Cancelled"

    def test_the_last_state_is_shown(self, tmp_path: Path) -> None:
        session = begin(tmp_path, video(cancel=True))
        shown: list[str | None] = []
        session.show = lambda objects: shown.append(objects.get(*session.roots[0]).get("status", {}).get("phase"))
        session.run()
        assert shown[-1] == "Cancelled"


@pytest.fixture
def kept_handlers() -> Iterator[None]:
    """The handlers of this process, which a stopped session does not restore."""
    before = {number: signal.getsignal(number) for number in STOPS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("kept_handlers")
@pytest.mark.parametrize("number", STOPS)
def test_a_signal_stops_a_session_whose_imports_have_not_ended(tmp_path: Path, number: signal.Signals) -> None:
    session = begin(tmp_path, video(), parallelism=0)

    def stop_when_queued(objects: ObjectStore) -> None:
        if session.stopped_by is None and objects.get(*session.roots[0]).get("status", {}).get("phase") == "Queued":
            os.kill(os.getpid(), number)

    session.show = stop_when_queued
    session.run()
    assert session.stopped_by == number
    assert phases(session) == ["Queued"]
    os.kill(os.getpid(), number)  # the program removes its files now, and no signal interrupts that


def test_a_session_that_was_not_stopped_restores_the_handlers(tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in STOPS]
    begin(tmp_path, video(cancel=True)).run()
    assert [signal.getsignal(number) for number in STOPS] == before


def test_the_last_lines_are_those_of_the_newest_log(tmp_path: Path) -> None:
    session = begin(tmp_path)
    logs = tmp_path / "logs"
    logs.mkdir()
    assert session.read_last_lines(2) == []
    for age, name in enumerate(("new", "old")):
        (logs / name).write_text(f"{name} 1\n{name} 2\n{name} 3\n")
        os.utime(logs / name, (1000 - age, 1000 - age))
    assert session.read_last_lines(2) == ["new 2", "new 3"]


def test_a_limit_of_starts_is_named_as_on_the_command_line(tmp_path: Path) -> None:
    limits = SessionOptions(3, (), tmp_path).build_limits()
    assert (limits.cluster, limits.setting, limits.scope) == (3, "--parallelism", "on this machine")


def with_status(raw: Raw, **status: Any) -> Raw:
    metadata = raw["metadata"] | {"uid": "u-1", "generation": 2}
    return raw | {"metadata": metadata, "status": {"observedGeneration": 2} | status}


WEBHOOK = {"id": "message-1", "event": "Completed"}
DONE = {"phase": "Completed", "completionTime": TIME}


@pytest.mark.parametrize(
    ("raw", "ended"),
    [
        (with_status(video(), **DONE), True),
        (with_status(video(), **DONE, observedGeneration=1), False),
        (with_status(video(), phase="Suspended"), True),
        (with_status(video(), phase="Uploading"), False),
        (with_status(bulk(), **DONE), True),
        (with_status(bulk(), **DONE, webhook=WEBHOOK | {"state": "Pending"}), False),
        (with_status(bulk(), **DONE, webhook=WEBHOOK | {"state": "Delivered"}), True),
        (with_status(bulk(), phase="Suspended"), True),
        (with_status(bulk(), phase="Processing"), False),
        (with_status(bulk(), **DONE, observedGeneration=1), False),
    ],
)
def test_a_resource_has_ended_with_its_status_of_this_spec_and_its_webhook(raw: Raw, ended: bool) -> None:
    assert has_ended(raw) is ended
