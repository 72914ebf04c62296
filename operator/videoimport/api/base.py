"""What every model shares: camelCase on the wire, immutable in memory, unknown fields ignored on reading.

The API server refuses unknown fields, because the schema is closed there. A controller may meet an object written under
a newer schema, so reading ignores unknown fields.
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
"""Every process imports models that it never uses: a validator is built at its first use."""


class Model(BaseModel):
    """A frozen value with camelCase aliases. ``wire()`` is its JSON form, without absent optional fields.

    ``crdgen`` reads the descriptions of fields from the source: reading them takes longer than all else of a model.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="ignore",
        **DEFERRED,
    )

    def wire(self) -> dict[str, Any]:
        """This value as the API server stores it: aliases, JSON types, None left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    def canonical(self) -> dict[str, Any]:
        """This value without fields that have their default; hashes are made from it. A field that is added later, with
        a default that changes nothing, leaves hashes unchanged. So does an API server that writes defaults down."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)


class Ruled(Model):
    """A model whose fields must fit together."""

    rules: ClassVar[tuple[Rule, ...]] = ()

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Add the rules' CEL."""
        found = handler(schema)
        handler.resolve_ref_schema(found)[VALIDATIONS] = [rule.wire() for rule in cls.rules]
        return found

    @model_validator(mode="after")
    def _keeps_rules(self) -> Self:
        check(self.rules, self)
        return self


def _in_utc(moment: datetime) -> datetime:
    """Whole seconds in UTC: the precision of metav1.Time. A moment without a zone is taken as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return aware.astimezone(UTC).replace(microsecond=0)
    except OverflowError as beyond:
        raise ValueError(f"{moment} has no time in UTC") from beyond


Timestamp = Annotated[
    datetime,
    AfterValidator(_in_utc),
    PlainSerializer(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ"), return_type=str, when_used="json"),
    Field(json_schema_extra={"type": "string", "format": "date-time"}),
]
"""A moment as metav1.Time writes it: RFC 3339, UTC, whole seconds."""

Percent = Annotated[int, Field(ge=0, le=100)]
MOST_COUNTED = 2**53 - 1
"""The largest integer that every reader of JSON holds exactly; as bytes, nine petabytes."""


def _counted(number: int) -> int:
    return min(number, MOST_COUNTED)


Sha256 = Annotated[str, Field(max_length=64), Checked((requires(
    "[0-9a-f]{64}", "it must be a SHA-256 in 64 lowercase hexadecimal digits."
),))]  # fmt: skip
ByteCount = Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"}), AfterValidator(_counted)]
"""A count that stops at its maximum instead of being refused. A site may claim any length, and so may sums of such
claims. The API server stores at most an int64, and refuses a whole status with a larger number."""
Message = Annotated[ShownText, Field(max_length=1024)]
"""One or two sentences. Secrets and control characters are removed when it is written and when it is read."""
