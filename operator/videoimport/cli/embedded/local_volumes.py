"""The content of the volumes that a pod would mount: Secrets, ConfigMaps and claims on this machine."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from videoimport.cli.embedded.object_store import ObjectStore
from videoimport.cli.errors import UnusableError
from videoimport.cli.manifests.destinations import HERE
from videoimport.controller.client.errors import NotFound
from videoimport.controller.client.resources import Place, Raw

CA_KEY = "ca.crt"
_MOST_BYTES = 4 * 2**20
"""Maximum size of a file of a Secret or ConfigMap. A cluster accepts 1 MiB for the whole object."""
Data = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class MountReference:
    """A field of a resource that names a Secret, a ConfigMap or a claim."""

    kind: Literal["Secret", "ConfigMap", "PersistentVolumeClaim"]
    field: str
    """Path of the field, such as spec.source.credentialsSecretRef."""
    name: str
    key: str | None = None
    """The key that the ConfigMap must have."""
    is_read: bool = False
    """True if the claim must exist, because a source is read from it."""


@dataclass(frozen=True, slots=True)
class Choices:
    """The folders from the options of the command line."""

    beside: Path
    """Folder of the YAML file. If no option gives the folder of a claim, the claim is a subfolder of this folder."""
    into: Path | None = None
    """Folder of the results, in place of the destination in the YAML file."""
    secrets: Mapping[str, Path] = field(default_factory=dict)
    claims: Mapping[str, Path] = field(default_factory=dict)
    config_maps: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MountSources:
    """The Secrets and ConfigMaps of the documents, and the folders of the command line. A folder takes precedence over
    a document."""

    choices: Choices
    secrets: Mapping[Place, Data] = field(default_factory=dict)
    config_maps: Mapping[Place, Data] = field(default_factory=dict)

    def secret(self, namespace: str, name: str) -> Data:
        """Return the data of a Secret, or no data if there is no such Secret."""
        folder = self.choices.secrets.get(name)
        return read_folder(folder) if folder else self.secrets.get((namespace, name), {})

    def config_map(self, namespace: str, name: str) -> Data:
        """Return the data of a ConfigMap, or no data if there is no such ConfigMap."""
        folder = self.choices.config_maps.get(name)
        return read_folder(folder) if folder else self.config_maps.get((namespace, name), {})

    def claim(self, name: str) -> Path:
        """Return the folder that replaces the volume of a user's claim."""
        if name in self.choices.claims:
            return self.choices.claims[name]
        if name == HERE:
            return self.choices.into or self.choices.beside
        return self.choices.beside / name

    def find_missing(self, resource: Raw) -> Iterator[str]:
        """Yield a sentence for each Secret, ConfigMap or claim that the resource names and this machine lacks."""
        namespace = resource["metadata"].get("namespace", "default")
        for reference in list_references(resource["spec"]):
            if reference.kind == "Secret" and not self._has_secret(namespace, reference.name):
                yield _describe_missing_secret(reference, self.choices)
            elif reference.kind == "ConfigMap" and reference.key not in self.config_map(namespace, reference.name):
                yield _describe_missing_config_map(reference)
            elif reference.is_read and not self.claim(reference.name).is_dir():
                yield _describe_missing_claim(reference, self.claim(reference.name))

    def _has_secret(self, namespace: str, name: str) -> bool:
        return name in self.choices.secrets or (namespace, name) in self.secrets


@dataclass(frozen=True, slots=True)
class LocalVolumes:
    """The content of the volumes that the pods of a session mount."""

    sources: MountSources
    objects: ObjectStore

    def secret(self, namespace: str, name: str) -> Data:
        """Return the data of a Secret."""
        return self.sources.secret(namespace, name)

    def config_map(self, namespace: str, name: str) -> Data:
        """Return the data of a ConfigMap."""
        return self.sources.config_map(namespace, name)

    def claim(self, namespace: str, name: str) -> Path | None:
        """Return the folder that replaces a claim's volume. Return None for a scratch volume of the controller."""
        try:
            self.objects.get("PersistentVolumeClaim", namespace, name)
        except NotFound:
            return self.sources.claim(name)
        return None


def list_references(spec: Raw) -> tuple[MountReference, ...]:
    """Return all references of a spec. A source or destination in a volume needs no Secret, as in a pod."""
    return tuple(dict.fromkeys(_walk(spec, "spec")))


def _walk(value: Any, path: str) -> Iterator[MountReference]:
    if isinstance(value, list):
        for number, child in enumerate(value):
            yield from _walk(child, f"{path}[{number}]")
    if not isinstance(value, dict):
        return
    for name, child in value.items():
        below = f"{path}.{name}"
        if name.lower().endswith("secretref") and "persistentVolumeClaim" not in value:
            yield MountReference("Secret", below, child["name"])
        elif name.endswith("ConfigMapRef"):
            yield MountReference("ConfigMap", below, child["name"], CA_KEY)
        elif name == "configMapKeyRef":
            yield MountReference("ConfigMap", below, child["name"], child["key"])
        elif name == "persistentVolumeClaim":
            yield MountReference("PersistentVolumeClaim", below, child["claimName"], is_read=path.endswith("source"))
        else:
            yield from _walk(child, below)


def _describe_missing_secret(reference: MountReference, choices: Choices) -> str:
    known = f" (given: {', '.join(choices.secrets)})" if choices.secrets else ""
    elsewhere = ", or --into DIR to keep the results on this machine" if "destination" in reference.field else ""
    return (
        f"{reference.field} names the Secret {reference.name}, which only a cluster has; give --secret "
        f"{reference.name}=DIR, a folder with a file for each of its keys{known}, or put the Secret into the manifest"
        f"{elsewhere}."
    )


def _describe_missing_config_map(reference: MountReference) -> str:
    return (
        f"{reference.field} names the ConfigMap {reference.name}, which only a cluster has; give --config-map "
        f"{reference.name}=DIR, a folder with a file {reference.key}, or put the ConfigMap into the manifest."
    )


def _describe_missing_claim(reference: MountReference, folder: Path) -> str:
    return (
        f"{reference.field} names the claim {reference.name}, which only a cluster has; give --claim "
        f"{reference.name}=DIR, the folder that replaces the volume (there is no {folder})."
    )


def read_folder(folder: Path) -> Data:
    """Return the content of each file of a folder, by name. Raises UnusableError if a file cannot be read."""
    found: dict[str, bytes] = {}
    for path in sorted(folder.iterdir()):
        if path.is_file():
            try:
                with path.open("rb") as file:
                    content = file.read(_MOST_BYTES + 1)
            except OSError as error:
                raise UnusableError(f"{path} cannot be read: {error.strerror}; let this user read it.") from None
            if len(content) > _MOST_BYTES:
                raise UnusableError(f"{path} is larger than {_MOST_BYTES} bytes; give a file of a Secret or ConfigMap.")
            found[path.name] = content
    return found
