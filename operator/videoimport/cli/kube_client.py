"""A client of a cluster with the configuration of the user's kubeconfig.

Only this module and ``port_forward`` of ``cli`` use the Kubernetes client library.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.config.config_exception import ConfigException
from kubernetes.config.kube_config import KubeConfigLoader, KubeConfigMerger
from urllib3.exceptions import HTTPError

from videoimport.api.labels import BULK_KIND, GROUP, VERSION, VIDEO_KIND
from videoimport.cli.api_responses import explain_refusal, parse_object
from videoimport.cli.errors import UnreachableError, UnusableError

Raw = dict[str, Any]
_SECONDS = 30.0
"""Timeout of one request in seconds."""
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_CHOOSE = "choose one with --kubeconfig and --context"
_VARIABLE, _DEFAULT_KUBECONFIG = "KUBECONFIG", "~/.kube/config"
_PAGE = 20
"""Number of ConfigMaps on one page of a list. Each ConfigMap may have 1 MiB."""
_RESOURCES_PAGE = 500
"""Number of VideoImports or BulkImports on one page of a list."""
_WATCH_SECONDS = 300
"""Duration of one watch in seconds. After this time the API server ends the watch, and the caller starts another
watch."""
_SILENCE_SECONDS = 3600.0
"""Maximum time in seconds without a new line of a followed log."""
_PLURALS = {VIDEO_KIND: "videoimports", BULK_KIND: "bulkimports"}
_METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_MERGE_PATCH = "application/merge-patch+json"


class Kube:
    """An API server. Every method raises UnusableError on failure, and NotFoundError if an object does not exist."""

    def __init__(
        self,
        kubeconfig: Path | None,
        context: str | None,
        namespace: str | None = None,
        *,
        seconds: float = _SECONDS,
    ) -> None:
        """``namespace`` is the value of the option --namespace. ``seconds`` is the timeout of one request."""
        chosen = Configuration()
        chosen.retries = False
        try:
            own = _loaded(kubeconfig, context, chosen)
        except (ConfigException, yaml.YAMLError, OSError, HTTPError) as error:
            raise _unconfigured(kubeconfig, _first_line(error)) from None
        except (TypeError, KeyError, AttributeError, ValueError):  # the client raises these for other kinds of files
            raise _unconfigured(kubeconfig, "it is not a kubeconfig") from None
        self.namespace = namespace or own or "default"
        """The chosen namespace, otherwise the namespace of the kubeconfig context, or "default"."""
        self._seconds = seconds
        self._client = ApiClient(chosen)
        self.host = chosen.host
        """The address of the API server."""
        given = (("--kubeconfig", kubeconfig), ("--context", context))
        self.options = [word for option, value in given if value is not None for word in (option, str(value))]
        """The options of the command line that choose this API server. A suggested command repeats them."""

    def bulk(self, namespace: str, name: str) -> Raw:
        """Return a BulkImport."""
        return self.resource(namespace, BULK_KIND, name)

    def resource(self, namespace: str, kind: str, name: str) -> Raw:
        """Return a VideoImport or BulkImport."""
        return self.get(f"{_collection(namespace, kind)}/{_part(name)}")

    def resources(self, namespace: str | None, kind: str, selector: str = "") -> Iterator[Raw]:
        """Yield all VideoImports or BulkImports with these labels. None means all namespaces."""
        query = {"limit": str(_RESOURCES_PAGE)} | ({"labelSelector": selector} if selector else {})
        return self._pages(_collection(namespace, kind), query)

    def first_resources(self, namespace: str, kind: str, most: int) -> list[Raw]:
        """Return at most ``most`` VideoImports or BulkImports, by name."""
        found: list[Raw] = self.get(_collection(namespace, kind), {"limit": str(most)})["items"]
        return found

    def config_maps(self, namespace: str, selector: str) -> Iterator[Raw]:
        """Yield all ConfigMaps with these labels, page by page."""
        path = f"/api/v1/namespaces/{_part(namespace)}/configmaps"
        return self._pages(path, {"labelSelector": selector, "limit": str(_PAGE)})

    def pods(self, namespace: str, selector: str) -> list[Raw]:
        """Return the pods with these labels."""
        found: list[Raw] = self.get(f"/api/v1/namespaces/{_part(namespace)}/pods", {"labelSelector": selector})["items"]
        return found

    def create(self, namespace: str, kind: str, manifest: Raw, *, dry_run: bool = False) -> Raw:
        """Create a VideoImport or BulkImport and return the object. A dry run only checks whether this is possible."""
        return self.post(_collection(namespace, kind), manifest, {"dryRun": "All"} if dry_run else None)

    def patch(self, namespace: str, kind: str, name: str, change: Raw) -> Raw:
        """Merge a change into a VideoImport or BulkImport and return the object."""
        path = f"{_collection(namespace, kind)}/{_part(name)}"
        return self._read(self._send("PATCH", path, body=change, content_type=_MERGE_PATCH))

    def get(self, path: str, query: dict[str, str] | None = None) -> Raw:
        """Return the JSON object at a path of the API server, such as /api/v1/namespaces."""
        return self._read(self._send("GET", path, query))

    def secret_metadata(self, namespace: str, name: str) -> Raw:
        """Return the metadata of a Secret. The API server sends no values."""
        path = f"/api/v1/namespaces/{_part(namespace)}/secrets/{_part(name)}"
        found: Raw = self._read(self._send("GET", path, accept=_METADATA_ONLY))["metadata"]
        return found

    def post(self, path: str, body: Raw, query: dict[str, str] | None = None) -> Raw:
        """Send a JSON object to a path of the API server and return the response."""
        return self._read(self._send("POST", path, query, body=body, content_type="application/json"))

    def delete(self, path: str) -> Raw:
        """Delete the object at a path of the API server."""
        return self._read(self._send("DELETE", path))

    def versioned_list(self, namespace: str, kind: str, query: dict[str, str]) -> tuple[list[Raw], str]:
        """Return the VideoImports or BulkImports of a query, and the resourceVersion after which a watch begins."""
        path, found = _collection(namespace, kind), list[Raw]()
        query = query | {"limit": str(_RESOURCES_PAGE)}
        while True:
            page = self.get(path, query)
            found += page["items"]
            if not (token := page["metadata"].get("continue")):
                return found, page["metadata"]["resourceVersion"]
            query = query | {"continue": token}

    def watched(self, namespace: str, kind: str, query: dict[str, str]) -> Iterator[Raw]:
        """Yield the events of VideoImports or BulkImports, until the API server ends the watch after five minutes.

        ``query`` has the resourceVersion after which the watch begins, and may have labelSelector or fieldSelector.
        """
        query = query | {"watch": "true", "timeoutSeconds": str(_WATCH_SECONDS)}
        answer = self._send("GET", _collection(namespace, kind), query, timeout=_WATCH_SECONDS + self._seconds)
        if answer.status >= 300:
            self._read(answer)
        return (event for line in self._lines(answer) if (event := parse_object(line.encode())))

    def log(self, namespace: str, pod: str, container: str, *, follow: bool, timestamps: bool) -> Iterator[str]:
        """Yield the lines of a container's log. If ``follow`` is true, the lines end when the container ends.

        With ``timestamps``, each line begins with its time in RFC 3339 and a space.
        """
        flags = {"follow": follow, "timestamps": timestamps}
        query = {"container": container} | {flag: "true" for flag, wanted in flags.items() if wanted}
        path = f"/api/v1/namespaces/{_part(namespace)}/pods/{_part(pod)}/log"
        answer = self._send("GET", path, query, timeout=_SILENCE_SECONDS if follow else self._seconds)
        if answer.status >= 300:
            self._read(answer)
        return self._lines(answer)

    def upgrade_request(self, path: str, query: dict[str, str]) -> tuple[Configuration, str, dict[str, str]]:
        """Return the configuration, the address and the headers of a request for another protocol."""
        _, url, headers, *_ = self._client.param_serialize(
            "GET", path, query_params=list(query.items()), header_params={}, auth_settings=["BearerToken"]
        )
        return self._client.configuration, url, headers

    def _pages(self, path: str, query: dict[str, str]) -> Iterator[Raw]:
        while True:
            page = self.get(path, query)
            yield from page["items"]
            if not (token := page["metadata"].get("continue")):
                return
            query = query | {"continue": token}

    def _send(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        *,
        body: Raw | None = None,
        content_type: str | None = None,
        timeout: float | None = None,
        accept: str = "application/json, */*",
    ) -> Any:
        """Return the response before its content is read. Raises UnusableError if there is no response."""
        headers = {"Accept": accept} | ({"Content-Type": content_type} if content_type else {})
        asked = self._client.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params=headers,
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            return self._client.call_api(*asked, _request_timeout=timeout or self._seconds)
        except (HTTPError, OSError) as broken:
            raise self._unreachable(broken) from None

    def _read(self, response: Any) -> Raw:
        """Return the JSON object of a response. Raises UnusableError for a refusal."""
        try:
            content: bytes = response.read()
        except (HTTPError, OSError) as broken:
            raise self._unreachable(broken) from None
        found = parse_object(content)
        if response.status >= 300 or not found:
            raise explain_refusal(response.status, found)
        return found

    def _lines(self, response: Any) -> Iterator[str]:
        """Yield the lines of a response while they arrive."""
        rest = b""
        try:
            for chunk in response.response.stream(65536, decode_content=True):
                *lines, rest = (rest + chunk).split(b"\n")
                yield from (line.decode(errors="replace") for line in lines)
        except (HTTPError, OSError) as broken:
            raise self._unreachable(broken) from None
        finally:
            response.response.close()
        if rest:
            yield rest.decode(errors="replace")

    def _unreachable(self, broken: Exception) -> UnreachableError:
        return UnreachableError(
            f"{self.host} cannot be reached: {type(broken).__name__}: {broken}; check that the cluster runs and "
            "that this machine can reach it."
        )


def context_names(kubeconfig: Path | None) -> list[str]:
    """Return the names of the kubeconfig's contexts. Raises UnusableError if there is no kubeconfig."""
    try:
        merged = KubeConfigMerger(_kubeconfig_paths(kubeconfig))  # type: ignore[no-untyped-call]
        return [context["name"] for context in merged.config["contexts"]]
    except (ConfigException, yaml.YAMLError, OSError, TypeError, KeyError, AttributeError, ValueError):
        raise _unconfigured(kubeconfig, "it has no contexts") from None


