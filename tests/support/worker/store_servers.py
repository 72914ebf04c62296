"""How each object store of the tests is started: its command line, environment and files."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
KEY_ID = "AKIAWORKERTESTS00001"
SECRET = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYWORKERTEST"


@dataclass(frozen=True)
class Start:
    """What a server is started with: its program, an empty folder for its data, and free ports, its own first."""

    program: str
    folder: Path
    ports: Sequence[int]

    @property
    def address(self) -> str:
        """Where it answers S3 requests."""
        return f"127.0.0.1:{self.ports[0]}"


@dataclass(frozen=True)
class Server:
    """An object store that the tests know how to start."""

    name: str
    argv: Callable[[Start], Sequence[str]]
    """The command line behind the program."""
    env: Mapping[str, str] = field(default_factory=dict)
    ports: int = 1
    lists_uploads: bool = True
    """Whether it has ListMultipartUploads. Without, tests cannot see whether an upload was taken back."""
    dates_uploads: bool = True
    """Whether ListMultipartUploads tells when an upload began. Without, an upload whose id a killed run could not note
    cannot be told from another's, and stays."""
    lists_parts: bool = True
    """Whether ListParts tells ETags. Without, a run cannot go on with what a killed one has sent."""
    confirms_gone: bool = True
    """Whether the abort of an upload that is gone is answered so. Without, the note of an upload that a killed run
    completed stays, because the upload may still be open."""

    def obtain(self) -> str:
        """The path of its program, built if need be. Raises RuntimeError with the end of what the build printed."""
        argv = [sys.executable, ROOT / "hack/stores.py", self.name]
        made = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
        if made.returncode:
            raise RuntimeError(f"{self.name} could not be built: {made.stderr[-1000:]}")
        return made.stdout.strip()

    def command(self, program: str, folder: Path) -> tuple[list[str], dict[str, str], str]:
        """The whole command line, its environment and its address; the ports were free just now."""
        start = Start(program, folder, free_ports(self.ports))
        env = {**os.environ, "HOME": str(folder.parent), **self.env}
        return [program, *self.argv(start)], env, start.address


def free_ports(count: int) -> list[int]:
    """Different ports on loopback that nobody listens at."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _versitygw(start: Start) -> list[str]:
    return ["--port", start.address, "posix", str(start.folder)]


def _moto(start: Start) -> list[str]:
    return ["--host", "127.0.0.1", "--port", str(start.ports[0])]


def _rclone(start: Start) -> list[str]:
    return ["serve", "s3", "--addr", start.address, "--config", os.devnull, str(start.folder)]


def _minio(start: Start) -> list[str]:
    return ["server", "--address", start.address, "--console-address", f"127.0.0.1:{start.ports[1]}", str(start.folder)]


def _seaweedfs(start: Start) -> list[str]:
    """Master, volume server, filer and S3 gateway in one process. Each bucket has volumes of its own."""
    keys = {"accessKey": KEY_ID, "secretKey": SECRET}
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    config = start.folder.parent / "seaweedfs.json"
    config.write_text(json.dumps({"identities": [{"name": "tests", "credentials": [keys], "actions": actions}]}))
    parts = ("s3", "master", "volume", "filer")
    ports = {f"-{part}.port": start.ports[2 * number] for number, part in enumerate(parts)}
    grpc = {f"-{part}.port.grpc": start.ports[2 * number + 1] for number, part in enumerate(parts)}
    rest = {
        "-ip": "127.0.0.1",
        "-ip.bind": "127.0.0.1",
        "-dir": start.folder,
        "-s3.config": config,
        "-volume.max": 10_000,
    }
    options = {**rest, **ports, **grpc, "-master.volumeSizeLimitMB": 64, "-s3.port.iceberg": 0, "-s3.port.lance": 0}
    return ["server", "-filer", "-s3", *(f"{name}={value}" for name, value in options.items())]


def _s3s_fs(start: Start) -> list[str]:
    keys = ["--access-key", KEY_ID, "--secret-key", SECRET]
    return ["--host", "127.0.0.1", "--port", str(start.ports[0]), *keys, str(start.folder)]


SERVERS = {
    server.name: server
    for server in (
        Server("versitygw", _versitygw, {"ROOT_ACCESS_KEY": KEY_ID, "ROOT_SECRET_KEY": SECRET}),
        Server("moto", _moto, dates_uploads=False),
        Server("rclone", _rclone, {"RCLONE_AUTH_KEY": f'"{KEY_ID},{SECRET}"'}),
        Server("minio", _minio, {"MINIO_ROOT_USER": KEY_ID, "MINIO_ROOT_PASSWORD": SECRET}, ports=2),
        Server("seaweedfs", _seaweedfs, {"WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"}, ports=8),
        Server("s3s-fs", _s3s_fs, lists_uploads=False, lists_parts=False, confirms_gone=False),
    )
}
