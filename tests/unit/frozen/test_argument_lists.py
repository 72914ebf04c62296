"""What ffmpeg is told to make, for each kind of source, sound and output."""

import subprocess

import pytest

from support.golden_files import check
from support.media.argument_lists import lists
from support.media.filter_meaning import meaning
from videoimport.media.transcode.filter_graph import Filter, apply, chain, compose, read_stream


def test_the_argument_lists_mean_what_they_meant() -> None:
    check("ffmpeg-arguments", {name: meaning(argv) for name, argv in lists().items()})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("scale=2:4:flags=bicubic", "scale=flags=bicubic:h=4:w=2"),
        ("setsar=1,settb=1/25", "setsar=sar=1[a];[a]settb=expr=1/25"),
        ("scale=w='if(a,b)':h=2", r"scale=h=2:w=if(a\,b)"),
        ("pan=stereo|c0=0.5*c0|c1=c1", r"pan=args=stereo|c0\\=0.5*c0|c1\\=c1"),
    ],
)
def test_one_meaning_has_several_forms(one: str, other: str) -> None:
    assert meaning(["-vf", one]) == meaning(["-vf", other])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("setsar=1,settb=1/25", "settb=1/25,setsar=1"),
        ("scale=2:4", "scale=4:2"),
        ("scale=w='if(a,b)':h=2", "scale=w='if(b,a)':h=2"),
    ],
)
def test_different_meanings_differ(one: str, other: str) -> None:
    assert meaning(["-vf", one]) != meaning(["-vf", other])


VALUES = ("a:b", "a=b", "it's", "a,b;c", "[s1]", "\\", "'", "a\\:b", "if(lt(a,b),'x:y',[s0])")


def test_ffmpeg_reads_every_value_as_it_was_given() -> None:
    written = [Filter("metadata", {"mode": "add", "key": f"k{at}", "value": text}) for at, text in enumerate(VALUES)]
    filters = (*written, Filter("metadata", {"mode": "print", "file": "-"}))
    graph, (link,) = compose(1, (apply(read_stream(0, 0), *filters),), "v")
    for words in (("-vf", chain(filters)), ("-filter_complex", graph, "-map", link)):
        run = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color", "-frames:v", "1", *words, "-f", "null", "-"]
        printed = subprocess.run(run, capture_output=True, text=True, check=True).stdout.splitlines()
        assert printed[1:] == [f"k{at}={text}" for at, text in enumerate(VALUES)]


def test_links_of_files_have_the_files_own_numbers_whatever_is_used() -> None:
    for file in range(3):
        assert compose(3, (apply(read_stream(file, 0), Filter("null")),), "v")[0] == f"[{file}:0]null[v0]"
