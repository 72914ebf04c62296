"""Local paths of the files that a pod would mount: Secrets, volumes and certificates."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from videoimport.api.destination import Destination, VolumeDestination
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_source import VideoSource
from videoimport.cli.errors import UnusableError
from videoimport.cli.manifests.destinations import HERE

CA_KEY = "ca.crt"
_ELSEWHERE = {"spec.destination": ", or --into DIR to keep the results on this machine"}


@dataclass(frozen=True, slots=True)
class Choices:
    """The checked values of the command line."""

    beside: Path
    """Folder of the YAML file."""
    into: Path | None = None
    secrets: Mapping[str, Path] = field(default_factory=dict)
    claims: Mapping[str, Path] = field(default_factory=dict)
    config_maps: Mapping[str, Path] = field(default_factory=dict)
    networks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Places:
    """Folders of one import. A field is None if the import does not name such a folder."""

    source_secret: Path | None = None
    destination_secret: Path | None = None
    source_volume: Path | None = None
    destination_volume: Path | None = None
    ca_bundle: Path | None = None


def folders(option: str, pairs: Sequence[str]) -> dict[str, Path]:
    """Parse NAME=DIR options, where each name occurs once. Raises UnusableError."""
    found: dict[str, Path] = {}
    for pair in pairs:
        name, is_pair, folder = pair.partition("=")
        if not (is_pair and name and folder):
            raise UnusableError(
                f"{option} {pair}: write NAME=DIR, such as {option} {name or 'name'}=./{name or 'dir'}."
            )
        if name in found:
            raise UnusableError(f"{option} {name} is given twice; give it once.")
        path = Path(folder).expanduser()
        if not path.is_dir():
            raise UnusableError(f"{option} {pair}: there is no folder {folder}; make it, or correct its path.")
        found[name] = path.resolve()
    return found


def networks(given: Sequence[str]) -> tuple[str, ...]:
    """Check the CIDRs and return them. Raises UnusableError."""
    for network in given:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            raise UnusableError(f"--allow-network {network} is no network; write one such as 10.0.0.0/8.") from None
    return tuple(given)


def redirected(video: VideoImport, into: Path | None) -> VideoImport:
    """Return the import as it runs on this machine. With ``into``, the results go to a folder with the layout of the
    bucket."""
    wish = video.spec.destination
    if into is None or wish.s3 is None:
        return video
    volume = VolumeDestination(claim_name=HERE, path=wish.s3.prefix)
    changes = {"s3": None, "persistent_volume_claim": volume, "credentials_secret_ref": None}
    spec = video.spec.model_copy(update={"destination": wish.model_copy(update=changes)})
    return video.model_copy(update={"spec": spec})


def places(video: VideoImport, choices: Choices, *, homeless: bool) -> Places:
    """Return the folders of everything that the import names. ``homeless`` is true if the YAML file has no destination.

    Raises UnusableError with everything that is missing.
    """
    finder = _Finder(choices)
    found = Places(
        source_secret=finder.secret("spec.source", _secret_of(video.spec.source)),
        destination_secret=finder.secret("spec.destination", _secret_of(video.spec.destination)),
        source_volume=finder.source(_source_claim(video)),
        destination_volume=_home(video.spec.destination, choices, homeless=homeless),
        ca_bundle=finder.certificates(_name(video.spec.worker.ca_bundle_config_map_ref)),
    )
    if finder.missing:
        raise UnusableError(*finder.missing)
    return found


class _Finder:
    """Finds the named files and folders, and records the missing files and folders."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        self.missing: list[str] = []

    def secret(self, where: str, name: str | None) -> Path | None:
        if name and name not in self._choices.secrets:
            self.missing.append(
                f"{where}.credentialsSecretRef names the Secret {name}, which only a cluster has; give "
                f"--secret {name}=DIR, a folder with a file for each of its keys{_given(self._choices.secrets)}"
                f"{_ELSEWHERE.get(where, '')}."
            )
        return self._choices.secrets.get(name) if name else None

    def source(self, claim: str | None) -> Path | None:
        if claim is None:
            return None
        folder = self._choices.claims.get(claim, self._choices.beside / claim)
        if not folder.is_dir():
            self.missing.append(
                f"spec.source.persistentVolumeClaim names the claim {claim}, which only a cluster has; give "
                f"--claim {claim}=DIR, the folder that replaces the volume (there is no {folder})."
            )
        return folder

    def certificates(self, name: str | None) -> Path | None:
        if name is None:
            return None
        folder = self._choices.config_maps.get(name)
        if folder is None or not (folder / CA_KEY).is_file():
            self.missing.append(
                f"spec.worker.caBundleConfigMapRef names the ConfigMap {name}, which only a cluster has; give "
                f"--config-map {name}=DIR, a folder with a file {CA_KEY}."
            )
            return None
        return folder / CA_KEY


def _home(destination: Destination, choices: Choices, *, homeless: bool) -> Path | None:
    volume = destination.persistent_volume_claim
    if volume is None:
        return None
    if choices.into is not None:
        return choices.into
    return choices.beside if homeless else choices.claims.get(volume.claim_name, choices.beside / volume.claim_name)


def _source_claim(video: VideoImport) -> str | None:
    volume = video.spec.source.persistent_volume_claim
    return volume.claim_name if volume else None


def _secret_of(place: VideoSource | Destination) -> str | None:
    """Return the name of the Secret. A Secret is ignored if the place has a volume, as in a pod."""
    return _name(place.credentials_secret_ref) if place.persistent_volume_claim is None else None


def _name(reference: object) -> str | None:
    name = getattr(reference, "name", None)
    return name if isinstance(name, str) else None


def _given(known: Mapping[str, Path]) -> str:
    return f" (given: {', '.join(known)})" if known else ""
