"""A canary in every place that may hold a secret, and none of them at any outlet of the worker's real processes.

Outlets: log, progress, termination message, objects with their metadata, and the arguments and the environment of every
child. Not among them is what docs/security.md lists: the task's annotation, and a list's own lines (packed).
"""

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from support.fake_source_site import Exchange, FakeSourceSite, Route, file, fixed
from support.webhook_receiver import WebhookReceiver, status
from support.worker.http_proxy import NETWORK, HttpProxy
from support.worker.listing_harness import ListingHarness
from support.worker.object_store import KEY_ID, SECRET, Bucket
from support.worker.webhook_harness import WebhookHarness
from support.worker.worker_harness import LOOPBACK, WorkerHarness, descendants
from support.worker.worker_process import MODULE

Footage = Callable[[str], Path]
MARK = "c4nary"
USER, PASSWORD, TOKEN = f"{MARK}user", f"{MARK}password", f"{MARK}token"
INNER = f"https://ann:{MARK}inner@far.example/v.mp4?X-Amz-Signature={MARK}signature&t=1"
QUERY = f"token={TOKEN}&url={quote(INNER, safe='')}&u2={quote(quote(INNER, safe=''), safe='')}&raw={INNER}"
SOURCE_SECRET = {
    "headers": f"X-Api-Key: {MARK}header\nAuthorization: Bearer {MARK}bearer",
    "netrc": f"machine 127.0.0.1 login {MARK}login password {MARK}netrc",
    "cookies.txt": f"# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\t{MARK}cookie\n",
    "proxy-username": f"{MARK}proxyuser",
    "proxy-password": f"{MARK}proxypass",
}


def _read(pid: int, name: str) -> bytes:
    """Of a process that may be gone."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def _with_secrets(url: str) -> str:
    return f"{url.replace('http://', f'http://{USER}:{PASSWORD}@')}?{QUERY}"


@dataclass
class Outlets:
    """Collects what can be seen of every child: by programs of this name that tell first how they were started, and
    by looking at all processes whenever the site is asked for something."""

    folder: Path
    seen: list[bytes] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def path(self) -> str:
        """A PATH whose ffmpeg, ffprobe and deno tell how they were started."""
        bin_folder = self.folder / "bin"
        bin_folder.mkdir(exist_ok=True)
        for name in ("ffmpeg", "ffprobe", "deno"):
            program = bin_folder / name
            if real := shutil.which(name):
                note = f"cat /proc/$$/cmdline /proc/$$/environ >> {self.folder}/{name}.seen"
                program.write_text(f'#!/bin/sh\n{note}\nexec {real} "$@"\n')
                program.chmod(0o755)
        return f"{bin_folder}:{os.environ['PATH']}"

    def look(self) -> None:
        """At every process of a worker, and not at the tests' own object store."""
        workers = [pid for pid in descendants(os.getpid()) if b"videoimport.worker" in _read(pid, "cmdline")]
        pids = {pid for worker in workers for pid in (worker, *descendants(worker))}
        with self.lock:
            self.seen += [_read(pid, name) for pid in sorted(pids) for name in ("cmdline", "comm", "environ")]

    def watching(self, route: Route) -> Route:
        def answer(exchange: Exchange) -> None:
            self.look()
            route(exchange)

        return answer

    def children(self) -> str:
        with self.lock:
            parts = [*self.seen, *(path.read_bytes() for path in self.folder.glob("*.seen"))]
        return b"\n".join(parts).decode(errors="replace")


@pytest.fixture
def outlets(tmp_path: Path) -> Outlets:
    folder = tmp_path / "outlets"
    folder.mkdir()
    return Outlets(folder)


@pytest.fixture
def desk(bucket: Bucket, tmp_path: Path) -> WorkerHarness:
    return WorkerHarness(bucket, tmp_path, program=MODULE)


@pytest.fixture
def lists(bucket: Bucket, tmp_path: Path) -> ListingHarness:
    return ListingHarness(bucket, tmp_path, is_new=True)


@pytest.fixture
def proxy() -> Iterator[HttpProxy]:
    with HttpProxy() as made:
        yield made


