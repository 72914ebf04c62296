"""The API server, for objects as plain dictionaries.

The client library provides connections, TLS, credentials and their renewal. Its 1,500 models stay unused, because
``core.parsers`` reads only the needed fields. Every failure is raised as one of ``errors``.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
from kubernetes.aio.client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from videoimport.controller.client import errors
from videoimport.controller.client.resources import KINDS, Raw, Resource
from videoimport.core.plan import Kind

TIMEOUT = 30.0
"""Seconds for a whole request; every request of the controller is short."""
PAGE = 500
"""Objects a page of a list: a few MiB of JSON at most."""
DEFAULT_RETRY_AFTER = 1.0
_MERGE_PATCH = "application/merge-patch+json"
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list."""

    items: list[Raw]
    version: int
    """The list's resourceVersion: all items show the state of that moment."""


class Cluster:
    """An API server. Use as an asynchronous context manager."""

    def __init__(self, configuration: Configuration) -> None:
        self._client = ApiClient(configuration)
        self._client.user_agent = "videoimport-controller"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()  # type: ignore[no-untyped-call]

    async def pages(self, kind: Kind, namespace: str | None, selector: str | None = None) -> AsyncIterator[Page]:
        """All objects of a kind that the controller manages, in a namespace or everywhere, as of one moment. One page
        at a time, since ten thousand at once are a quarter of a GiB. Raises Gone in between if that took too long."""
        resource = KINDS[kind]
        selectors = [part for part in (resource.selector, selector) if part]
        query = {"limit": str(PAGE)} | ({"labelSelector": ",".join(selectors)} if selectors else {})
        while True:
            page = await self._json("GET", resource.path(namespace), query=query)
            yield Page(
                [_identified(item, resource) for item in page["items"]], int(page["metadata"]["resourceVersion"])
            )
            if not (token := page["metadata"].get("continue")):
                return
            query["continue"] = token

    async def get(self, kind: Kind, namespace: str, name: str) -> Raw:
        """One object."""
        return await self._json("GET", KINDS[kind].path(namespace, name))

    async def create(self, manifest: Raw) -> Raw:
        """The object as created."""
        kind: Kind = manifest["kind"]
        return await self._json("POST", KINDS[kind].path(manifest["metadata"]["namespace"]), body=manifest)

    async def replace_status(self, kind: Kind, raw: Raw) -> Raw:
        """Write ``raw["status"]``; of the other fields only the metadata matters, because the API server ignores them
        here. Raises Conflict unless ``raw`` is of the newest version."""
        metadata = raw["metadata"]
        return await self._json("PUT", KINDS[kind].path(metadata["namespace"], metadata["name"], "status"), body=raw)

    async def patch(self, kind: Kind, namespace: str, name: str, patch: Raw) -> Raw:
        """A JSON merge patch. With a metadata.uid in it, raises Conflict on a namesake."""
        return await self._json("PATCH", KINDS[kind].path(namespace, name), body=patch, content_type=_MERGE_PATCH)

    async def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> Raw:
        """Delete this object and no namesake (Conflict), its dependents first. The answer is the object that is being
        deleted, or a Status if it is gone already."""
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
            "propagationPolicy": "Foreground",
        }
        return await self._json("DELETE", KINDS[kind].path(namespace, name), body=options)

    async def log_tail(self, namespace: str, pod: str, container: str, lines: int, limit_bytes: int) -> str:
        """The last lines of a container's log; empty when there is none yet."""
        query = {"container": container, "tailLines": str(lines), "limitBytes": str(limit_bytes)}
        body = await self._request("GET", KINDS["Pod"].path(namespace, pod, "log"), query=query)
        return body.decode("utf-8", errors="replace")

    async def log(self, namespace: str, pod: str, container: str, limit_bytes: int) -> str:
        """A container's whole log, or the beginning of a longer one."""
        query = {"container": container, "limitBytes": str(limit_bytes)}
        body = await self._request("GET", KINDS["Pod"].path(namespace, pod, "log"), query=query)
        return body.decode("utf-8", errors="replace")

    async def events_about(self, namespace: str, uid: str) -> list[Raw]:
        """The cluster's Events about an object."""
        query = {"fieldSelector": f"involvedObject.uid={uid}", "limit": str(PAGE)}
        page = await self._json("GET", f"/api/v1/namespaces/{namespace}/events", query=query)
        items: list[Raw] = page["items"]
        return items

    async def post_event(self, event: Raw) -> None:
        """An Event for people."""
        await self._json("POST", f"/api/v1/namespaces/{event['metadata']['namespace']}/events", body=event)

    async def _json(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Raw | None = None,
        content_type: str = _JSON,
    ) -> Raw:
        content = await self._request(method, path, query=query, body=body, content_type=content_type)
        try:
            answer: Raw = json.loads(content)
        except ValueError as unreadable:  # something else than the API server answered
            raise errors.Unavailable(f"{method} {path}: an answer that is no JSON") from unreadable
        return answer

    async def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Raw | None = None,
        content_type: str = _JSON,
    ) -> bytes:
        what = f"{method} {path}"
        try:
            method, url, headers, *_ = await self._client.param_serialize(
                method,
                path,
                query_params=list((query or {}).items()),
                header_params={"Accept": "application/json, */*", "Content-Type": content_type},
                auth_settings=["BearerToken"],
            )
            timeout: Any = aiohttp.ClientTimeout(total=TIMEOUT)
            response = await self._client.call_api(method, url, headers, body=body, _request_timeout=timeout)
            content: bytes = await response.read()  # type: ignore[no-untyped-call]
        except (aiohttp.ClientError, TimeoutError, OSError) as broken:
            raise errors.Unavailable(f"{what}: {type(broken).__name__}: {broken}") from broken
        if response.status >= 300:
            raise refusal(what, response.status, response.headers, content)
        return content


def refusal(what: str, status: int, headers: Mapping[str, str], content: bytes) -> errors.ClusterError:
    """The error for an answer with another status than 2xx."""
    details = _status(content)
    message = f"{what}: {status} {details.get('message') or content[:200].decode(errors='replace')}"
    if status == 429:
        asked = headers.get("Retry-After") or details.get("details", {}).get("retryAfterSeconds")
        return errors.TooManyRequests(message, _seconds(asked))
    if status == 409 and details.get("reason") == "AlreadyExists":
        return errors.AlreadyExists(message)
    if _is_terminating(status, details):
        return errors.Terminating(message)
    kinds: dict[int, type[errors.ClusterError]] = {404: errors.NotFound, 409: errors.Conflict, 410: errors.Gone}
    if status in kinds:
        return kinds[status](message)
    return errors.Unavailable(message) if status >= 500 or status == 401 else errors.Rejected(message)


def _is_terminating(status: int, answer: Raw) -> bool:
    """Whether a namespace takes no new objects. The API server reports this by a cause, and by 404 once the namespace
    is gone."""
    details = answer.get("details") or {}
    causes = details.get("causes") or ()
    ending = status == 403 and any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
    return ending or (status == 404 and details.get("kind") == "namespaces")


def _status(content: bytes) -> Raw:
    """The API server's own Status object; empty when something else answered."""
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(asked: object) -> float:
    try:
        return max(0.0, float(str(asked)))
    except ValueError:
        return DEFAULT_RETRY_AFTER


def _identified(item: Raw, resource: Resource) -> Raw:
    """Items of a list of a built-in kind lack their apiVersion and kind, which every other object has."""
    item.setdefault("apiVersion", resource.api_version)
    item.setdefault("kind", resource.kind)
    return item
