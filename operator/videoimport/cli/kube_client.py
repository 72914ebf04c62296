"""A read-only client of a cluster, configured by the user's kubeconfig.

In the package ``cli``, only this module uses the Kubernetes client library.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.config.config_exception import ConfigException
from kubernetes.config.kube_config import KUBE_CONFIG_DEFAULT_LOCATION, KubeConfigLoader, KubeConfigMerger
from urllib3.exceptions import HTTPError

from videoimport.api.labels import GROUP, VERSION
from videoimport.cli.errors import UnusableError

Raw = dict[str, Any]
_SECONDS = 30.0
"""Timeout of one request in seconds."""
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_CHOOSE = "choose one with --kubeconfig and --context"
_WAYS_OUT = {
    401: "renew the login of the kubeconfig's user",
    403: 'ask for the ClusterRole "view" in that namespace',
    404: "correct the name, or choose the namespace with --namespace",
}
_LATER = "try again, or check the cluster's API server"
_PAGE = 20
"""Number of ConfigMaps on one page of a list. Each ConfigMap may have 1 MiB."""


class Kube:
    """An API server. Every method raises UnusableError on failure."""

    def __init__(self, kubeconfig: Path | None, context: str | None) -> None:
        chosen = Configuration()
        chosen.retries = False
        try:
            namespace = _loaded(kubeconfig, context, chosen)
        except (ConfigException, yaml.YAMLError, OSError, HTTPError) as error:
            raise UnusableError(f"No cluster is configured: {_first_line(error)}; {_CHOOSE}.") from None
        except (TypeError, KeyError, AttributeError, ValueError):  # the client raises these for other kinds of files
            raise UnusableError(f"No cluster is configured: the file is not a kubeconfig; {_CHOOSE}.") from None
        self.namespace = namespace or "default"
        """Namespace of the kubeconfig context, or "default"."""
        self._client = ApiClient(chosen)
        self._host = chosen.host

    def bulk(self, namespace: str, name: str) -> Raw:
        """Return a BulkImport."""
        return self._get(f"/apis/{GROUP}/{VERSION}/namespaces/{_part(namespace)}/bulkimports/{_part(name)}")

    def config_maps(self, namespace: str, selector: str) -> Iterator[Raw]:
        """Yield all ConfigMaps with these labels, page by page."""
        query = {"labelSelector": selector, "limit": str(_PAGE)}
        while True:
            page = self._get(f"/api/v1/namespaces/{_part(namespace)}/configmaps", query)
            yield from page["items"]
            if not (token := page["metadata"].get("continue")):
                return
            query["continue"] = token

    def _get(self, path: str, query: dict[str, str] | None = None) -> Raw:
        asked = self._client.param_serialize(
            "GET",
            path,
            query_params=list((query or {}).items()),
            header_params={"Accept": "application/json"},
            auth_settings=["BearerToken"],
        )
        try:
            response = self._client.call_api(*asked, _request_timeout=_SECONDS)
            content: bytes = response.read()  # type: ignore[no-untyped-call]
        except (HTTPError, OSError) as broken:
            raise UnusableError(
                f"{self._host} cannot be reached: {type(broken).__name__}: {broken}; check that the cluster runs and "
                "that this machine can reach it."
            ) from None
        found = _parsed(content)
        if response.status >= 300 or not found:
            raise UnusableError(_refusal(response.status, found))
        return found


def _loaded(kubeconfig: Path | None, context: str | None, chosen: Configuration) -> str | None:
    """Load the kubeconfig into the configuration. Return the namespace of the context.

    If a context is given, the kubeconfig needs no current context.
    """
    merged = KubeConfigMerger(str(kubeconfig or KUBE_CONFIG_DEFAULT_LOCATION))  # type: ignore[no-untyped-call]
    if merged.config is None:
        raise ConfigException("No kubeconfig was found")
    loader = KubeConfigLoader(  # type: ignore[no-untyped-call]
        merged.config, active_context=context, config_persister=merged.save_changes
    )
    loader.load_and_set(chosen)  # type: ignore[no-untyped-call]
    namespace: str | None = loader.current_context["context"].get("namespace")
    return namespace


def _first_line(error: Exception) -> str:
    """Return the first line of the client's message without the kubeconfig entry, because a user entry contains
    credentials."""
    lines = str(error).partition("/{")[0].splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _part(name: str) -> str:
    """Return a name as a part of a path. Raises UnusableError if no resource can have the name."""
    if not _NAME.fullmatch(name):
        raise UnusableError(
            f"{name!r} is not a valid name of a resource or namespace; write lowercase letters, digits, '-' and '.'."
        )
    return name


def _parsed(content: bytes) -> Raw:
    """Return the JSON object, or an empty dictionary if the content is not a JSON object."""
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _refusal(status: int, answer: Raw) -> str:
    """Return the message of the API server and the solution."""
    if message := str(answer.get("message") or ""):
        return f"The cluster answers: {message.rstrip('.')}; {_WAYS_OUT.get(status, _LATER)}."
    if status == 404:
        return f"The cluster does not know {GROUP}/{VERSION}; install videoimport there, or choose another cluster."
    return f"The cluster answered {status} without a message; {_WAYS_OUT.get(status, _LATER)}."
