"""A page in a log: whole or not at all, and not to be read by a search."""

import base64
import gzip
import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoimport.api.tasks.listing_log import PREFIX, packed, unpacked
from videoimport.api.tasks.listing_task import MAX_PAGE_BYTES

SIGNED = "https://videos.example.com/talk.mp4?X-Amz-Signature=0a1b2c3d4e5f"


@given(st.text().filter(bool))
def test_what_was_packed_comes_back(text: str) -> None:
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        return
    assert unpacked(f'{{"event":"begins"}}\n{packed(text)}{{"event":"ends"}}\n') == text


def test_no_part_of_an_address_stands_in_the_log() -> None:
    log = packed(f'{{"page":1,"found":{{"url":"{SIGNED}"}}}}\n')
    assert "videos.example.com" in unpacked(log)
    assert not any(word in log for word in ("http", "example", "talk", "Signature", "0a1b2c3d"))


def test_the_longest_page_has_lines_that_a_runtime_keeps_whole() -> None:
    dice = random.Random(1)
    text = "".join(dice.choices(string.printable, k=MAX_PAGE_BYTES))
    log = packed(text)
    assert max(map(len, log.split("\n"))) < 16 * 1024
    assert all(line.startswith(PREFIX) for line in log.split("\n")[:-1])
    assert len(log) < 800 * 1024
    assert unpacked(log) == text


def test_a_log_without_a_page_has_no_text() -> None:
    assert unpacked('{"event":"listed"}\n') == ""


@pytest.mark.parametrize(
    "log",
    [
        f"{PREFIX}nonsense!\n",
        f"{PREFIX}{base64.b64encode(b'no gzip').decode()}\n",
        f"{PREFIX}{base64.b64encode(gzip.compress(b'x' * 9000)[:-9]).decode()}\n",
        f"{PREFIX}{base64.b64encode(gzip.compress(bytes(100 * 2**20), 1)).decode()}\n",
        f"{PREFIX}{base64.b64encode(gzip.compress(b'one') + b'more').decode()}\n",
        f"{PREFIX}{base64.b64encode(gzip.compress(bytes([0xFF, 0xFE]))).decode()}\n",
        packed("one") + packed("two"),
    ],
    ids=["letters", "bytes", "cut", "bomb", "more", "no-text", "twice"],
)
def test_what_is_no_page_is_an_error(log: str) -> None:
    with pytest.raises(ValueError, match=r"page|decode"):
        unpacked(log)
