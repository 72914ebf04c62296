"""The port-forward of our client, against a WebSocket server that speaks as a kubelet does."""

import http
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

from support.upload_cluster import write_kubeconfig
from support.waiting import until
from videoimport.cli.errors import MissingRightError, UnreachableError, UnusableError
from videoimport.cli.kube_client import Kube
from videoimport.cli.port_forward import open_forward

PORT = 8081
NUMBER = PORT.to_bytes(2, "little")
PROTOCOL = Subprotocol("v4.channel.k8s.io")
Serve = Callable[[ServerConnection], None]


@contextmanager
def cluster(
    folder: Path, act: Serve, refuse: Callable[[ServerConnection, Request], Response | None] | None = None
) -> Iterator[Kube]:
    """A client of an API server that does ``act`` with every port-forward."""

    def begin(connection: ServerConnection) -> None:
        for channel in (0, 1):
            connection.send(bytes((channel,)) + NUMBER)
        act(connection)

    with serve(
        begin, "127.0.0.1", 0, subprotocols=[PROTOCOL], process_request=refuse, compression=None, close_timeout=0.1
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield make_kube(folder, server.socket.getsockname()[1])


def make_kube(folder: Path, port: int) -> Kube:
    write_kubeconfig(folder / "config", port)
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
