"""x"""
from dataclasses import dataclass
from pathlib import Path
from cluster.node import Node
@dataclass(frozen=True)
class Build:
    tag: str
    file: Path
    build_args: tuple[str, ...]
    context: Path
@dataclass(frozen=True)
class Builder:
    cache: Path
def build(what: Build, builder: Builder) -> None: ...
def load(node: Node, reference: str, log: Path) -> str | None: ...
