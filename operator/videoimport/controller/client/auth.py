"""The address of the API server and the credentials: from KUBECONFIG if set, otherwise from the pod's service account.

Both client libraries and kopf use the configuration of this module.
"""

import os
from collections.abc import Mapping

import kopf
import kubernetes.config
from kubernetes.aio import config as aio_config
from kubernetes.aio.client.configuration import Configuration
from kubernetes.client.configuration import Configuration as SynchronousConfiguration


def kubeconfig(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the path of the kubeconfig, or None for the pod's service account."""
    return environment.get("KUBECONFIG") or None


async def configuration() -> Configuration:
    """Return the configuration of the asynchronous client library, for ``ApiServerClient``. Raises ConfigException.

    The client library reads the token of a service account again every minute.
    """
    chosen = Configuration()
    if path := kubeconfig():
        await aio_config.load_kube_config(path, client_configuration=chosen)  # type: ignore[no-untyped-call]
    else:
        aio_config.load_incluster_config(client_configuration=chosen)  # type: ignore[no-untyped-call]
    return chosen


def synchronous_configuration() -> SynchronousConfiguration:
    """Return the configuration of the synchronous client library, for the leader election. Raises ConfigException."""
    chosen = SynchronousConfiguration()
    if path := kubeconfig():
        kubernetes.config.load_kube_config(path, client_configuration=chosen)  # type: ignore[no-untyped-call]
    else:
        kubernetes.config.load_incluster_config(client_configuration=chosen)  # type: ignore[no-untyped-call]
    return chosen


async def for_kopf() -> kopf.ConnectionInfo:
    """Return the connection for the watches. kopf calls this function again when the API server answers 401."""
    chosen = await configuration()
    scheme, _, token = str(await chosen.get_api_key_with_prefix("BearerToken") or "").partition(" ")
    return kopf.ConnectionInfo(
        server=chosen.host,
        ca_path=chosen.ssl_ca_cert,
        insecure=not chosen.verify_ssl,
        certificate_path=chosen.cert_file,
        private_key_path=chosen.key_file,
        scheme=scheme if token else None,
        token=token or None,
    )
