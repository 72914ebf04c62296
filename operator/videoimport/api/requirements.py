"""Requirements for a source. Each requirement is checked as soon as the necessary data is available."""

from typing import Annotated, Literal

from pydantic import Field

from videoimport.api.base import Ruled
from videoimport.api.container_formats import CONTAINERS, ContainerFormat
from videoimport.api.quantity import SomeBytes
from videoimport.api.rules.validation import Rule

DEFAULT_FORMATS: tuple[ContainerFormat, ...] = ("mp4", "mkv", "mov", "webm")
"""The usual container formats of cameras, editors and the web. ``formats`` may name the other formats of
``CONTAINERS``."""

_HEIGHTS = Rule(
    "!has(self.minHeight) || !has(self.maxHeight) || self.minHeight <= self.maxHeight",
    "minHeight is %d and maxHeight is %d, so that no source is accepted; lower minHeight or raise maxHeight.",
    lambda wanted: wanted.min_height <= wanted.max_height,
    fields=("min_height", "max_height"),
)


class Requirements(Ruled):
    """Requirements for the source. An empty object {} means the default requirements. If the field is absent, there
    are no requirements."""

    rules = (_HEIGHTS,)

    min_height: Annotated[int, Field(ge=1, le=8192)] = 360
    """Minimum height in pixels. The height is the short side as displayed, so portrait videos of phones pass."""
    max_height: Annotated[int, Field(ge=1, le=8192)] = 1080
    """Maximum height in pixels, measured like minHeight."""
    max_duration_seconds: Annotated[int, Field(ge=1, le=604800)] = 21600
    """Maximum duration in seconds."""
    formats: Annotated[
        tuple[ContainerFormat, ...],
        Field(min_length=1, max_length=len(CONTAINERS), json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = DEFAULT_FORMATS
    """Accepted container formats, by the content of the file and not by its name. mov is a file with the brand qt and
    two spaces. webm has the EBML DocType webm. asf includes WMV. mpeg is a program stream. HLS and DASH are treated as
    mp4."""
    max_size: SomeBytes | None = None
    """Maximum size of the fetched source, such as 50Gi."""
    damage: Literal["Refuse", "Tolerate"] = "Refuse"
    """Refuse rejects a damaged source. Tolerate imports the readable part of a damaged source and reports the lost
    parts. Tolerate is meant for archives."""
