"""Parse the command line and pass the command to the provider that the user chose."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from cluster import images
from cluster.errors import ClusterError
from cluster.existing import Existing
from cluster.folders import Folders, cache_folder
from cluster.kubectl import machine_kubectl
from cluster.native import Native
from cluster.providers import Flag, Kind, Provider, UpOptions
from cluster.steps import Step, run_steps
from cluster.toolsets import Toolbox, set_of

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Return 0 only if the command succeeded."""
    signal.signal(signal.SIGTERM, _interrupt)
    asked = parser().parse_args(arguments)
    try:
        command: Callable[[argparse.Namespace], int] = asked.command
        return command(asked)
    except ClusterError as failure:
        sys.stderr.write(f"error: {failure}\n")
        return 1
    except BrokenPipeError:
        # The reader of our output, such as `head`, has ended; nothing may be flushed into the closed pipe later.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; the same command continues from here\n")
        return INTERRUPTED


def parser() -> argparse.ArgumentParser:
    """Return the parser with all options and commands."""
    top = argparse.ArgumentParser(prog="hack/cluster", description="A real Kubernetes for demonstrations and tests.")
    top.add_argument("--name", default="videoimport", help="the cluster's name (default: %(default)s)")
    chosen = os.environ.get("VIDEOIMPORT_PROVIDER", "native")
    top.add_argument("--provider", default=chosen, choices=("native", "existing", "kind"), help="default: %(default)s")
    top.add_argument(
        "--context",
        default=os.environ.get("VIDEOIMPORT_CONTEXT"),
        help="with --provider existing: the kubeconfig context to use (default: VIDEOIMPORT_CONTEXT)",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(command=command)
        return made

    up = add("up", _up, "bring the cluster up; harmless when it is up")
    up.add_argument(
        "--control-plane-only", action="store_true", help="no node: pods stay pending, and it needs no root"
    )
    up.add_argument(
        "--flag",
        action="append",
        default=[],
        type=Flag.parse,
        metavar="COMPONENT:NAME=VALUE",
        help="a further flag of etcd, kube-apiserver, kube-controller-manager or kube-scheduler; as often as you like",
    )
    add("down", _down, "take the cluster down; only the cache of built things stays")
    build = add("build-image", _build_image, "build an image from a Dockerfile, without a daemon")
    build.add_argument("--tag", required=True, metavar="NAME:TAG")
    build.add_argument("--file", required=True, type=Path, metavar="DOCKERFILE")
    build.add_argument("--build-arg", action="append", default=[], metavar="K=V")
    build.add_argument("context_folder", type=Path, metavar="CONTEXT")
    load = add("load-image", _load_image, "make a built image known to the cluster")
    load.add_argument("reference", metavar="NAME:TAG")
    add("kubeconfig", _kubeconfig, "print the path of the administrator's kubeconfig")
    tool = add("tool", _tool, "print the path of a tool, building it if need be")
    tool.add_argument("tool", metavar="NAME", help="kubectl, helm, vale, versitygw, etcd, kube-apiserver, …")
    add("status", _status, "show what runs; exit code 0 when all of it does")
    return top


def _announced(asked: argparse.Namespace) -> Provider:
    """Print the chosen provider to the error stream and return the provider, for commands that change the cluster."""
    sys.stderr.write(f"provider: {asked.provider}\n")
    return _provider(asked)


def _provider(asked: argparse.Namespace) -> Provider:
    folders = Folders(cache_folder(), asked.name)
    match asked.provider:
        case "existing":
            return Existing(folders.cache, asked.context)
        case "kind":
            return Kind()
        case "native":
            return Native(folders)
        case other:
            # Only VIDEOIMPORT_PROVIDER comes here: argparse checks what is typed, but no default.
            raise ClusterError(f"there is no provider {other!r}; there are native, existing and kind")


def _up(asked: argparse.Namespace) -> int:
    _announced(asked).up(UpOptions(control_plane_only=asked.control_plane_only, flags=tuple(asked.flag)))
    return 0


def _down(asked: argparse.Namespace) -> int:
    _announced(asked).down()
    return 0


def _build_image(asked: argparse.Namespace) -> int:
    images.build(
        images.Build(asked.tag, asked.file, tuple(asked.build_arg), asked.context_folder),
        images.Builder(cache_folder()),
    )
    return 0


def _load_image(asked: argparse.Namespace) -> int:
    _provider(asked).load_image(asked.reference)
    return 0


def _kubeconfig(asked: argparse.Namespace) -> int:
    print(_provider(asked).kubeconfig())
    return 0


def _tool(asked: argparse.Namespace) -> int:
    tools, toolbox = set_of(asked.tool), Toolbox(cache_folder())
    if asked.tool == "kubectl" and (own := machine_kubectl()):
        print(own)
        return 0
    if not toolbox.has(tools):
        log = toolbox.cache / "logs" / f"{tools.name}.log"
        run_steps([Step(f"{tools.name}, built", log, lambda log: toolbox.build(tools, log))])
    print(toolbox.path(asked.tool))
    return 0


def _status(asked: argparse.Namespace) -> int:
    return 0 if _announced(asked).status() else 1


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
