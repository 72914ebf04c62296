"""Which videos are looked at for fields, and what the counts of frames say."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from support.every_case import every_case
from videoimport.media.source import interlace
from videoimport.media.source.interlace import Counts
from videoimport.media.source.packet_scan import Track
from videoimport.media.source.streams import Video
from videoimport.media.transcode.compliance import is_interlaced
from videoimport.media.transcode.filter_graph import Filter
from videoimport.media.transcode.plan import filters

DV = Video(0, "dvvideo", pixels="yuv420p", width=720, height=576, rate=Fraction(25))


@every_case(
    ("counts", "found"),
    [
        (Counts(0, 80, 2), "bb"),
        (Counts(80, 0, 2), "tt"),
        (Counts(36, 0, 54), "tt"),
        (Counts(0, 0, 90), ""),
        (Counts(3, 4, 20), ""),
        (Counts(10, 2, 78), ""),
        (Counts(12, 9, 20), ""),
        (Counts(2, 5, 7), ""),
        (Counts(1, 9, 3), "bb"),
        (Counts(), ""),
    ],
)
def test_a_few_combed_frames_prove_nothing(counts: Counts, found: str) -> None:
    assert interlace.field_order(counts) == found


@pytest.mark.parametrize(
    ("change", "doubted"),
    [
        ({}, True),
        ({"width": 1920, "height": 1088, "rate": Fraction(30000, 1001)}, True),
        ({"rate": None}, True),
        ({"rate": Fraction(50)}, False),
        ({"height": 360}, False),
        ({"width": 3840, "height": 2160}, False),
        ({"rotation": 90}, False),
        ({"width": 576, "height": 720}, False),
    ],
)
def test_only_what_could_be_interlaced_is_looked_at(change: dict[str, Any], doubted: bool) -> None:
    assert interlace.is_in_doubt(replace(DV, **change)) == doubted


def test_samples_lie_within_the_video() -> None:
    found = interlace.moments(Track(start=10.0, end=50.0))
    assert len(found) == interlace.SAMPLES
    assert 0 < min(found) < max(found) < 40


def test_the_order_of_fields_that_was_found_is_told_to_the_filter() -> None:
    combed = replace(DV, combed="bb")
    assert is_interlaced(combed)
    every = {"mode": "send_frame", "deint": "all"}
    assert Filter("bwdif", every | {"parity": "bff"}) in filters(combed, (768, 576))
    assert Filter("bwdif", every | {"parity": "auto"}) in filters(replace(DV, field_order="tt"), (768, 576))


def test_counts_are_read_from_what_idet_says() -> None:
    told = (
        "[Parsed_idet_0 @ 0x1] Repeated Fields: Neither:    30 Top:     0 Bottom:     0\n"
        "[Parsed_idet_0 @ 0x1] Single frame detection: TFF:     1 BFF:    27 Progressive:     1 Undetermined:     1\n"
        "[Parsed_idet_0 @ 0x1] Multi frame detection: TFF:     0 BFF:    28 Progressive:     2 Undetermined:     0\n"
    )
    assert interlace.counted(told) == Counts(1, 27, 1)
    assert interlace.counted("Invalid data found") == Counts()
