"""A real S3 server over a folder, and buckets in it."""

import contextlib
import json
import os
import signal
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from support.waiting import LONGEST_SECONDS
from support.worker.store_servers import KEY_ID, SECRET, SERVERS, Server

__all__ = ["KEY_ID", "SECRET", "Bucket", "ObjectStore"]

_MOST_PORTS = 5
_LOOK_SECONDS = 0.1


class ObjectStore:
    """Listens on loopback until the block ends."""

    def __init__(self, program: str, folder: Path, server: Server = SERVERS["versitygw"]) -> None:
        self._program, self._folder, self.server = program, folder, server
        self._log = (folder / "log").open("wb")

    def __enter__(self) -> "ObjectStore":
        if not any(self._listens() for _ in range(_MOST_PORTS)):
            self.__exit__(None, None, None)
            raise RuntimeError(f"{self.server.name} does not start: {(self._folder / 'log').read_text()[-500:]}")
        return self

    def _listens(self) -> bool:
        """Start it. False when it ended again, as it does when another process took its port in between."""
        objects = self._folder / f"objects-{uuid.uuid4().hex[:6]}"
        objects.mkdir()
        argv, env, address = self.server.command(self._program, objects)
        self.endpoint = f"http://{address}"
        self._process = subprocess.Popen(
            argv, env=env, cwd=objects, stdout=self._log, stderr=self._log, start_new_session=True
        )
        self.client = self._connected(attempts=12)
        return self._answers()

    def _answers(self) -> bool:
        """Whether it takes an object before it ends; some servers list buckets long before they can store any."""
        end = time.monotonic() + LONGEST_SECONDS
        while self._process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(BotoCoreError, ClientError):
                ready = self._connected(attempts=1)
                ready.create_bucket(Bucket=(name := f"ready-{uuid.uuid4().hex[:12]}"))
                ready.put_object(Bucket=name, Key="ready", Body=b"ready")
                return True
            time.sleep(_LOOK_SECONDS)
        return False

    def _connected(self, *, attempts: int) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
            config=Config(
                retries={"mode": "standard", "total_max_attempts": attempts},
                # s3s-fs tells the CRC32 of an object that was there before.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                proxies={},
            ),
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ProcessLookupError):  # all of its session: some servers fork
            os.killpg(self._process.pid, signal.SIGKILL)  # terminate would wait for connections that a test holds
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
    def uploads(self) -> list[dict[str, Any]]:
        """Multipart uploads that were neither completed nor aborted; none on a server that does not list them."""
        if not self.store.server.lists_uploads:
            return []
        try:
            listed = self.store.client.list_multipart_uploads(Bucket=self.name)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchUpload":  # rclone's word for an empty list
                return []
            raise
        return listed.get("Uploads", [])

    @property
    def unfinished(self) -> list[str]:
        """Their keys."""
        return [upload["Key"] for upload in self.uploads]

    def read(self, key: str) -> bytes:
        content: bytes = self.store.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return content

    def json(self, key: str) -> Any:
        return json.loads(self.read(key))

    def head(self, key: str) -> Any:
        return self.store.client.head_object(Bucket=self.name, Key=key)

    def metadata(self, key: str) -> dict[str, str]:
        """User metadata, its names in lower case."""
        return {name.lower(): value for name, value in self.head(key)["Metadata"].items()}

    def put(self, key: str, content: bytes, **more: Any) -> None:
        self.store.client.put_object(Bucket=self.name, Key=key, Body=content, **more)

    def delete(self, key: str) -> None:
        self.store.client.delete_object(Bucket=self.name, Key=key)

    def save(self, key: str, path: Path) -> Path:
        path.write_bytes(self.read(key))
        return path
