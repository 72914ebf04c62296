"""What a user wants to be kept with a video: strings, numbers and booleans under names of their own."""

from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

MOST_KEYS = 50
PREDEFINED = (
    "duration", "durationMs", "width", "height", "resolution", "size", "sizeBytes", "format", "filename", "sha256",
    "videoCodec", "audioCodec", "framesPerSecond", "bitrate",
)  # fmt: skip
"""Told by us of every video; they cannot be overridden."""

_SCALAR = {
    # The only way to say "a scalar" that is structural: an object would need a property, a list an item.
    "x-kubernetes-preserve-unknown-fields": True, "maxProperties": 0, "maxItems": 0, "maxLength": 256,
}  # fmt: skip
Scalar = Annotated[bool | int | float | Annotated[str, Field(max_length=256)], WithJsonSchema(_SCALAR)]


def _own_names(metadata: dict[str, Scalar]) -> dict[str, Scalar]:
    if taken := sorted(set(metadata) & set(PREDEFINED)):
        raise ValueError(f"{', '.join(taken)} is told of every video and cannot be set; choose another name")
    return metadata


Metadata = Annotated[
    dict[Annotated[str, Field(min_length=1, max_length=64)], Scalar],
    Field(max_length=MOST_KEYS, json_schema_extra={"not": {"anyOf": [{"required": [name]} for name in PREDEFINED]}}),
    AfterValidator(_own_names),
]
