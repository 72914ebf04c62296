"""The base of all models: camelCase in JSON, immutable values, and unknown fields ignored on reading.

The schema at the API server is closed, so the API server rejects unknown fields. A controller may read an object that
was written under a newer schema, so reading ignores unknown fields.
"""

from typing import Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema

from videoimport.api.rules.validation import VALIDATIONS, Rule, check

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
