"""A list's Secret: its headers reach the list's host and the hosts that the Secret names, and no other, whoever writes
the list. Every request to every host is recorded; each host is an address of its own."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.fake_source_site import Exchange, FakeSourceSite, Route, fixed, html, ranged, redirect
from support.worker.fetch_harness import FetchHarness
from support.worker.listing_harness import ListingHarness
from support.worker.object_store import KEY_ID, SECRET, Bucket
from support.worker.worker_harness import LOOPBACK
from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_source import Item
from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_task import Task
from videoimport.api.videoimport import VideoImport
from videoimport.core.bulk.child_actions import create_child
from videoimport.core.jobs.pod_template import build_task
from videoimport.core.list_item import convert_inline_item
from videoimport.core.settings import Settings
from videoimport.worker.fetch.process_messages import Fetched
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.source import fetch_client as fetching
from videoimport.worker.source.fetch_client import Mounts

CANARY = "Bearer canary-7f3a"
BODY = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 400
HEADERS = f"Authorization: {CANARY}\nX-Key: canary-7f3a\n"
Footage = Callable[[str], Path]


@pytest.fixture
def hosts() -> Iterator[tuple[FakeSourceSite, FakeSourceSite, FakeSourceSite]]:
    """The list's host, an item's, and a third one."""
    with (
        FakeSourceSite(address="127.0.0.2") as own,
        FakeSourceSite(address="127.0.0.3") as other,
        FakeSourceSite(address="127.0.0.4") as third,
    ):
        yield own, other, third


def serve(exchange: Exchange) -> None:
    ranged(exchange, BODY, '"one"')


def saw(site: FakeSourceSite) -> list[str]:
    """Paths of the requests that carried the canary."""
    return [seen.path for seen in site.requests if "canary" in str(seen.headers)]


def task_for(
    source: dict[str, Any], url: str, made: Callable[[dict[str, Any]], dict[str, Any]] = lambda it: it
) -> Task:
    """The task of the child that the controller makes for an item of a list."""
    spec = {
        "source": {**source, "credentialsSecretRef": {"name": "source-login"}},
        "template": {"destination": {"s3": {"bucket": "media"}}},
    }
    bulk = BulkImport.parse({"metadata": {"name": "talks", "namespace": "films", "uid": "u-1"}, "spec": spec})
    manifest = made(dict(create_child(bulk, convert_inline_item(Item(url=url))).manifest))
    manifest["metadata"]["uid"] = "child-1"
    return build_task(VideoImport.parse(manifest), 1, Settings(worker_image="worker", allowed_networks=LOOPBACK))


def fetch(bench: FetchHarness, task: Task) -> Fetched:
    """As the worker of the child does."""
    scratch = bench.folder / "scratch"
    scratch.mkdir(exist_ok=True)
    mounts = Mounts(credentials=bench.folder / "secret")
    request = fetching.request_of(task, scratch, bench.folder / "keys", mounts)
    return bench.begin(**request.model_dump()).finish()


def refused(bench: FetchHarness, task: Task) -> ImportFailure:
    with pytest.raises(ImportFailure) as caught:
        fetch(bench, task)
    return caught.value


LISTS: list[Callable[[FakeSourceSite, str], dict[str, Any]]] = [
    lambda own, _: {"playlist": {"url": own.url("/list")}},
    lambda own, _: {"manifest": {"url": own.url("/list.csv")}},
    lambda _, __: {"manifest": {"configMapKeyRef": {"name": "list", "key": "list.csv"}}},
    lambda _, __: {"manifest": {"s3": {"bucket": "lists", "key": "list.csv"}}},
    lambda _, url: {"items": [{"url": url}]},
]


@pytest.mark.full(but=["file-*", "page-playlist", "page-object"])
@pytest.mark.parametrize("source", LISTS, ids=["playlist", "manifest", "config map", "object", "inline"])
@pytest.mark.parametrize("page", [False, True], ids=["file", "page"])
def test_an_item_of_another_host_gets_nothing(
    bench: FetchHarness,
    hosts: tuple[FakeSourceSite, FakeSourceSite, FakeSourceSite],
    source: Callable[[FakeSourceSite, str], dict[str, Any]],
    page: bool,
) -> None:
    own, other, third = hosts
    bench.secret(headers=HEADERS)
    third.routes["/v.mp4"] = serve
    url = other.add("/v.mp4", html(f'<video src="{third.url("/v.mp4")}"></video>') if page else serve)
    assert fetch(bench, task_for(source(own, url), url)).video.sha256 == hashlib.sha256(BODY).hexdigest()
    assert other.requests
    assert saw(other) == saw(third) == []


def test_an_item_of_the_lists_host_gets_them_and_where_it_leads_does_not(
    bench: FetchHarness, hosts: tuple[FakeSourceSite, FakeSourceSite, FakeSourceSite]
) -> None:
    own, other, third = hosts
    bench.secret(headers=HEADERS)
    other.routes["/hop"] = redirect(third.url("/v.mp4"))
    third.routes["/v.mp4"] = serve
    url = own.add("/watch", html(f'<video src="{other.url("/hop")}"></video>'))
    fetch(bench, task_for({"playlist": {"url": own.url("/list")}}, url))
    assert set(saw(own)) == {"/watch"}
    assert other.requests
    assert third.requests
    assert saw(other) == saw(third) == []


def test_a_redirect_back_to_the_lists_host_shows_it_to_that_alone(
    bench: FetchHarness, hosts: tuple[FakeSourceSite, FakeSourceSite, FakeSourceSite]
) -> None:
    own, other, _ = hosts
    bench.secret(headers=HEADERS)
    own.routes["/v.mp4"] = serve
    url = other.add("/v.mp4", redirect(own.url("/v.mp4")))
    fetch(bench, task_for({"manifest": {"url": own.url("/list")}}, url))
    assert "/v.mp4" in saw(own)
    assert saw(other) == []


def test_another_port_of_the_lists_host_is_another_host(
    bench: FetchHarness, hosts: tuple[FakeSourceSite, FakeSourceSite, FakeSourceSite]
) -> None:
    own, _, _ = hosts
    bench.secret(headers=HEADERS)
    with FakeSourceSite(address=own.address) as neighbour:
        url = neighbour.add("/v.mp4", serve)
        fetch(bench, task_for({"playlist": {"url": own.url("/list")}}, url))
        assert saw(neighbour) == []


def test_segments_of_another_host_are_fetched_without(
    bench: FetchHarness, hosts: tuple[FakeSourceSite, FakeSourceSite, FakeSourceSite], footage: Footage
) -> None:
    own, other, third = hosts
    bench.secret(headers=HEADERS)
    whole = footage("compliant.ts").read_bytes()
    cut = len(whole) // 2 // 188 * 188
    other.routes["/a.ts"] = fixed(whole[:cut], "video/mp2t")
    third.routes["/b.ts"] = fixed(whole[cut:], "video/mp2t")
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:5"]
    for segment in (other.url("/a.ts"), third.url("/b.ts")):
        lines += ["#EXTINF:5,", segment]
    playlist = "\n".join([*lines, "#EXT-X-ENDLIST", ""])
    url = own.add("/v.m3u8", fixed(playlist.encode(), "application/vnd.apple.mpegurl"))
    fetched = fetch(bench, task_for({"playlist": {"url": own.url("/list")}}, url))
    assert fetched.video.size == len(whole)
    assert "/v.m3u8" in saw(own)
    assert other.requests
    assert third.requests
    assert saw(other) == saw(third) == []


def test_a_host_that_the_secret_names_gets_them(
    bench: FetchHarness, hosts: tuple[FakeSourceSite, FakeSourceSite, FakeSourceSite]
) -> None:
    _, other, third = hosts
    port = other.url("").rpartition(":")[2]
    bench.secret(headers=HEADERS, hosts=f"http://127.0.0.3:{port}\n")
    third.routes["/v.mp4"] = serve
    url = other.add("/watch", html(f'<video src="{third.url("/v.mp4")}"></video>'))
    fetch(bench, task_for({"items": [{"url": url}]}, url))
    assert set(saw(other)) == {"/watch"}
    assert saw(third) == []


def test_headers_of_a_host_go_to_it_alone(
    bench: FetchHarness, hosts: tuple[FakeSourceSite, FakeSourceSite, FakeSourceSite]
) -> None:
    own, other, third = hosts
    named = other.url("").removesuffix("/")
    bench.secret(headers="X-List: list", headers__127__0__0__3="X-Key: canary", hosts=f"{named}\n{third.url('')}")
    third.routes["/v.mp4"] = serve
    url = other.add("/watch", html(f'<video src="{third.url("/v.mp4")}"></video>'))
    fetch(bench, task_for({"playlist": {"url": own.url("/list")}}, url))
    assert set(saw(other)) == {"/watch"}
    assert saw(third) == []
    assert all(seen.headers["X-List"] == "list" for seen in (*other.requests, *third.requests))


@pytest.mark.parametrize("status", [401, 403])
def test_a_host_that_wants_them_is_named_with_what_to_do(
    bench: FetchHarness, hosts: tuple[FakeSourceSite, FakeSourceSite, FakeSourceSite], status: int
) -> None:
    own, other, _ = hosts
    bench.secret(headers=HEADERS)
    url = other.add("/v.mp4", fixed(b"who are you?", "text/plain", status))
    failure = refused(bench, task_for({"playlist": {"url": own.url("/list")}}, url))
    assert failure.reason is Reason.SOURCE_AUTH_REQUIRED
    origin = other.url("")
    assert f"did not send the headers of the Secret 'source-login' to {origin}, because" in failure.advice
    assert f"add {origin} to the Secret's key hosts" in failure.advice
    assert "canary" not in failure.message + failure.advice


def test_a_child_of_an_earlier_release_sends_them_nowhere(
    bench: FetchHarness, hosts: tuple[FakeSourceSite, FakeSourceSite, FakeSourceSite]
) -> None:
    own, other, _ = hosts
    bench.secret(headers=HEADERS)
    url = other.add("/v.mp4", serve)

    def without(manifest: dict[str, Any]) -> dict[str, Any]:
        del manifest["spec"]["source"]["headerOrigins"]
        return manifest

    fetch(bench, task_for({"playlist": {"url": own.url("/list")}}, url, without))
    assert saw(other) == []


def entry(site: FakeSourceSite, path: str) -> str:
    return f"<item><title>t</title><link>{site.url(path)}</link></item>"


def feed(*items: str) -> Route:
    body = f'<?xml version="1.0"?><rss version="2.0"><channel><title>F</title>{"".join(items)}</channel></rss>'
    return fixed(body.encode(), "application/rss+xml")


def test_listing_shows_them_to_the_lists_host_alone(
    lists: ListingHarness, hosts: tuple[FakeSourceSite, FakeSourceSite, FakeSourceSite]
) -> None:
    """A list that moves to another host, lists within it there, and entries elsewhere."""
    own, other, third = hosts
    lists.secret = {"headers": HEADERS}
    own.routes["/list"] = redirect(other.url("/moved"))
    other.routes["/moved"] = feed(entry(third, "/v.mp4"), entry(own, "/w.mp4"))
    page = lists.page(
        {"playlist": {"url": own.url("/list")}, "credentialsSecretRef": {"name": "source-login"}}, incremental=False
    )
    assert page.code == 0, page.log
    assert sorted(page.urls) == sorted([third.url("/v.mp4"), own.url("/w.mp4")])
    assert set(saw(own)) == {"/list"}
    assert other.requests
    assert saw(other) == saw(third) == []
    assert "canary" not in page.log + page.message.decode()


def test_a_manifest_that_moves_shows_them_to_the_lists_host_alone(
    lists: ListingHarness, hosts: tuple[FakeSourceSite, FakeSourceSite, FakeSourceSite]
) -> None:
    own, other, third = hosts
    lists.secret = {"headers": HEADERS}
    own.routes["/list"] = redirect(other.url("/moved"))
    other.routes["/moved"] = fixed(f"{third.url('/v.mp4')}\n".encode(), "text/plain")
    page = lists.page(
        {"manifest": {"url": own.url("/list")}, "credentialsSecretRef": {"name": "source-login"}}, incremental=False
    )
    assert page.urls == [third.url("/v.mp4")]
    assert set(saw(own)) == {"/list"}
    assert other.requests
    assert saw(other) == saw(third) == []


def test_keys_of_a_bucket_with_a_list_reach_no_address_on_it(
    bench: FetchHarness,
    lists: ListingHarness,
    bucket: Bucket,
    hosts: tuple[FakeSourceSite, FakeSourceSite, FakeSourceSite],
) -> None:
    """The list's object is read with the keys; an item may name any host, such as one that plays an object store."""
    _, other, third = hosts
    url = other.add("/bucket/v.mp4", redirect(third.url("/bucket/v.mp4")))
    third.routes["/bucket/v.mp4"] = serve
    bucket.put("list.txt", f"{url}\ns3://bucket/v.mp4\n".encode())
    source = {"manifest": {"s3": {"endpoint": bucket.store.endpoint, "bucket": bucket.name, "key": "list.txt"}}}
    page = lists.page({**source, "credentialsSecretRef": {"name": "source-login"}}, incremental=False)
    assert page.urls == [url]
    assert len(page.rejected) == 1
    bench.secret(AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY=SECRET, AWS_SESSION_TOKEN="canary")
    fetch(bench, task_for(source, url))
    assert third.requests
    for seen in (*other.requests, *third.requests):
        assert KEY_ID not in str(seen.headers)
        assert not {"Authorization", "X-Amz-Security-Token"} & set(seen.headers)
