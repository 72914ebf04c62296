"""Outputs that are refused."""

import pytest
from pydantic import ValidationError

from videoimport.api.output_options import VideoOutput


def test_a_lossless_wish_is_refused() -> None:
    """Lossless is no High profile."""
    assert VideoOutput(crf=1).crf == 1
    with pytest.raises(ValidationError, match="crf"):
        VideoOutput(crf=0)