def _objects(bucket: Bucket) -> str:
    """All that the bucket holds but pictures and sound."""
    told = []
    for key in bucket.keys:
        head = bucket.head(key)
        told.append(json.dumps([key, head["Metadata"], head.get("ContentDisposition")]))
        if not key.endswith((".mp4", ".m4a", ".jpg")):
            told.append(bucket.read(key).decode(errors="replace"))
    return "\n".join(told)


def _found(*outlets: str) -> list[str]:
    """The canaries that stand there, each with what stands around it."""
    whole = "\n".join(outlets)
    places = []
    at = whole.lower().find(MARK)
    while at >= 0:
        places.append(whole[max(0, at - 60) : at + 40])
        at = whole.lower().find(MARK, at + 1)
    return places


def _echo(exchange: Exchange) -> None:
    """A page that repeats what it was asked for: in its title, in a link that cannot be opened, and in a header."""
    text = f"<!doctype html><title>No {exchange.seen.path}</title><video src='{exchange.seen.path}&x'></video>"
    disposition = f'attachment; filename="{exchange.seen.path.replace("/", "_")}"'
    exchange.answer(200, text.encode(), {"Content-Type": "text/html", "Content-Disposition": disposition})


ENDINGS: dict[str, tuple[Route, dict[str, Any]]] = {
    "gone": (fixed(b"gone", "text/plain", 404), {}),
    "login": (fixed(b"no", "text/plain", 401), {}),
    "busy": (fixed(b"later", "text/plain", 429), {}),
    "broken off": (lambda exchange: exchange.reset(), {}),
    "an echo": (_echo, {}),
    "no video": (fixed(b"%PDF-1.7 " + INNER.encode(), "application/pdf"), {}),
    "garbage": (fixed(b"\0\0\0\x18ftypmp42" + INNER.encode() * 100), {}),
    "redirected": (lambda exchange: exchange.answer(302, b"", {"Location": f"http://10.0.0.1/{QUERY}"}), {}),
    "badly redirected": (lambda exchange: exchange.answer(302, b"", {"Location": f"ftp://u:{MARK}x@h/?{QUERY}"}), {}),
}


def _desk(desk: WorkerHarness, outlets: Outlets, secret: dict[str, str]) -> WorkerHarness:
    folder = desk.folder / "source-secret"
    folder.mkdir()
    for name, content in secret.items():
        (folder / name).write_text(content)
    desk.path, desk.options = outlets.path, ("--source-credentials", folder)
    return desk


def _bring(desk: WorkerHarness, url: str, proxy: HttpProxy, **more: Any) -> Any:
    task = desk.task(url, allowed=(*LOOPBACK, NETWORK), **more)
    spec = task.spec.model_dump(by_alias=True, exclude_none=True)
    spec["source"]["credentialsSecretRef"] = {"name": "login"}
    spec["worker"]["proxy"] = proxy.url.replace("ann:hunter2", f"{MARK}viaurl:{MARK}viaurlpass")
    return desk.run(type(task).model_validate(task.model_dump(by_alias=True) | {"spec": spec}))


def test_a_success_shows_no_secret(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage, outlets: Outlets, proxy: HttpProxy, bucket: Bucket
) -> None:
    url = site.add("/talk.mp4", outlets.watching(file(footage("silent.mp4"))))
    output = {"video": {"mode": "Encode"}, "thumbnails": {"count": 1}}
    ended = _bring(_desk(desk, outlets, SOURCE_SECRET), _with_secrets(url), proxy, output=output)
    assert ended.code == 0, ended.everything
    assert site.requests[0].headers["X-Api-Key"] == f"{MARK}header"
    assert proxy.asked[0][1]
    children = outlets.children()
    assert "ffmpeg" in children
    assert "worker.fetch" in children
    for secret in (KEY_ID, SECRET):
        assert secret not in children + ended.everything + _objects(bucket)
    assert _found(ended.everything, _objects(bucket), children) == []
    assert ended.report.source.url.startswith(f"{url}?")
    assert "far.example/v.mp4" in ended.report.source.url


