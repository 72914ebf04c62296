"""Counts in a status."""

import pytest
from pydantic import ValidationError

from videoimport.api.videoimport_status import Stage, StageName
from videoimport.crdgen.structural_schema import structural


@pytest.mark.parametrize(
    ("claimed", "shown"), [(0, 0), (5, 5), (2**53 - 1, 2**53 - 1), (2**63, 2**53 - 1), (10**30, 2**53 - 1)]
)
def test_a_count_stops_at_what_can_be_stored(claimed: int, shown: int) -> None:
    assert Stage(name=StageName.DOWNLOAD, state="Running", bytes_total=claimed).wire()["bytesTotal"] == shown


def test_a_count_is_an_unsigned_number_on_the_wire() -> None:
    schema = structural(Stage)["properties"]["bytesTotal"]
    assert {key: schema[key] for key in ("type", "format", "minimum")} == {
        "type": "integer", "format": "int64", "minimum": 0,
    }  # fmt: skip
    with pytest.raises(ValidationError, match=r"bytes_total|bytesTotal"):
        Stage(name=StageName.DOWNLOAD, state="Running", bytes_total=-1)
