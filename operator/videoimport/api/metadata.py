"""Metadata that users give for a video: strings, numbers and booleans under chosen names."""

from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

MOST_KEYS = 50
MOST_KEY_LETTERS, MOST_LETTERS = 64, 256
PREDEFINED = (
    "duration", "durationMs", "width", "height", "resolution", "size", "sizeBytes", "format", "filename", "sha256",
    "videoCodec", "audioCodec", "framesPerSecond", "bitrate",
)  # fmt: skip
"""Names that the importer sets for every video. Users cannot override these names."""

_SCALAR = {"x-kubernetes-preserve-unknown-fields": True, "maxLength": MOST_LETTERS}
"""Schema of any value.

The ValidatingAdmissionPolicy of crdgen.admission_policy rejects objects, lists and null. CEL in the schema cannot read
untyped values. Limits that reject these values, such as maxProperties: 0, would give messages that users cannot
understand.
"""
Scalar = Annotated[bool | int | float | Annotated[str, Field(max_length=MOST_LETTERS)], WithJsonSchema(_SCALAR)]


def _own_names(metadata: dict[str, Scalar]) -> dict[str, Scalar]:
    if taken := sorted(set(metadata) & set(PREDEFINED)):
        raise ValueError(f"{', '.join(taken)} is set by the importer for every video; choose another name.")
    return metadata


Metadata = Annotated[
    dict[Annotated[str, Field(min_length=1, max_length=MOST_KEY_LETTERS)], Scalar],
    Field(max_length=MOST_KEYS),
    AfterValidator(_own_names),
]
