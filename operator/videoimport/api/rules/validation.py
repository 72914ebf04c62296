"""Validation rules, each written once: CEL for the API server, a predicate for Python, and one message for both.

``Checked`` attaches a rule to the type of a field, and ``base.Ruled`` attaches a rule to a model. Both check the
predicate when a model is built. Both also add the CEL expression to the JSON schema. ``crdgen`` creates the
CustomResourceDefinitions from this schema.

A regular expression must mean the same in Python (with ``re.ASCII``) and in RE2. So lookaround and backreferences are
not allowed.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, core_schema

VALIDATIONS = "x-kubernetes-validations"
_NUMBER = re.compile(r"%d")


@dataclass(frozen=True, slots=True)
class Rule:
    """One condition for a value."""

    cel: str
    """The condition for the API server, over ``self``.

    When the CustomResourceDefinition is created, the API server checks an object before the fields have their defaults.
    So every optional field needs ``has``.
    """
    message: str
    """A sentence with the error and the solution. ``%s`` and ``%d`` are replaced by the values of ``fields``."""
    holds: Callable[[Any], bool]
    """The same condition in Python, over the parsed value."""
    fields: tuple[str, ...] = ()
    """Names of the object's fields, as in the model, whose values the message shows. A field with a secret is never
    listed."""
    field_path: str = ""
    """The field of an object that the user must correct, such as ``.crf``."""

    def wire(self) -> dict[str, str]:
        """Return the rule in the form of an entry in ``x-kubernetes-validations``."""
        shown = {"rule": self.cel, "message": self._plain(), "messageExpression": self._expression()}
        wanted = shown if self.fields else {name: shown[name] for name in ("rule", "message")}
        return wanted | ({"fieldPath": self.field_path} if self.field_path else {})

    def said(self, value: Any) -> str:
        """Return the error message of the rule for this value."""
        if not self.fields:
            return self.message
        return self.message % tuple(getattr(value, name) for name in self.fields)

    def _plain(self) -> str:
        """Return the message for an API server that cannot evaluate the expression."""
        if not self.fields:
            return self.message
        return _NUMBER.sub("%s", self.message) % tuple(to_camel(name) for name in self.fields)

    def _expression(self) -> str:
        values = ", ".join(f"self.{to_camel(name)}" for name in self.fields)
        return f"{quoted(self.message)}.format([{values}])"


class BrokenRuleError(ValueError):
    """A value breaks rules. ``broken`` has the field path and the message of each broken rule."""

    def __init__(self, broken: tuple[tuple[str, str], ...]) -> None:
        super().__init__(" ".join(message for _, message in broken))
        self.broken = broken


def check(rules: tuple[Rule, ...], value: Any) -> None:
    """Raise BrokenRuleError if ``value`` breaks one of the rules."""
    broken = [rule for rule in rules if not rule.holds(value)]
    if broken:
        raise BrokenRuleError(tuple((rule.field_path, rule.said(value)) for rule in broken))


@dataclass(frozen=True, slots=True)
class Checked:
    """Marks a type whose values must follow ``rules``: ``Annotated[str, Checked((RULE,))]``."""

    rules: tuple[Rule, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema that checks the rules after the type of a value."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Add the CEL expressions of the rules to the JSON schema."""
        found = handler(schema)
        found[VALIDATIONS] = [*found.get(VALIDATIONS, ()), *(rule.wire() for rule in self.rules)]
        return found

    def _checked(self, value: Any) -> Any:
        check(self.rules, value)
        return value


def requires(pattern: str, message: str, part: str = "") -> Rule:
    """Return the rule that the whole text matches ``pattern``. If the second pattern ``part`` is given, the rule is
    different. Then the first match of ``part`` must contain a match of ``pattern``."""
    whole = f"^(?:{pattern})$" if not part else pattern
    search, within = compiled(whole).search, _within(part)
    holds = (lambda text: bool(search(within(text)))) if part else (lambda text: bool(search(text)))
    return Rule(f"{_self(part)}.matches({quoted(whole)})", message, holds)


def forbids(pattern: str, message: str, part: str = "") -> Rule:
    """Return the rule that a text contains no match of ``pattern``. With ``part``, the rule searches only the first
    match of ``part``."""
    search, within = compiled(pattern).search, _within(part)
    holds = (lambda text: not search(within(text))) if part else (lambda text: not search(text))
    return Rule(f"!{_self(part)}.matches({quoted(pattern)})", message, holds)


def needs_one(*fields: str) -> Rule:
    """Return the rule that exactly one of these fields is set. ``fields`` are names in the model."""
    given = ", ".join(f"has(self.{to_camel(field)})" for field in fields)
    return Rule(
        f"[{given}].filter(given, given).size() == 1",
        f"give exactly one of {', '.join(map(to_camel, fields))}.",
        lambda value: sum(getattr(value, field) is not None for field in fields) == 1,
    )


def compiled(pattern: str) -> re.Pattern[str]:
    """Return ``pattern`` compiled with the same meaning as in RE2: ``$`` matches only at the end of the text.
    ``pattern`` must not contain a literal ``$``."""
    return re.compile(pattern.replace("$", r"\Z"), re.ASCII)


def quoted(text: str) -> str:
    """Return ``text`` as a CEL literal of printable ASCII."""
    return "'" + "".join(map(_escaped, text)) + "'"


def _escaped(letter: str) -> str:
    if letter in "'\\":
        return "\\" + letter
    if letter.isascii() and letter.isprintable():
        return letter
    return f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}"


def _self(part: str) -> str:
    return f"self.find({quoted(part)})" if part else "self"


def _within(part: str) -> Callable[[str], str]:
    """Return a function that returns the first match of ``part`` in a text, or an empty text."""
    search = re.compile(part).search
    return lambda text: found[0] if (found := search(text)) else ""
