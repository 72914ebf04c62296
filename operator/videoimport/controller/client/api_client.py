"""Client of the API server, with objects as plain dictionaries.

The client library provides connections, TLS, credentials and the renewal of credentials. The 1,500 models of that
library are not used, because ``core.parsers`` reads only the needed fields. Every failure raises an exception of
``errors``.
"""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Self

import aiohttp
from kubernetes.aio.client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from videoimport.controller.client import errors
from videoimport.controller.client.cluster import Page
from videoimport.controller.client.resources import KINDS, Raw, Resource
from videoimport.core.plan import Kind

TIMEOUT = 30.0
"""Seconds for a whole request. Every request of the controller is short."""
PAGE = 500
"""Number of objects on one page of a list: at most a few MiB of JSON."""
DEFAULT_RETRY_AFTER = 1.0
_MERGE_PATCH = "application/merge-patch+json"
_JSON = "application/json"


class ApiServerClient:
    """The cluster behind an API server. Use this class as an asynchronous context manager."""

    def __init__(self, configuration: Configuration) -> None:
        self._client = ApiClient(configuration)
        self._client.user_agent = "videoimport-controller"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()  # type: ignore[no-untyped-call]

    async def pages(self, kind: Kind, namespace: str | None, selector: str | None = None) -> AsyncIterator[Page]:
        """Yield all managed objects of a kind, in one namespace or in all. All pages show the cluster at the same
        version.

        Objects come page by page, because ten thousand at once take a quarter of a GiB. Raises Gone between two pages
        if reading the list took too long.
        """
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
        """Return one object."""
        return await self._json("GET", KINDS[kind].path(namespace, name))

    async def create(self, manifest: Raw) -> Raw:
        """Create an object and return the created object."""
        kind: Kind = manifest["kind"]
        return await self._json("POST", KINDS[kind].path(manifest["metadata"]["namespace"]), body=manifest)

    async def replace_status(self, kind: Kind, raw: Raw) -> Raw:
        """Write ``raw["status"]``. Raises Conflict unless ``raw`` has the newest version.

        The request needs only the status and the metadata. The API server ignores all other fields in this request.
        """
        metadata = raw["metadata"]
        return await self._json("PUT", KINDS[kind].path(metadata["namespace"], metadata["name"], "status"), body=raw)

    async def patch(self, kind: Kind, namespace: str, name: str, patch: Raw) -> Raw:
        """Apply a JSON merge patch. If the patch has a ``metadata.uid`` and the object has another UID, raises
        Conflict."""
        return await self._json("PATCH", KINDS[kind].path(namespace, name), body=patch, content_type=_MERGE_PATCH)

    async def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> Raw:
        """Delete the object with this UID, after its dependents. If the object of this name has another UID, raises
        Conflict.

        Return the object that is being deleted, or a Status if the object is already gone.
        """
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
            "propagationPolicy": "Foreground",
        }
        return await self._json("DELETE", KINDS[kind].path(namespace, name), body=options)

    async def log_tail(self, namespace: str, pod: str, container: str, lines: int, limit_bytes: int) -> str:
        """Return the last lines of a container's log. The text is empty if there is no log yet."""
        query = {"container": container, "tailLines": str(lines), "limitBytes": str(limit_bytes)}
        body = await self._request("GET", KINDS["Pod"].path(namespace, pod, "log"), query=query)
        return body.decode("utf-8", errors="replace")

    async def log(self, namespace: str, pod: str, container: str, limit_bytes: int) -> str:
        """Return the log of a container. If it has more than ``limit_bytes`` bytes, return its beginning."""
        query = {"container": container, "limitBytes": str(limit_bytes)}
        body = await self._request("GET", KINDS["Pod"].path(namespace, pod, "log"), query=query)
        return body.decode("utf-8", errors="replace")

    async def events_about(self, namespace: str, uid: str) -> list[Raw]:
        """Return the Kubernetes Events about an object."""
        query = {"fieldSelector": f"involvedObject.uid={uid}", "limit": str(PAGE)}
        page = await self._json("GET", f"/api/v1/namespaces/{namespace}/events", query=query)
        items: list[Raw] = page["items"]
        return items

    async def post_event(self, event: Raw) -> None:
        """Create an Event for users."""
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
        except ValueError as unreadable:  # the response is not from the API server
            raise errors.Unavailable(f"{method} {path}: a response that is not JSON") from unreadable
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
    """Return the error for a response whose status is not 2xx."""
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
    """Return whether the response means that a namespace accepts no new objects.

    For a namespace that is being deleted the API server reports a cause. For a deleted namespace the API server reports
    404.
    """
    details = answer.get("details") or {}
    causes = details.get("causes") or ()
    ending = status == 403 and any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
    return ending or (status == 404 and details.get("kind") == "namespaces")


def _status(content: bytes) -> Raw:
    """Return the Status object of the API server, or an empty dictionary if another server answered."""
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
    """Add apiVersion and kind to an item of a list. Lists of built-in kinds omit both fields, which all other objects
    have."""
    item.setdefault("apiVersion", resource.api_version)
    item.setdefault("kind", resource.kind)
    return item
