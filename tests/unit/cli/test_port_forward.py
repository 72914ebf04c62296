"""The port-forward of our client, against a WebSocket server that speaks as a kubelet does."""

import http
import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

from support.local_server import tls_of
from support.upload_cluster import write_kubeconfig
from support.waiting import until
from videoimport.cli.errors import MissingRightError, RefusedForwardError, UnreachableError, UnusableError
from videoimport.cli.kube_client import Kube
from videoimport.cli.port_forward import open_forward

PORT = 8081
NUMBER = PORT.to_bytes(2, "little")
PROTOCOL = Subprotocol("v4.channel.k8s.io")
Serve = Callable[[ServerConnection], None]


@contextmanager
def cluster(
    folder: Path,
    act: Serve,
    refuse: Callable[[ServerConnection, Request], Response | None] | None = None,
    tls: ssl.SSLContext | None = None,
    **fields: Any,
) -> Iterator[Kube]:
    """A client of an API server that does ``act`` with every port-forward."""

    def begin(connection: ServerConnection) -> None:
        for channel in (0, 1):
            connection.send(bytes((channel,)) + NUMBER)
        act(connection)

    options: dict[str, Any] = {"process_request": refuse, "compression": None, "close_timeout": 0.1, "ssl": tls}
    with serve(begin, "127.0.0.1", 0, subprotocols=[PROTOCOL], **options) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.socket.getsockname()[1]
        yield make_kube(folder, port, **({"server": f"https://127.0.0.1:{port}"} if tls else {}), **fields)


def make_kube(folder: Path, port: int, **fields: Any) -> Kube:
    write_kubeconfig(folder / "config", port, **fields)
    return Kube(folder / "config", None)


def echo(connection: ServerConnection) -> None:
    for message in connection:
        assert isinstance(message, bytes)
        connection.send(message)


def test_bytes_go_both_ways(tmp_path: Path) -> None:
    with cluster(tmp_path, echo) as kube:
        connection = open_forward(kube, "talk-1", PORT)
        for block in (b"one\n", bytes(300_000), b"two\n"):
            connection.sendall(block)
        reader = connection.makefile("rb")
        assert reader.readline() == b"one\n"
        assert reader.read(300_000) == bytes(300_000)
        assert reader.readline() == b"two\n"
        connection.close()


AUTHORITY = {"certificate-authority": "certificate.pem"}
INSECURE = {"insecure-skip-tls-verify": True}


@pytest.mark.parametrize(
    ("name", "fields", "is_trusted"),
    [
        ("IP:127.0.0.1", AUTHORITY, True),
        ("IP:127.0.0.1", {}, False),
        ("DNS:api.example.com", AUTHORITY, False),
        ("DNS:api.example.com", AUTHORITY | {"tls-server-name": "api.example.com"}, True),
        ("DNS:api.example.com", INSECURE, True),
    ],
)
def test_certificate_is_judged_as_the_kubeconfig_says(
    tmp_path: Path, name: str, fields: dict[str, Any], is_trusted: bool
) -> None:
    with cluster(tmp_path, echo, tls=make_tls(tmp_path, name), **fields) as kube:
        if not is_trusted:
            with pytest.raises(ConnectionError, match="SSL"):
                open_forward(kube, "talk-1", PORT)
            return
        connection = open_forward(kube, "talk-1", PORT)
        connection.sendall(b"one\n")
        assert connection.makefile("rb").readline() == b"one\n"
        connection.close()


