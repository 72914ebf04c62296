"""tus-js-client in a process of its own."""

import json
import subprocess
from pathlib import Path

from tus_client import obtain

SCRIPT = Path(__file__).with_name("tus_js_upload.cjs")


def start(endpoint: str, token: str, file: Path, notes: Path, chunk_size: int) -> "subprocess.Popen[str]":
    """Send a file. ``notes`` is where the client remembers uploads; a later one with the same notes continues."""
    client = obtain()
    order = {"client": str(client), "endpoint": endpoint, "token": token, "file": str(file), "chunkSize": chunk_size}
    process = subprocess.Popen(
        [client / "node", SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    with process.stdin as stdin:
        stdin.write(json.dumps(order | {"notes": str(notes)}))
    process.stdin = None
    return process
