"""Build images without a daemon, with buildah in a separate storage, and load the images into a cluster."""

import contextlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cluster import baseimage, buildsecrets, packages
from cluster.commands import output, run
from cluster.dockerfiles import base_images
from cluster.errors import ClusterError
from cluster.locks import alone
from cluster.node import Node
from cluster.steps import Step, run_steps

PULL_SECONDS = 120


@dataclass(frozen=True)
class Build:
    """The description of an image build."""

    tag: str
    file: Path
    build_args: tuple[str, ...]
    context: Path

    @property
    def arguments(self) -> Mapping[str, str]:
        """The build arguments by name."""
        return dict(argument.partition("=")[::2] for argument in self.build_args)


@dataclass(frozen=True)
class Builder:
    """Runs buildah with a separate storage, so that it neither finds nor changes other images."""

    cache: Path

    @property
    def folder(self) -> Path:
        """The folder of storage, logs and intermediate files."""
        return self.cache / "builder"

    def buildah(self, *words: str | os.PathLike[str]) -> list[str | os.PathLike[str]]:
        """Return a command line of buildah."""
        storage = ("--root", self.folder / "storage", "--runroot", Path("/run/videoimport/.builder"))
        return ["buildah", *storage, "--storage-driver=overlay", *words]

    def image_id(self, reference: str) -> str | None:
        """Return the digest of an image's configuration, which the cluster also uses. Return None if the image was not
        built."""
        with contextlib.suppress(ClusterError):
            return output(self.buildah("images", "--no-trunc", "--quiet", reference)).split()[0]
        return None


def build(what: Build, builder: Builder) -> None:
    """Build an image and show all steps. This needs root, because the layers are mounted."""
    if os.geteuid() != 0:
        raise ClusterError("building images needs root")
    if not what.file.is_file() or not what.context.is_dir():
        raise ClusterError(f"{what.file} is not a Dockerfile, or {what.context} is not a folder")
    log = builder.folder / "logs" / f"{what.tag.replace('/', '-').replace(':', '-')}.log"
    bases = base_images(what.file.read_text(), what.arguments)
    run_steps(
        [
            Step("Debian packages", log, partial(packages.install, packages.BUILDER)),
            *(Step(f"base image {base}", log, partial(ensure_base, builder, base)) for base in bases),
            Step(f"build {what.tag}", log, partial(_build, builder, what)),
        ]
    )


def ensure_base(builder: Builder, reference: str, log: Path) -> str:
    """Make sure that a base image exists: in the storage, from the registry, or for Debian from debootstrap."""
    with alone(builder.folder / ".base.lock"):
        return "there already" if builder.image_id(reference) else _fetch_base(builder, reference, log)


def _fetch_base(builder: Builder, reference: str, log: Path) -> str:
    try:
        run(["timeout", str(PULL_SECONDS), *builder.buildah("pull", "--quiet", reference)], log=log)
    except ClusterError:
        if reference not in baseimage.NAMES:
            raise ClusterError(f"{reference} could not be pulled; without a registry only Debian can be made") from None
        _bootstrap(builder, log)
        return "no registry answers: made by debootstrap"
    return "pulled"


def load(node: Node, reference: str, log: Path) -> str | None:
    """Copy an image from the builder's storage into the cluster, unless the cluster has the same content."""
    builder = Builder(node.folders.cache)
    image = builder.image_id(reference)
    if image is None:
        raise ClusterError(f"{reference} was not built yet: use build-image")
    if known_as(reference) in node.images_with(image):
        return "there already"
    with tempfile.TemporaryDirectory(dir=builder.folder, prefix="load-") as scratch:
        archive = Path(scratch) / "image.tar"
        run(builder.buildah("push", "--quiet", reference, f"docker-archive:{archive}:{reference}"), log=log)
        run(node.ctr("images", "import", str(archive)), log=log)
    return None


def known_as(reference: str) -> str:
    """Return the full name of an image, as a kubelet completes a short name."""
    first, slash, _ = reference.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return reference
    return f"docker.io/{reference}" if slash else f"docker.io/library/{reference}"


def _build(builder: Builder, what: Build, log: Path) -> str | None:
    before = builder.image_id(what.tag)
    arguments = [f"--build-arg={argument}" for argument in what.build_args]
    # docker's format, so that the image keeps its identity when it is copied to the cluster as a docker archive.
    options = ("--format=docker", "--layers", "--isolation=chroot", "--network=host", f"--tag={what.tag}")
    with buildsecrets.secrets() as secrets:
        run(builder.buildah("bud", *options, *secrets, *arguments, f"--file={what.file}", what.context), log=log)
    return "nothing changed" if builder.image_id(what.tag) == before else None


def _bootstrap(builder: Builder, log: Path) -> None:
    """Make a base image from a root file system that debootstrap made."""
    with tempfile.TemporaryDirectory(dir=builder.folder, prefix="base-") as scratch:
        baseimage.make(Path(scratch) / "tree", log)
        file = Path(scratch) / "Dockerfile"
        file.write_text('FROM scratch\nCOPY tree/ /\nCMD ["bash"]\n')
        options = ("--format=docker", "--isolation=chroot", f"--tag={baseimage.REFERENCE}", f"--file={file}")
        run(builder.buildah("bud", *options, scratch), log=log)
