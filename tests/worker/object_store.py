"""A real S3 server over a folder, and buckets in it."""

import contextlib
import json
import os
import socket
import subprocess
import uuid
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

KEY_ID = "AKIAWORKERTESTS00001"
SECRET = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYWORKERTEST"

_MOST_PORTS = 5


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ObjectStore:
    """Listens on loopback until the block ends."""

    def __init__(self, binary: str, folder: Path) -> None:
        self._binary, self._folder = binary, folder
        self._log = (folder / "log").open("wb")

    def __enter__(self) -> "ObjectStore":
        (self._folder / "objects").mkdir()
        if not any(self._listens() for _ in range(_MOST_PORTS)):
            raise RuntimeError(f"the object store does not start: {(self._folder / 'log').read_text()[-500:]}")
        return self

    def _listens(self) -> bool:
        """Start it. False when it ended again, as it does when somebody took its port in between."""
        self.endpoint = f"http://127.0.0.1:{free_port()}"
        objects = self._folder / "objects"
        self._process = subprocess.Popen(
            [self._binary, "--port", self.endpoint.removeprefix("http://"), "posix", str(objects)],
            env=os.environ | {"ROOT_ACCESS_KEY": KEY_ID, "ROOT_SECRET_KEY": SECRET},
            stdout=self._log,
            stderr=self._log,
        )
        self.client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
            config=Config(retries={"mode": "standard", "total_max_attempts": 12}, proxies={}),
        )
        with contextlib.suppress(BotoCoreError, ClientError):
            self.client.list_buckets()
            if self._process.poll() is None:
                return True
        self._process.kill()
        self._process.wait()
        return False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()  # terminate would wait for connections that a test holds
        self._process.wait()
        self._log.close()

    def new_bucket(self) -> "Bucket":
        name = f"b-{uuid.uuid4().hex[:12]}"
        self.client.create_bucket(Bucket=name)
        return Bucket(self, name)


@dataclass
class Bucket:
    store: ObjectStore
    name: str

    @property
    def keys(self) -> list[str]:
        """Every object's key, sorted; not the folders that versitygw lists as keys with a slash at the end."""
        listed = self.store.client.list_objects_v2(Bucket=self.name).get("Contents", [])
        return sorted(found["Key"] for found in listed if not found["Key"].endswith("/"))

    @property
    def shown(self) -> list[str]:
        """Keys of what users see: nothing of our own records."""
        return [key for key in self.keys if "/.videoimport/" not in f"/{key}"]

    @property
    def unfinished(self) -> list[str]:
        """Keys of multipart uploads that were neither completed nor aborted."""
        return [
            upload["Key"] for upload in self.store.client.list_multipart_uploads(Bucket=self.name).get("Uploads", [])
        ]

    def read(self, key: str) -> bytes:
        content: bytes = self.store.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return content

    def json(self, key: str) -> Any:
        return json.loads(self.read(key))

    def head(self, key: str) -> Any:
        return self.store.client.head_object(Bucket=self.name, Key=key)

    def put(self, key: str, content: bytes, **more: Any) -> None:
        self.store.client.put_object(Bucket=self.name, Key=key, Body=content, **more)

    def delete(self, key: str) -> None:
        self.store.client.delete_object(Bucket=self.name, Key=key)

    def save(self, key: str, path: Path) -> Path:
        path.write_bytes(self.read(key))
        return path
