"""Write images that contain only one static program, without any image tool."""

import hashlib
import io
import json
import platform
import tarfile
from pathlib import Path


def write(target: Path, *, reference: str, program: Path) -> None:
    """Write a tar file in the layout of `docker save`. The same program gives the same bytes."""
    layer = _tar({program.name: program.read_bytes()}, mode=0o755)
    config = {
        "architecture": architecture(),
        "os": "linux",
        "config": {"Entrypoint": [f"/{program.name}"], "User": "65532:65532"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    written = json.dumps(config).encode()
    name = f"{hashlib.sha256(written).hexdigest()}.json"
    manifest = [{"Config": name, "RepoTags": [reference], "Layers": ["layer.tar"]}]
    files = {"manifest.json": json.dumps(manifest).encode(), name: written, "layer.tar": layer}
    made = target.with_name(f".{target.name}")
    made.parent.mkdir(parents=True, exist_ok=True)
    made.write_bytes(_tar(files, mode=0o644))
    made.rename(target)


def _tar(files: dict[str, bytes], *, mode: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def architecture() -> str:
    """Return this machine's architecture by the name that images use."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
