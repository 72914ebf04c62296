"""Results in a local folder. Addresses in a volume become paths and file URLs, so that users can open the files."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from videoimport.api.videoimport_status import OutputFile, Outputs, ThumbnailSet, VideoImportStatus

_VOLUME = "pvc://"


@dataclass(frozen=True, slots=True)
class Home:
    """The folders that replace the volumes of destinations."""

    find_folder: Callable[[str], Path]
    """Returns the folder of a claim."""

    def path(self, uri: str) -> Path | None:
        """Return the file of an address, or None if the address is not in a volume."""
        if not uri.startswith(_VOLUME):
            return None
        claim, _, path = uri.removeprefix(_VOLUME).partition("/")
        return self.find_folder(claim) / path


def openable(status: VideoImportStatus, home: Home) -> VideoImportStatus:
    """Return the status with a file URL for each output that has no other URL."""
    outputs = status.outputs
    if outputs is None:
        return status
    changes = {field: _served(getattr(outputs, field), home) for field in Outputs.model_fields}
    return status.model_copy(update={"outputs": outputs.model_copy(update=changes)})


def _served(value: object, home: Home) -> object:
    if isinstance(value, tuple):
        return tuple(_served(entry, home) for entry in value)
    if not isinstance(value, OutputFile | ThumbnailSet) or value.url:
        return value
    path = home.path(value.uri)
    return value.model_copy(update={"url": path.as_uri()}) if path else value


def written(outputs: Outputs) -> Iterator[tuple[str, OutputFile | ThumbnailSet]]:
    """Yield the written files, each with its displayed name. The video comes first."""
    for field in ("video", *(name for name in Outputs.model_fields if name != "video")):
        value = getattr(outputs, field)
        if isinstance(value, OutputFile | ThumbnailSet):
            yield field, value
        elif isinstance(value, tuple):
            yield from ((f"{field.removesuffix('s')} {entry.name}", entry) for entry in value)
