"""Every address that a user gives obeys the rule for sources: public, or within the controller's allowedNetworks.

The destination's endpoint is none of these: it is the user's own store, and the guard is not for it.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.fake_source_site import FakeSourceSite, fixed, ranged
from support.webhook_receiver import WebhookReceiver
from support.worker.fetch_harness import FetchHarness
from support.worker.http_proxy import NETWORK, HttpProxy
from support.worker.listing_harness import ListingHarness
from support.worker.object_store import KEY_ID, SECRET, Bucket
from support.worker.webhook_harness import WebhookHarness
from videoimport.api.reasons import Reason
from videoimport.worker.sandbox.address_guard import ForbiddenError, Guard

BODY = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 20
PRIVATE = (
    "127.0.0.1", "localhost", "[::1]", "10.0.0.7", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "[fd00::1]", "[fe80::1]", "[::ffff:10.0.0.7]", "0.0.0.0", "2130706433", "0x7f000001", "127.1", "168.63.129.16",
)  # fmt: skip
S3_KEYS = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}


@pytest.fixture
def proxy() -> Iterator[HttpProxy]:
    with HttpProxy() as made:
        yield made


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver().running() as running:
        yield running


@pytest.mark.parametrize("host", PRIVATE)
def test_a_proxy_at_a_private_address_is_refused(bench: FetchHarness, host: str) -> None:
    failure = bench.refusal(url="https://example.com/v.mp4", proxy=f"http://ann:hunter2@{host}:9", allowed_networks=())
    assert failure.reason is Reason.ADDRESS_FORBIDDEN
    assert "spec.worker.proxy" in failure.message
    assert "worker.allowedNetworks" in failure.advice
    assert host.strip("[]") in failure.message
    assert "hunter2" not in failure.message


def test_leave_for_the_source_is_no_leave_for_the_proxy(
    bench: FetchHarness, site: FakeSourceSite, proxy: HttpProxy
) -> None:
    failure = bench.refusal(url=site.add("/v.mp4", fixed(BODY)), proxy=proxy.url, allowed_networks=("127.0.0.1/32",))
    assert failure.reason is Reason.ADDRESS_FORBIDDEN
    assert (proxy.asked, site.requests) == ([], [])


def test_a_proxy_of_a_playlist_a_bucket_and_a_manifest(
    lists: ListingHarness, site: FakeSourceSite, proxy: HttpProxy
) -> None:
    url = site.add("/list.txt", fixed(b"https://e.com/1.mp4\n", "text/plain"))
    for source in ({"manifest": {"url": url}}, {"playlist": {"url": url}}, {"s3": {"bucket": "one"}}):
        page = lists.page(source, proxy=proxy.url, allowed_networks=("127.0.0.1/32",))
        assert page.reason == "AddressForbidden", page.log
        assert "spec.template.worker.proxy" in page.report.message
    assert (proxy.asked, site.requests) == ([], [])
    page = lists.page({"manifest": {"url": url}}, proxy=proxy.url, allowed_networks=(NETWORK,))
    assert page.urls == ["https://e.com/1.mp4"]


def test_a_proxy_of_a_webhook(tmp_path: Path, receiver: WebhookReceiver, proxy: HttpProxy) -> None:
    sender = WebhookHarness(tmp_path, {"webhook-secret": receiver.secret})
    ended = sender.deliver(receiver.url(), proxy=proxy.url, allowed_networks=("127.0.0.1/32",))
    assert ended.report.reason is Reason.ADDRESS_FORBIDDEN
    assert "spec.template.worker.proxy" in ended.report.message
    assert "worker.allowedNetworks" in ended.report.advice
    assert "hunter2" not in ended.everything
    assert (proxy.asked, receiver.posts) == ([], [])


def test_every_other_address_of_a_user(
    bench: FetchHarness,
    lists: ListingHarness,
    bucket: Bucket,
    site: FakeSourceSite,
    tmp_path: Path,
    receiver: WebhookReceiver,
) -> None:
    bucket.put("v.mp4", BODY)
    url = site.add("/v.mp4", fixed(BODY))
    place: dict[str, Any] = {"endpoint": bucket.store.endpoint, "bucket": bucket.name}
    fetches = ({"url": url}, {"stored": place | {"key": "v.mp4"}, **bench.secret(**S3_KEYS)})
    for wish in fetches:
        assert bench.refusal(**wish, allowed_networks=()).reason is Reason.ADDRESS_FORBIDDEN
    sources: tuple[dict[str, Any], ...] = (
        {"s3": place}, {"manifest": {"s3": place | {"key": "v.mp4"}}}, {"manifest": {"url": url}},
        {"playlist": {"url": url}},
    )  # fmt: skip
    for source in sources:
        page = lists.page(source | {"credentialsSecretRef": {"name": "keys"}}, allowed_networks=())
        assert page.reason == "AddressForbidden", (source, page.log)
    (tmp_path / "hook").mkdir()
    sender = WebhookHarness(tmp_path / "hook", {"webhook-secret": receiver.secret})
    assert sender.deliver(receiver.url(), allowed_networks=()).report.reason is Reason.ADDRESS_FORBIDDEN
    assert (site.requests, receiver.posts) == ([], [])


def test_a_proxys_name_that_changes_after_it_was_judged_leads_nowhere() -> None:
    """The guard sees the address of each connection: neither another public one nor a private one is the proxy's."""
    guard = Guard([], only=("93.184.216.34", "10.0.0.7"))
    guard.on_event("socket.connect", (None, ("93.184.216.34", 3128)))
    for address in ("10.0.0.7", "93.184.216.35", "127.0.0.1"):
        with pytest.raises(ForbiddenError):
            guard.on_event("socket.connect", (None, (address, 3128)))


LOGIN = {"proxy-username": "bob", "proxy-password": "s3 cr@t/:"}


def test_a_proxys_login_stands_in_the_sources_secret(
    bench: FetchHarness, site: FakeSourceSite, proxy: HttpProxy
) -> None:
    url = site.add("/v.mp4", lambda exchange: ranged(exchange, BODY, '"one"'))
    bare = proxy.url.replace("ann:hunter2@", "")
    fetched = bench.fetch(url=url, proxy=bare, allowed_networks=(NETWORK,), **bench.secret(**LOGIN))
    assert fetched.video.sha256 == hashlib.sha256(BODY).hexdigest()
    assert {login for _, login in proxy.asked} == {"Basic Ym9iOnMzIGNyQHQvOg=="}
    assert all("proxy-authorization" not in map(str.lower, seen.headers) for seen in site.requests)


def test_a_proxys_login_stands_in_the_webhooks_secret(
    tmp_path: Path, receiver: WebhookReceiver, proxy: HttpProxy
) -> None:
    sender = WebhookHarness(tmp_path, {"webhook-secret": receiver.secret, **LOGIN})
    bare = proxy.url.replace("ann:hunter2@", "")
    assert sender.deliver(receiver.url(), proxy=bare, allowed_networks=(NETWORK,)).code == 0
    assert {login for _, login in proxy.asked} == {"Basic Ym9iOnMzIGNyQHQvOg=="}
