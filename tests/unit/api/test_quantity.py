"""Quantities of bytes."""

import pytest

from videoimport.api.quantity import bytes_of


@pytest.mark.parametrize(
    ("quantity", "number"),
    [("0", 0), ("5", 5), ("1k", 1000), ("1Ki", 1024), ("50Gi", 50 * 2**30), ("1.5Mi", 1572864), ("0.3", 1)],
)
def test_a_quantity_names_a_number_of_bytes(quantity: str, number: int) -> None:
    assert bytes_of(quantity) == number


@pytest.mark.parametrize("quantity", ["", "Gi", "5 Gi", "-5", "1e3", "12Q", "5gi", "٣Gi"])
def test_anything_else_is_refused_by_name(quantity: str) -> None:
    with pytest.raises(ValueError, match="not a quantity of bytes"):
        bytes_of(quantity)
