"""What a source must be to be accepted; checked as early as the data allows."""

from typing import Annotated, Literal

from pydantic import Field

from videoimport.api.base import Model
from videoimport.api.quantity import ByteQuantity

ContainerFormat = Literal["mp4", "mkv", "mov", "webm"]
ALL_FORMATS: tuple[ContainerFormat, ...] = ("mp4", "mkv", "mov", "webm")


class Requirements(Model):
    """Bounds for the source. Written as ``{}`` they mean the defaults below; absent, nothing is required."""

    min_height: Annotated[int, Field(ge=1, le=8192)] = 360
    """Least height in pixels. Height is the displayed short side, so portrait phones pass."""
    max_height: Annotated[int, Field(ge=1, le=8192)] = 1080
    """Greatest height in pixels, measured like minHeight."""
    max_duration_seconds: Annotated[int, Field(ge=1, le=604800)] = 21600
    """Longest duration."""
    formats: Annotated[
        tuple[ContainerFormat, ...],
        Field(min_length=1, max_length=8, json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = ALL_FORMATS
    """Accepted containers, by what the file is and not by its name: mov is brand "qt  ", webm is EBML DocType webm."""
    max_size: ByteQuantity | None = None
    """Greatest size of the source as fetched, such as 50Gi."""
    damage: Literal["Refuse", "Tolerate"] = "Refuse"
    """Tolerate imports what is there of a damaged source and says what was lost; it is meant for archives."""
