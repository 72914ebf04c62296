"""Start the native cluster. Each step finds out whether there is anything to do."""

import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from cluster import addresses, certificates, cgroups, dns, kubeconfigs, nodenet, packages, processes
from cluster.addresses import Addresses
from cluster.commands import run, succeeds
from cluster.controlplane import ControlPlane
from cluster.folders import Folders
from cluster.kubeapi import KubeApi
from cluster.kubectl import kubectl
from cluster.node import Node, image_of
from cluster.processes import Daemon
from cluster.providers import Flag
from cluster.steps import Step
from cluster.toolsets import COREDNS, Toolbox, ToolSet
from cluster.waiting import wait_for

PATIENCE = 120.0


@dataclass(frozen=True)
class NativeUp:
    """The steps of `up` and the objects that they need."""

    folders: Folders
    toolbox: Toolbox
    flags: tuple[Flag, ...] = ()

    @cached_property
    def addresses(self) -> Addresses:
        """The cluster's addresses. They are chosen at first use, when the programs that find them are already
        installed."""
        running = any(processes.running(self.folders.pids, file.stem) for file in self.folders.pids.glob("*.json"))
        return addresses.settle(self.folders.addresses, running)

    @property
    def plane(self) -> ControlPlane:
        """The control plane's command lines."""
        return ControlPlane(self.folders, self.addresses, self.toolbox, self.flags)

    @property
    def node(self) -> Node:
        """The node's command lines."""
        return Node(self.folders, self.addresses, self.toolbox)

    @property
    def api(self) -> KubeApi:
        """The API server, for checks whether other parts are ready."""
        return KubeApi(self.plane.server, self.folders.pki)

    def preparation(self, wanted: tuple[packages.Package, ...], tool_sets: tuple[ToolSet, ...]) -> list[Step]:
        """Return the steps that install packages and build tools. They take minutes the first time and no time
        later."""
        return [
            self._step("Debian packages", partial(packages.install, wanted)),
            *(self._step(f"{tools.name}, built", partial(self.toolbox.build, tools)) for tools in tool_sets),
        ]

    def control_plane(self) -> list[Step]:
        """Return the steps for etcd, API server and controller manager. These are enough for users that only need the
        API."""
        return [
            self._step("certificates", self._certificates),
            self._launch("etcd", lambda: self.plane.etcd(), lambda: _listens(self.addresses.ports["etcd"])),
            self._launch("kube-apiserver", lambda: self.plane.apiserver(), lambda: self.api.ready),
            self._launch(
                "kube-controller-manager", lambda: self.plane.controller_manager(), self._has_default_service_account
            ),
        ]

    def whole_node(self) -> list[Step]:
        """Return the steps for all other parts: scheduler, network, containerd, kubelet, kube-proxy and CoreDNS."""
        return [
            self._launch(
                "kube-scheduler", lambda: self.plane.scheduler(), lambda: _listens(self.addresses.ports["scheduler"])
            ),
            self._step("node network", lambda log: nodenet.connect(self.folders, self.addresses, log)),
            self._step("node configuration", self._configure_node),
            self._launch("containerd", lambda: self.node.containerd(), lambda: succeeds(self.node.ctr("version"))),
            self._step("images of the node", lambda log: self.node.import_own_images(log)),
            self._launch("kubelet", lambda: self.node.kubelet(), partial(self._node_is_ready, datetime.now(UTC))),
            self._launch(
                "kube-proxy", lambda: self.node.proxy(), lambda: _healthy(f"http://{self.addresses.node}:10256/healthz")
            ),
            self._step("CoreDNS", self._coredns),
        ]

    def _step(self, title: str, action: Callable[[Path], str | None]) -> Step:
        return Step(title, self.folders.logs / f"{title.split(',')[0].replace(' ', '-').lower()}.log", action)

    def _launch(self, name: str, build: Callable[[], Daemon], ready: Callable[[], bool]) -> Step:
        """Return a step that starts a process. Its command line is built late, when the files that it names exist."""

        def action(log: Path) -> str | None:
            remark = processes.start(build(), self.folders.pids, log)
            alive = partial(processes.running, self.folders.pids, name)
            wait_for(f"{name} is not ready", ready, PATIENCE, while_true=lambda: alive() is not None)
            return remark

        return self._step(name, action)

    def _certificates(self, log: Path) -> str | None:
        remark = certificates.make(self.folders.pki, certificates.wanted(self.folders.name, self.addresses), log)
        inside = f"https://{self.addresses.host}:{self.addresses.ports['api']}"
        for user, server in (
            ("admin", self.plane.server),
            ("kube-controller-manager", self.plane.server),
            ("kube-scheduler", self.plane.server),
            ("kubelet", inside),
            ("kube-proxy", inside),
        ):
            target = self.folders.admin_kubeconfig if user == "admin" else self.plane.kubeconfig(user)
            kubeconfigs.write(target, cluster=self.folders.name, server=server, pki=self.folders.pki, user=user)
        return remark

    def _has_default_service_account(self) -> bool:
        """Return whether the default service account exists. The API server refuses pods before that."""
        return self.api.text("/api/v1/namespaces/default/serviceaccounts/default") is not None

    def _configure_node(self, _log: Path) -> None:
        cgroups.create(self.folders.cgroup)
        self.node.write_files()

    def _node_is_ready(self, since: datetime) -> bool:
        node = self.api.read(f"/api/v1/nodes/{self.folders.name}")
        return node is not None and ready_since(node, since if self._kubelet_is_new(since) else None)

    def _kubelet_is_new(self, since: datetime) -> bool:
        """Return whether the kubelet was started since a time.

        After a restart of the machine, the API still contains the earlier Ready condition for a while.
        """
        return (self.folders.pids / "kubelet.json").stat().st_mtime >= since.timestamp()

    def _coredns(self, log: Path) -> None:
        resolvers = self.node.files.resolv_conf.read_text()
        image = image_of(COREDNS, self.toolbox)
        manifest = dns.manifest(image=image, address=self.addresses.dns_service, upstream=bool(resolvers))
        run(
            [kubectl(self.toolbox), f"--kubeconfig={self.folders.admin_kubeconfig}", "apply", "--filename=-"],
            log=log,
            text=manifest,
        )
        answers = partial(dns.answers, self.addresses.dns_service)
        wait_for("CoreDNS does not answer", answers, PATIENCE, while_true=lambda: self.api.ready)


def ready_since(node: dict[str, Any], since: datetime | None) -> bool:
    """Return whether the node's Ready condition is true and was reported at or after `since`, to the second."""
    for condition in node["status"].get("conditions", []):
        if condition["type"] == "Ready" and condition["status"] == "True":
            said = datetime.fromisoformat(condition["lastHeartbeatTime"])
            return since is None or said >= since.replace(microsecond=0)
    return False


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _healthy(url: str) -> bool:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=1):
            return True
    except (urllib.error.URLError, OSError):
        return False
