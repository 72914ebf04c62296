"""Filter graphs of ffmpeg, composed with ffmpeg-python: it names the links, counts the branches and escapes values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

_LINK = re.compile(r"\[s(?=\d+\])")
"""The beginning of a link's name; in a value, brackets are escaped."""
Stream = Any
"""ffmpeg-python's, which has no types: one link of a graph."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter and its options by name. ffmpeg-python escapes values without a name twice, so each has its name."""

    name: str
    options: Mapping[str, str | int] = field(default_factory=dict)


def read_stream(file: int, index: int) -> Stream:
    """Return the link from a stream of an input file."""
    return _library().input(str(file))[str(index)]


def apply(stream: Stream, *filters: Filter) -> Stream:
    """Return the link from the last of ``filters``, which follow each other."""
    for each in filters:
        stream = _library().filter(stream, each.name, **each.options)
    return stream


def join(streams: tuple[Stream, ...], filter_: Filter) -> Stream:
    """Return the link from a filter of several streams."""
    return _library().filter(list(streams), filter_.name, **filter_.options)


def split(stream: Stream) -> tuple[Stream, Stream]:
    """Return two links with the pictures of one."""
    parts = _library().filter_multi_output(stream, "split")
    return parts[0], parts[1]


def compose(files: int, streams: tuple[Stream, ...], prefix: str) -> tuple[str, tuple[str, ...]]:
    """Return the value of ``-filter_complex``, and that of ``-map`` for each of ``streams``.

    ffmpeg-python numbers input files in the order of their use, so each of the ``files`` is used once before. It calls
    the links of every graph s0, s1 and so on; ``prefix`` keeps those of several graphs apart.
    """
    inputs = [_library().input(str(number)) for number in range(files)]
    words: list[str] = _library().output(*inputs, *streams, "file").get_args()
    graph = words[words.index("-filter_complex") + 1]
    links = [word for option, word in pairwise(words) if option == "-map"][files:]
    graph, *links = [_LINK.sub(f"[{prefix}", text) for text in (graph, *links)]
    return graph, tuple(links)


def chain(filters: tuple[Filter, ...]) -> str:
    """Return the value of ``-vf`` or ``-af``: a graph without branches, whose ends have no name."""
    graph, (last,) = compose(1, (apply(_library().input("0"), *filters),), "s")
    return graph.removeprefix("[0]").removesuffix(last)


def _library() -> Any:
    """Return ffmpeg-python. Most processes of a worker make no graph, so it is imported where one is made."""
    import ffmpeg

    return ffmpeg
