"""Politeness and the proxy: how a source is reached."""

import hashlib
import time
from collections.abc import Iterator
from typing import Any

import pytest

from support.fake_source_site import FakeSourceSite, html, ranged
from support.worker.fetch_harness import FetchHarness
from support.worker.http_proxy import NETWORK, HttpProxy
from support.worker.listing_harness import ListingHarness
from support.worker.object_store import KEY_ID, SECRET, Bucket
from videoimport.api.reasons import Reason

BODY = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 2000


@pytest.fixture
def proxy() -> Iterator[HttpProxy]:
    with HttpProxy() as made:
        yield made


def serve(exchange: Any) -> None:
    ranged(exchange, BODY, '"one"')


@pytest.mark.parametrize("is_page", [False, True])
def test_everything_goes_through_the_proxy_without_leave_for_the_sources_own_address(
    bench: FetchHarness, site: FakeSourceSite, proxy: HttpProxy, is_page: bool
) -> None:
    url = site.add("/v.mp4", serve)
    if is_page:
        url = site.add("/watch", html('<video src="/v.mp4"></video>'))
    fetched = bench.fetch(url=url, proxy=proxy.url, allowed_networks=(NETWORK,))
    assert fetched.video.sha256 == hashlib.sha256(BODY).hexdigest()
    assert len(proxy.asked) == len(site.requests)
    assert all(login for _, login in proxy.asked)
    assert all("Proxy-Authorization" not in seen.headers for seen in site.requests)


def test_objects_too(bench: FetchHarness, bucket: Bucket, proxy: HttpProxy) -> None:
    bucket.put("v.mp4", BODY)
    stored = {"endpoint": bucket.store.endpoint, "bucket": bucket.name, "key": "v.mp4"}
    keys = bench.secret(AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY=SECRET)
    fetched = bench.fetch(stored=stored, proxy=proxy.url, allowed_networks=(NETWORK,), **keys)
    assert fetched.video.sha256 == hashlib.sha256(BODY).hexdigest()
    assert proxy.asked


def test_a_proxy_that_is_not_there_is_told_without_its_login(bench: FetchHarness, site: FakeSourceSite) -> None:
    failure = bench.refusal(url=site.add("/v.mp4", serve), proxy="http://ann:hunter2@127.0.0.1:9")
    assert failure.reason is Reason.SOURCE_UNAVAILABLE
    assert "spec.worker.proxy" in failure.message
    assert "hunter2" not in failure.message


def test_a_lists_proxy_that_is_not_there_is_told_by_its_field(lists: ListingHarness, site: FakeSourceSite) -> None:
    page = lists.page({"manifest": {"url": site.add("/list.txt", serve)}}, proxy="http://ann:hunter2@127.0.0.1:9")
    assert page.reason == "SourceUnavailable", page.log
    assert "spec.template.worker.proxy" in page.report.message
    assert "hunter2" not in page.log


def test_a_source_is_fetched_no_faster_than_is_polite(bench: FetchHarness, site: FakeSourceSite) -> None:
    """Not a matter of this machine's speed: a slower one only takes longer."""
    url = site.add("/v.mp4", serve)
    began = time.monotonic()
    bench.fetch(url=url, bytes_per_second=len(BODY) // 2)
    assert time.monotonic() - began > 1.9