@pytest.mark.full(but=["login", "broken off", "an echo", "garbage", "badly redirected"])
@pytest.mark.parametrize("how", ENDINGS)
def test_no_failure_shows_a_secret(
    desk: WorkerHarness, site: FakeSourceSite, outlets: Outlets, proxy: HttpProxy, bucket: Bucket, how: str
) -> None:
    route, more = ENDINGS[how]
    url = site.add("/talk.mp4", outlets.watching(route))
    ended = _bring(_desk(desk, outlets, SOURCE_SECRET), _with_secrets(url), proxy, **more)
    assert ended.code != 0
    assert site.requests
    assert ended.report.message
    assert _found(ended.everything, _objects(bucket), outlets.children()) == []


@pytest.mark.full(but=["headers", "netrc", "proxy-password"])
@pytest.mark.parametrize("key", SOURCE_SECRET)
def test_nor_does_a_secret_that_is_of_no_use(
    desk: WorkerHarness, site: FakeSourceSite, outlets: Outlets, proxy: HttpProxy, key: str
) -> None:
    """Each key in turn holds nothing but a canary that nobody understands."""
    secret = SOURCE_SECRET | {key: f"{MARK}\x00 {MARK} : {MARK}\nlogin {MARK}"}
    ended = _bring(_desk(desk, outlets, secret), site.add("/v.mp4", fixed(b"x", status=404)), proxy)
    assert ended.code != 0
    assert _found(ended.everything, outlets.children()) == []


def test_nor_do_the_stores_keys(desk: WorkerHarness, site: FakeSourceSite, footage: Footage, outlets: Outlets) -> None:
    desk.path = outlets.path
    desk.keys = {
        "AWS_ACCESS_KEY_ID": f"{MARK}id",
        "AWS_SECRET_ACCESS_KEY": f"{MARK}s3",
        "AWS_SESSION_TOKEN": f"{MARK}t",
    }
    ended = desk.bring(site.add("/v.mp4", outlets.watching(file(footage("silent.mp4")))))
    assert ended.reason == "DestinationDenied"
    assert _found(ended.everything, outlets.children()) == []


@pytest.mark.full(but=["*-manifest", "login-playlist", "gone-playlist"])
@pytest.mark.parametrize("kind", ["manifest", "playlist"])
@pytest.mark.parametrize("how", ["list", *ENDINGS])
def test_a_list_shows_no_secret_but_its_packed_lines(
    lists: ListingHarness, site: FakeSourceSite, outlets: Outlets, proxy: HttpProxy, kind: str, how: str
) -> None:
    lines = f"{_with_secrets('http://e.com/v.mp4')}\n{INNER}\nftp://x:{MARK}@e.com/v\nhttps://e.com/x.pdf?{QUERY}\n"
    route = fixed(lines.encode(), "text/plain") if how == "list" else ENDINGS[how][0]
    url = _with_secrets(site.add("/list.txt", outlets.watching(route)))
    lists.secret = SOURCE_SECRET
    source = {kind: {"url": url}, "credentialsSecretRef": {"name": "login"}}
    via = proxy.url.replace("ann:hunter2", f"{MARK}viaurl:{MARK}viaurlpass")
    page = lists.page(source, proxy=via, allowed_networks=(*LOOPBACK, NETWORK))
    assert site.requests
    rejected = "\n".join(line.model_dump_json() for line in page.rejected)
    assert _found(page.log, page.message.decode(), rejected, outlets.children()) == []


@pytest.mark.parametrize("code", [200, 404, 500, 302])
def test_a_webhook_shows_no_secret(tmp_path: Path, outlets: Outlets, proxy: HttpProxy, code: int) -> None:
    with WebhookReceiver().running() as receiver:
        receiver.replies = [status(code)]
        sender = WebhookHarness(tmp_path, {"webhook-secret": receiver.secret})
        url = _with_secrets(receiver.url(f"/services/T0/B0/{MARK}hook"))
        via = proxy.url.replace("ann:hunter2", f"{MARK}viaurl:{MARK}viaurlpass")
        ended = sender.deliver(url, proxy=via, allowed_networks=(*LOOPBACK, NETWORK))
        assert receiver.posts
        assert receiver.secret.removeprefix("whsec_") not in ended.everything
    assert _found(ended.everything) == []
