"""A connection to a port of a pod, through the API server, by the protocol of `kubectl port-forward` over a WebSocket.

The port-forward of the Kubernetes client library reads a body faster than it sends it, and keeps the difference in
memory. This module sends in the caller's thread, so a slow network slows the caller. The frames come from websockets,
which masks bytes in C. The library of the handshake masks them in Python, at half the speed.
"""

import io
import select
import ssl
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import certifi
from kubernetes.client.configuration import Configuration
from kubernetes.stream.ws_client import V4_CHANNEL_PROTOCOL, get_websocket_url, websocket_proxycare
from websocket import ABNF, WebSocket, WebSocketBadStatusException, WebSocketException
from websockets.frames import Frame, Opcode

from videoimport.cli.api_responses import explain_refusal, parse_object
from videoimport.cli.errors import RefusedForwardError, UnusableError
from videoimport.cli.kube_client import Kube

_DATA, _ERROR = 0, 1
"""Channels of the first port: its bytes, and a text about a failure."""
_PASSING = (403, 404, 408, 409, 425, 429)
"""Statuses of a client's error that end no upload here: a missing right has its own error, and a pod may end."""
_SECONDS = 60.0
"""Maximum number of seconds in which the peer accepts bytes or responds, also during the handshake."""


class ForwardedConnection(io.RawIOBase):
    """A connection with the methods of a socket that http.client uses. Every method raises ConnectionError if the
    connection broke."""

    def __init__(self, websocket: Any) -> None:
        self._websocket = websocket
        self._input = bytearray()
        self._begun: set[int] = set()
        self._ended = False

    def sendall(self, data: bytes) -> None:
        """Send the bytes as one frame. The call returns once the network accepted them."""
        try:
            self._websocket.sock.sendall(Frame(Opcode.BINARY, bytes((_DATA,)) + data).serialize(mask=True))
        except (AttributeError, OSError) as broken:  # AttributeError: the WebSocket is closed
            raise ConnectionError(type(broken).__name__) from None

    def has_input(self) -> bool:
        """Return whether a byte or the end of the connection can be read at once."""
        while not (self._input or self._ended) and self._is_readable():
            self._receive()
        return bool(self._input) or self._ended

    def readable(self) -> bool:
        """Return True, because the peer may send bytes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read at least one byte, or none at the end of the connection."""
        while not self._input and not self._ended:
            self._receive()
        taken = min(len(buffer), len(self._input))
        buffer[:taken] = self._input[:taken]
        del self._input[:taken]
        return taken

    def makefile(self, *_: object) -> io.BufferedReader:
        """Return a reader that leaves the connection open when it is closed."""
        return io.BufferedReader(_ResponseReader(self))

    def close(self) -> None:
        """Close the connection."""
        super().close()
        with suppress(WebSocketException, OSError):
            self._websocket.shutdown()

    def _is_readable(self) -> bool:
        sock = self._websocket.sock
        if sock is None:
            self._ended = True
            return False
        if isinstance(sock, ssl.SSLSocket) and sock.pending():
            return True
        return bool(select.select([sock], (), (), 0)[0])

    def _receive(self) -> None:
        """Receive one frame. The first frame of each channel has only the number of the port."""
        try:
            kind, frame = self._websocket.recv_data_frame(control_frame=True)
        except (WebSocketException, OSError) as broken:
            raise ConnectionError(type(broken).__name__) from None
        if kind == ABNF.OPCODE_CLOSE:
            self._ended = True
        elif kind == ABNF.OPCODE_BINARY and frame.data:
            self._accept(frame.data[0], frame.data[1:])

    def _accept(self, channel: int, data: bytes) -> None:
        if channel not in self._begun:
            self._begun.add(channel)
        elif channel == _ERROR:
            raise ConnectionError("The port of the pod does not answer.")
        else:
            self._input += data


class _ResponseReader(io.RawIOBase):
    """The input of a connection, for one response."""

    def __init__(self, connection: ForwardedConnection) -> None:
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._connection.readinto(buffer)


def open_forward(kube: Kube, pod: str, port: int) -> ForwardedConnection:
    """Return a connection to a port of a pod in the client's namespace.

    Raises UnusableError if the API server refuses, RefusedForwardError if another try cannot succeed, and
    ConnectionError if the API server or the pod cannot be reached.
    """
    path = f"/api/v1/namespaces/{kube.namespace}/pods/{pod}/portforward"
    configuration, url, headers = kube.upgrade_request(path, {"ports": str(port)})
    try:
        return ForwardedConnection(_connect(configuration, url, headers))
    except WebSocketBadStatusException as refused:
        raise _explain_status(refused.status_code, refused.resp_body or b"") from None
    except (WebSocketException, OSError) as broken:
        raise ConnectionError(type(broken).__name__) from None


def _explain_status(status: int, body: bytes) -> UnusableError:
    answer = parse_object(body)
    error = explain_refusal(status, answer)
    is_of_pod = (
        status == HTTPStatus.BAD_REQUEST and answer.get("kind") == "Status"
    )  # such as a pod that has no node yet
    if is_of_pod or not 400 <= status < 500 or status in _PASSING:
        return error
    advice = "A proxy between this machine and the API server must pass WebSocket connections."
    return RefusedForwardError(f"The connection to the worker was refused with {status}.", *error.problems, advice)


def _connect(configuration: Configuration, url: str, headers: dict[str, str]) -> WebSocket:
    """Return an open WebSocket. The function of the Kubernetes client library that does the same has no timeout, and
    follows a redirect with the user's token."""
    address = get_websocket_url(url)  # type: ignore[no-untyped-call]
    given = {name.lower(): value for name, value in headers.items()}
    sent = [f"sec-websocket-protocol: {V4_CHANNEL_PROTOCOL}"]
    sent += [f"authorization: {given['authorization']}"] if "authorization" in given else []
    options: dict[str, Any] = {"header": sent, "timeout": _SECONDS, "redirect_limit": 0}
    if configuration.proxy or configuration.proxy_headers:
        options = websocket_proxycare(options, configuration, address, headers)  # type: ignore[no-untyped-call]
    websocket = WebSocket(sslopt=_choose_tls(configuration))
    websocket.connect(address, **options)  # type: ignore[no-untyped-call]
    return websocket


def _choose_tls(configuration: Configuration) -> dict[str, Any]:
    """Return the TLS options of the kubeconfig, in the terms of the WebSocket library."""
    chosen: dict[str, Any] = {"cert_reqs": ssl.CERT_NONE, "check_hostname": False}
    if configuration.verify_ssl:
        trusted = configuration.ssl_ca_cert or certifi.where()
        hostname = configuration.assert_hostname is not False
        chosen = {"cert_reqs": ssl.CERT_REQUIRED, "ca_certs": trusted, "check_hostname": hostname}
    wanted = {
        "certfile": configuration.cert_file,
        "keyfile": configuration.key_file,
        "server_hostname": configuration.tls_server_name,
    }
    return chosen | {option: value for option, value in wanted.items() if value}
