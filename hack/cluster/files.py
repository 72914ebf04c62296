"""Write files that other processes read at the same time."""

from pathlib import Path


def write(target: Path, content: str, *, secret: bool = False) -> None:
    """Write a file atomically, and only if the content differs. kube-proxy ends itself when its file changes."""
    if target.exists() and target.read_text() == content:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    made = target.with_name(f".{target.name}")
    made.unlink(missing_ok=True)
    made.touch(mode=0o600 if secret else 0o644)
    made.write_text(content)
    made.rename(target)
