"""The three kinds of cluster, behind one interface; which one is taken is the user's choice and is printed."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from cluster.errors import ClusterError


class Flag(NamedTuple):
    """A further flag of a component of the control plane."""

    component: str
    name: str
    value: str

    @classmethod
    def parse(cls, text: str) -> "Flag":
        """From `kube-apiserver:audit-log-path=/tmp/audit.log`. Raises ValueError."""
        (component, colon, rest), equals = text.partition(":"), "=" in text
        name, _, value = rest.partition("=")
        if not (component and colon and name and equals):
            raise ValueError(f"{text!r} is not COMPONENT:NAME=VALUE")
        return cls(component, name, value)


@dataclass(frozen=True)
class UpOptions:
    """What `up` was asked for."""

    control_plane_only: bool = False
    flags: tuple[Flag, ...] = ()


class Provider(Protocol):
    """What every provider can do; each method raises ClusterError when it cannot."""

    def up(self, options: UpOptions) -> None:
        """Bring the cluster up, or find it up."""

    def down(self) -> None:
        """Remove what `up` made."""

    def load_image(self, reference: str) -> None:
        """Make an image that `build-image` built known to the cluster."""

    def kubeconfig(self) -> Path:
        """The path of a kubeconfig with which the cluster can be administered."""

    def status(self) -> bool:
        """Print the state; return whether all of it is up."""


class Kind:
    """Not implemented yet; every method raises ClusterError."""

    def up(self, options: UpOptions) -> None:  # noqa: ARG002
        """Refuse."""
        raise _unavailable()

    def down(self) -> None:
        """Refuse."""
        raise _unavailable()

    def load_image(self, reference: str) -> None:  # noqa: ARG002
        """Refuse."""
        raise _unavailable()

    def kubeconfig(self) -> Path:
        """Refuse."""
        raise _unavailable()

    def status(self) -> bool:
        """Refuse."""
        raise _unavailable()


def _unavailable() -> ClusterError:
    return ClusterError(
        "the provider 'kind' is not implemented yet. Use --provider native (Linux, root). "
        "Or make a cluster with kind yourself and use it with --provider existing --context kind-NAME"
    )
