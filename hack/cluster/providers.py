"""The interface of the three providers of a cluster. The user chooses the provider, and its name is printed."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from cluster.errors import ClusterError


class Flag(NamedTuple):
    """An additional flag of a component of the control plane."""

    component: str
    name: str
    value: str

    @classmethod
    def parse(cls, text: str) -> "Flag":
        """Parse a flag such as `kube-apiserver:audit-log-path=/tmp/audit.log`. Raise ValueError."""
        (component, colon, rest), equals = text.partition(":"), "=" in text
        name, _, value = rest.partition("=")
        if not (component and colon and name and equals):
            raise ValueError(f"{text!r} is not COMPONENT:NAME=VALUE")
        return cls(component, name, value)


@dataclass(frozen=True)
class UpOptions:
    """The options of `up`."""

    control_plane_only: bool = False
    flags: tuple[Flag, ...] = ()


class Provider(Protocol):
    """The interface of all providers. A method that cannot do its work raises ClusterError."""

    def up(self, options: UpOptions) -> None:
        """Start the cluster, or find it running."""

    def down(self) -> None:
        """Remove everything that `up` made."""

    def load_image(self, reference: str) -> None:
        """Make an image available to the cluster after `build-image` built the image."""

    def kubeconfig(self) -> Path:
        """Return the path of a kubeconfig with administrator rights."""

    def status(self) -> bool:
        """Print the state. Return whether the whole cluster runs."""


class Kind:
    """A provider that is not implemented yet. Every method raises ClusterError."""

    def up(self, options: UpOptions) -> None:  # noqa: ARG002
        """Raise ClusterError."""
        raise _unavailable()

    def down(self) -> None:
        """Raise ClusterError."""
        raise _unavailable()

    def load_image(self, reference: str) -> None:  # noqa: ARG002
        """Raise ClusterError."""
        raise _unavailable()

    def kubeconfig(self) -> Path:
        """Raise ClusterError."""
        raise _unavailable()

    def status(self) -> bool:
        """Raise ClusterError."""
        raise _unavailable()


def _unavailable() -> ClusterError:
    return ClusterError(
        "the provider 'kind' is not implemented yet. Use --provider native (Linux, root). "
        "Or make a cluster with kind yourself and use it with --provider existing --context kind-NAME"
    )