def _collection(namespace: str | None, kind: str) -> str:
    """Return the path of all objects of a kind, in one namespace or in all."""
    within = f"/namespaces/{_part(namespace)}" if namespace is not None else ""
    return f"/apis/{GROUP}/{VERSION}{within}/{_PLURALS[kind]}"


def _loaded(kubeconfig: Path | None, context: str | None, chosen: Configuration) -> str | None:
    """Load the kubeconfig into the configuration. Return the namespace of the context. The kubeconfig needs no current
    context if ``context`` is given."""
    merged = KubeConfigMerger(_kubeconfig_paths(kubeconfig))  # type: ignore[no-untyped-call]
    if merged.config is None:
        raise ConfigException("there is no such file")
    loader = KubeConfigLoader(  # type: ignore[no-untyped-call]
        merged.config,
        active_context=context,
        config_base_path=None,  # a relative path of a certificate is relative to its kubeconfig
        config_persister=merged.save_changes,
    )
    loader.load_and_set(chosen)  # type: ignore[no-untyped-call]
    namespace: str | None = loader.current_context["context"].get("namespace")
    return namespace


def _kubeconfig_paths(kubeconfig: Path | None) -> str:
    """Return the path of the kubeconfig, or the paths that the variable KUBECONFIG has."""
    return str(kubeconfig or os.environ.get(_VARIABLE) or _DEFAULT_KUBECONFIG)


def _unconfigured(kubeconfig: Path | None, problem: str) -> UnusableError:
    """Return the error about a kubeconfig. It names the option, the variable or the default path that was used."""
    named = f"{_VARIABLE}=" if os.environ.get(_VARIABLE) else ""
    called = f"{'--kubeconfig ' if kubeconfig else named}{_kubeconfig_paths(kubeconfig)}"
    return UnusableError(f"No cluster is configured: {called}: {problem}; {_CHOOSE}.")


def _first_line(error: Exception) -> str:
    """Return the first line of the client's message. The kubeconfig entry is removed from the line, because a user
    entry contains credentials."""
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark
        return f"it is not YAML: {error.problem}{f' at line {mark.line + 1}' if mark else ''}"
    lines = str(error).partition("/{")[0].splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _part(name: str) -> str:
    """Return a name as a part of a path. Raises UnusableError if no resource can have the name."""
    if not _NAME.fullmatch(name):
        raise UnusableError(
            f"{name!r} is not a valid name of a resource or namespace; write lowercase letters, digits, '-' and '.'."
        )
    return name