def make_tls(folder: Path, name: str) -> ssl.SSLContext | None:
    """A server's TLS with a new certificate for a name, which lies in the folder as certificate.pem."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    words += ["-subj", "/CN=test", "-addext", f"subjectAltName={name}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", *words], check=True, capture_output=True)
    return tls_of(certificate, key)


def test_request_names_the_pod_and_has_the_login(tmp_path: Path) -> None:
    seen: list[Request] = []
    with cluster(tmp_path, echo, lambda _, request: seen.append(request)) as kube:
        open_forward(kube, "talk-1", PORT).close()
    assert seen[0].path == "/api/v1/namespaces/films/pods/talk-1/portforward?ports=8081"
    assert seen[0].headers["Authorization"] == "Bearer very-secret"
    assert seen[0].headers["Sec-WebSocket-Protocol"] == PROTOCOL


def test_response_is_seen_before_the_body_ends(tmp_path: Path) -> None:
    def answer(connection: ServerConnection) -> None:
        connection.recv()
        connection.ping()
        connection.send(b"\x00refused\n")
        connection.recv()

    with cluster(tmp_path, answer) as kube:
        connection = open_forward(kube, "talk-1", PORT)
        assert not connection.has_input()
        connection.sendall(b"x")
        until(connection.has_input)
        assert connection.makefile("rb").readline() == b"refused\n"
        connection.sendall(b"y")
        until(connection.has_input)  # the end
        assert connection.makefile("rb").read() == b""


def test_port_without_a_listener_is_a_broken_connection(tmp_path: Path) -> None:
    with cluster(tmp_path, lambda connection: connection.send(b"\x01connection refused")) as kube:
        connection = open_forward(kube, "talk-1", PORT)
        with pytest.raises(ConnectionError, match="does not answer"):
            connection.makefile("rb").readline()


def test_closed_connection_breaks_the_next_block(tmp_path: Path) -> None:
    def cut(connection: ServerConnection) -> None:
        connection.socket.close()

    def send_all(connection: object) -> bool:
        try:
            connection.sendall(bytes(2**20))  # type: ignore[attr-defined]
        except ConnectionError:
            return True
        return False

    with cluster(tmp_path, cut) as kube:
        connection = open_forward(kube, "talk-1", PORT)
        until(lambda: send_all(connection))


@pytest.mark.parametrize(("status", "kind"), [(403, MissingRightError), (503, UnreachableError)])
def test_refusal_has_the_message_of_the_api_server(tmp_path: Path, status: int, kind: type[Exception]) -> None:
    def refuse(connection: ServerConnection, _: Request) -> Response:
        return connection.respond(http.HTTPStatus(status), json.dumps({"message": "pods is forbidden"}))

    with cluster(tmp_path, echo, refuse) as kube, pytest.raises(kind, match="pods is forbidden") as told:
        open_forward(kube, "talk-1", PORT)
    assert "very-secret" not in str(told.value)


@pytest.mark.parametrize(("body", "is_final"), [({"kind": "Status", "message": "pod has no host"}, False), ({}, True)])
def test_pod_that_is_not_ready_is_tried_again_and_a_proxy_is_not(tmp_path: Path, body: object, is_final: bool) -> None:
    """The API server answers 400 for a pod that has no node yet."""

    def refuse(connection: ServerConnection, _: Request) -> Response:
        return connection.respond(http.HTTPStatus.BAD_REQUEST, json.dumps(body))

    with cluster(tmp_path, echo, refuse) as kube, pytest.raises(UnusableError) as told:
        open_forward(kube, "talk-1", PORT)
    assert isinstance(told.value, RefusedForwardError) is is_final


def test_handshake_without_a_response_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("videoimport.cli.port_forward._SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        kube = make_kube(tmp_path, silent.getsockname()[1])
        with pytest.raises(ConnectionError, match="Timeout"):
            open_forward(kube, "talk-1", PORT)


def test_redirect_is_not_followed(tmp_path: Path) -> None:
    """The other address would get the user's login."""

    def redirect(connection: ServerConnection, _: Request) -> Response:
        response = connection.respond(http.HTTPStatus.FOUND, "")
        response.headers["Location"] = f"ws://127.0.0.1:{other.getsockname()[1]}/"
        return response

    with socket.create_server(("127.0.0.1", 0)) as other:
        other.setblocking(False)
        with cluster(tmp_path, echo, redirect) as kube, pytest.raises((ConnectionError, UnusableError)):
            open_forward(kube, "talk-1", PORT)
        with pytest.raises(BlockingIOError):
            other.accept()


def test_address_without_a_server_is_a_broken_connection(tmp_path: Path) -> None:
    with cluster(tmp_path, echo) as kube:
        pass
    with pytest.raises((ConnectionError, ConnectionClosed)):
        open_forward(kube, "talk-1", PORT)
