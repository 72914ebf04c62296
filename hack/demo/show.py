"""Show the results at the end of the demo: the resources, one status, the objects, and a video to play."""

import subprocess
from pathlib import Path
from typing import Any

import boto3

from demo.kubectl import Kubectl
from demo.places import ACCESS_KEY, BUCKET, BUILD, SECRET_KEY


def show(kubectl: Kubectl, bulk: dict[str, Any]) -> Path:
    """Print all results, and return the path of the copied video."""
    kubectl.shown("get", "bulkimports")
    kubectl.shown("get", "videoimports")
    best = next(result for result in bulk["status"]["results"] if result["success"])
    kubectl.shown("get", "videoimport", best["importName"], "--output", "yaml")
    with kubectl.forwarded("service/s3", 7070) as port:
        client = store(port)
        _list_objects(client)
        copied = _copy_out(client, best["uri"])
    _play(copied)
    return copied


def store(port: int) -> Any:
    """Provide a client of the demo's object store through a local port."""
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )


def _list_objects(client: Any) -> None:
    print(f"\nobjects in s3://{BUCKET}")
    for found in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        print(f"{found['Size']:>12,}  {found['Key']}")


def _copy_out(client: Any, uri: str) -> Path:
    copied = BUILD / "demo-video.mp4"
    copied.parent.mkdir(exist_ok=True)
    client.download_file(BUCKET, uri.removeprefix(f"s3://{BUCKET}/"), str(copied))
    return copied


def _play(video: Path) -> None:
    """Run ffprobe and print its output for the copied file, which shows that the file opens and has the expected
    streams."""
    words = ["ffprobe", "-hide_banner", "-v", "error", "-show_entries",
             "stream=codec_name,width,height,duration:format=format_name,duration,size", str(video)]  # fmt: skip
    print(f"\n$ {' '.join(words)}", flush=True)
    subprocess.run(words, check=True)
