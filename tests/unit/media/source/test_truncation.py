"""A source that is cut short."""

from videoimport.api.reasons import Reason
from videoimport.media.source.truncation import find_truncation


def test_what_lies_beyond_the_end_is_truncation() -> None:
    tag = b"FLV\x01\x05\x00\x00\x00\x09" + bytes(4) + b"\x09\x00\x01\x00" + bytes(7)
    found = find_truncation(lambda offset, length: tag[offset : offset + length], (), len(tag), "flv")
    assert found is not None
    assert found.reason is Reason.SOURCE_TRUNCATED
    assert "256 bytes" in found.message


def test_a_container_without_lengths_has_no_evidence() -> None:
    assert find_truncation(lambda offset, length: bytes(length), (), 1000, "mp3") is None
