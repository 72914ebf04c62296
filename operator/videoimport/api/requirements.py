"""What a source must be to be accepted; checked as early as the data allows."""

from typing import Annotated, Literal

from pydantic import Field

from videoimport.api.base import Ruled
from videoimport.api.container_formats import CONTAINERS, ContainerFormat
from videoimport.api.quantity import SomeBytes
from videoimport.api.rules.validation import Rule

DEFAULT_FORMATS: tuple[ContainerFormat, ...] = ("mp4", "mkv", "mov", "webm")
"""The usual containers of cameras, editors and the web; ``formats`` may name the others of ``CONTAINERS``."""

_HEIGHTS = Rule(
    "!has(self.minHeight) || !has(self.maxHeight) || self.minHeight <= self.maxHeight",
    "minHeight is %d and maxHeight is %d, so that no source is accepted; lower minHeight or raise maxHeight.",
    lambda wanted: wanted.min_height <= wanted.max_height,
    fields=("min_height", "max_height"),
)


class Requirements(Ruled):
    """Bounds for the source. Written as ``{}`` they mean the defaults below; absent, nothing is required."""

    rules = (_HEIGHTS,)

    min_height: Annotated[int, Field(ge=1, le=8192)] = 360
    """Least height in pixels. Height is the displayed short side, so portrait phones pass."""
    max_height: Annotated[int, Field(ge=1, le=8192)] = 1080
    """Greatest height in pixels, measured like minHeight."""
    max_duration_seconds: Annotated[int, Field(ge=1, le=604800)] = 21600
    """Longest duration."""
    formats: Annotated[
        tuple[ContainerFormat, ...],
        Field(min_length=1, max_length=len(CONTAINERS), json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = DEFAULT_FORMATS
    """Accepted containers, by the file's content and not by its name. mov is brand "qt  ", webm is EBML DocType webm,
    and asf is WMV too. mpeg is a program stream; HLS and DASH count as mp4."""
    max_size: SomeBytes | None = None
    """Greatest size of the source as fetched, such as 50Gi."""
    damage: Literal["Refuse", "Tolerate"] = "Refuse"
    """Tolerate imports the readable part of a damaged source and reports what was lost; it is meant for archives."""
