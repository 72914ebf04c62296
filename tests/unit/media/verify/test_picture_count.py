"""How many pictures a source has, by what ffmpeg writes of each of its parts."""

import pytest

from videoimport.media.source.streams import Video
from videoimport.media.verify.picture_count import Count, count_argvs, count_of


def written(frames: int, size: str = "320x180", more: str = "") -> str:
    """What a version of ffmpeg writes."""
    return (
        f"  Stream #0:1[0x100]: Video: mpeg2video (Main) ([2][0][0][0]), yuv420p(tv), {size} [SAR 1:1], 25 fps\n"
        f"  Input stream #0:1 (video): 67 packets read (3457 bytes); {frames} frames decoded; {more}\n"
        "  Input stream #0:2 (audio): 9 packets read (345 bytes); 9 frames decoded (9216 samples);\n"
    )


def video(codec: str) -> Video:
    return Video(1, codec)


@pytest.mark.parametrize("more", ["", "0 decode errors; "])
def test_the_pictures_of_all_parts_are_counted(more: str) -> None:
    assert count_of([written(50, more=more), written(49, more=more)], video("h264")) == Count(99)


def test_a_part_of_which_nothing_is_told_makes_the_count_unknown() -> None:
    assert count_of([written(50), "no such stream"], video("h264")) is None


@pytest.mark.parametrize(("codec", "dropped"), [("mpeg2video", 1), ("h264", 0)])
def test_only_mpeg_2_may_lack_a_picture_before_a_new_size(codec: str, dropped: int) -> None:
    parts = [written(50), written(50, "180x320"), written(50, "180x320")]
    assert count_of(parts, video(codec)) == Count(150, dropped)


def test_each_part_of_a_joined_file_is_decoded_behind_the_first_tables() -> None:
    inputs = [argv[argv.index("-i") + 1] for argv in count_argvs("/s/in.ts", video("h264"), (564, 0, 9400))]
    assert inputs == [
        "concat:subfile,,start,0,end,564,,:/s/in.ts|subfile,,start,0,end,9400,,:/s/in.ts",
        f"concat:subfile,,start,0,end,564,,:/s/in.ts|subfile,,start,9400,end,{1 << 62},,:/s/in.ts",
    ]


def test_another_file_is_decoded_as_it_is() -> None:
    assert ["file:/s/in.ts" in argv for argv in count_argvs("/s/in.ts", video("h264"))] == [True]
