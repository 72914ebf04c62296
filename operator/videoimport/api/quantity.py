"""Kubernetes quantities of bytes, such as ``50Gi``, as in a YAML file."""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from videoimport.api.rules.validation import Checked, Rule, compiled, quoted

_SHAPE = re.compile(r"^(?P<number>[0-9]+(\.[0-9]+)?)(?P<suffix>|[kMGTP]|[KMGTP]i)$")
_FACTORS = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "P": 10**15,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
    "Pi": 2**50,
}
_BYTES = r"^[0-9]+(\.[0-9]+)?([kMGTP]|[KMGTP]i)?$"
_AMOUNT = r"^[0-9]+(\.[0-9]+)?(m|[kMGTP]|[KMGTP]i)?$"
_NOTHING = r"^[0.]+([kMGTP]|[KMGTP]i)?$"


def bytes_of(quantity: str) -> int:
    """Return the number of bytes of a quantity, rounded up.

    A quantity has digits, an optional fraction and an optional decimal or binary suffix up to peta. Raises ValueError
    for any other text.
    """
    return int(_exact(quantity).to_integral_value(rounding="ROUND_CEILING"))


def _exact(quantity: str) -> Decimal:
    found = _SHAPE.match(quantity)
    if found is None:
        raise ValueError(
            f"{quantity!r} is not a quantity of bytes: write a number with k, M, G, T, P or Ki, Mi, Gi, Ti, Pi"
        )
    return Decimal(found["number"]) * _FACTORS[found["suffix"]]


def amount_of(quantity: str) -> Decimal:
    """Return a quantity of any resource as a number for comparisons. Raises ValueError for an invalid quantity."""
    return Decimal(quantity[:-1]) / 1000 if quantity.endswith("m") else _exact(quantity)


def _requires(pattern: str, message: str) -> Rule:
    """Return the rule for a quantity. In YAML a quantity may be an integer."""
    found = compiled(pattern)
    return Rule(f"string(self).matches({quoted(pattern)})", message, lambda text: bool(found.search(text)))


_IS_BYTES = _requires(
    _BYTES, "it is not a quantity of bytes; write a number with k, M, G, T, P or Ki, Mi, Gi, Ti, Pi, such as 50Gi."
)
_IS_AMOUNT = _requires(
    _AMOUNT, "it is not a quantity; write a number, with m, k, M, G, T, P or Ki, Mi, Gi, Ti, Pi, such as 500m or 2Gi."
)
_IS_SOMETHING = Rule(
    f"!string(self).matches({quoted(_NOTHING)})",
    "it must be more than 0; write a size such as 50Gi, or leave it out.",
    lambda text: not compiled(_NOTHING).search(text),
)
_SHAPED = WithJsonSchema({"x-kubernetes-int-or-string": True, "maxLength": 32})
_FROM_INTEGER = BeforeValidator(lambda value: str(value) if isinstance(value, int) else value)
SomeBytes = Annotated[str, _FROM_INTEGER, _SHAPED, Checked((_IS_BYTES, _IS_SOMETHING))]
"""A quantity of more than 0 bytes. ``bytes_of`` returns the number."""
Amount = Annotated[str, _FROM_INTEGER, _SHAPED, Checked((_IS_AMOUNT,))]
"""A quantity of any resource."""
