"""Kubernetes quantities of bytes, such as ``50Gi``, as they stand in a manifest."""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

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
PATTERN = r"^[0-9]+(\.[0-9]+)?([kMGTP]|[KMGTP]i)?$"


def bytes_of(quantity: str) -> int:
    """The number of bytes a quantity names, rounded up.

    Raises ValueError for anything but digits, an optional fraction and a decimal or binary suffix up to peta.
    """
    found = _SHAPE.match(quantity)
    if found is None:
        raise ValueError(
            f"{quantity!r} is no quantity of bytes: write a number with k, M, G, T, P or Ki, Mi, Gi, Ti, Pi"
        )
    exact = Decimal(found["number"]) * _FACTORS[found["suffix"]]
    return int(exact.to_integral_value(rounding="ROUND_CEILING"))


def _checked(quantity: str) -> str:
    bytes_of(quantity)
    return quantity


ByteQuantity = Annotated[
    str,
    BeforeValidator(lambda value: str(value) if isinstance(value, int) else value),
    AfterValidator(_checked),
    WithJsonSchema(
        {
            "x-kubernetes-int-or-string": True,
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "pattern": PATTERN,
            "maxLength": 32,
        }
    ),
]
"""A quantity of bytes as a manifest writes it; ``bytes_of`` gives the number."""
