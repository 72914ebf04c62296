"""The base of all models: camelCase in JSON, immutable values, and unknown fields ignored on reading.

The schema at the API server is closed, so the API server rejects unknown fields. A controller may read an object that
was written under a newer schema, so reading ignores unknown fields.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema

from videoimport.api.redaction import ShownText
from videoimport.api.rules.validation import VALIDATIONS, Checked, Rule, check, requires

DEFERRED = ConfigDict(defer_build=True)
"""Configuration that builds a validator at its first use, because every process imports models that it never uses."""


class Model(BaseModel):
    """A frozen value with camelCase aliases. ``wire()`` returns the JSON form without absent optional fields.
    ``crdgen`` reads the descriptions of fields from the source code. The programs do not read the descriptions,
    because this would take longer than all other steps of a model's definition."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="ignore",
        **DEFERRED,
    )

    def wire(self) -> dict[str, Any]:
        """Return this value as the API server stores it: with aliases and JSON types, without None."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    def canonical(self) -> dict[str, Any]:
        """Return this value without fields that have their default value. Hashes are computed from this form. So a
        hash stays the same if a new field has a default that keeps the old behaviour. A hash also stays the same if
        the API server writes defaults into an object."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)


class Ruled(Model):
    """A model with rules over several fields."""

    rules: ClassVar[tuple[Rule, ...]] = ()

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Add the CEL expressions of the rules to the JSON schema."""
        found = handler(schema)
        handler.resolve_ref_schema(found)[VALIDATIONS] = [rule.wire() for rule in cls.rules]
        return found

    @model_validator(mode="after")
    def _keeps_rules(self) -> Self:
        check(self.rules, self)
        return self


def _in_utc(moment: datetime) -> datetime:
    """Return the time in UTC with whole seconds, the precision of metav1.Time. A time without a zone is treated as
    UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return aware.astimezone(UTC).replace(microsecond=0)
    except OverflowError as beyond:
        raise ValueError(f"{moment} has no time in UTC") from beyond


def _write_moment(moment: datetime) -> str:
    """Return a time in UTC as RFC 3339. Statuses have many times, and strftime takes several times as long."""
    return f"{moment.isoformat()[:19]}Z"


Timestamp = Annotated[
    datetime,
    AfterValidator(_in_utc),
    PlainSerializer(_write_moment, return_type=str, when_used="json"),
    Field(json_schema_extra={"type": "string", "format": "date-time"}),
]
"""A time as metav1.Time writes it: RFC 3339, UTC, whole seconds."""

Percent = Annotated[int, Field(ge=0, le=100)]
MOST_COUNTED = 2**53 - 1
"""The largest integer that every JSON reader stores exactly: 9 petabytes, as a number of bytes."""


def _counted(number: int) -> int:
    return min(number, MOST_COUNTED)


Sha256 = Annotated[str, Field(max_length=64), Checked((requires(
    "[0-9a-f]{64}", "it must be a SHA-256 in 64 lowercase hexadecimal digits."
),))]  # fmt: skip
ByteCount = Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"}), AfterValidator(_counted)]
"""A number of bytes. A value above the maximum is reduced to the maximum and not rejected.

A site may claim any length, and sums of such lengths may be even larger. The API server stores at most an int64 and
rejects a whole status with a larger number.
"""
Message = Annotated[ShownText, Field(max_length=1024)]
"""One or two sentences. Secrets and control characters are removed on writing and on reading."""
