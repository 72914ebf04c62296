"""Filter graphs for ffmpeg, built with ffmpeg-python.

ffmpeg-python names the links, numbers the branches and escapes the values.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

_LINK = re.compile(r"\[s(?=\d+\])")
"""Pattern of the beginning of a link name. Brackets in a value are escaped, so values do not match."""
Stream = Any
"""A link of a filter graph in ffmpeg-python, which has no type annotations."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter, and its options by name. Every option has a name, because ffmpeg-python escapes values without a name
    twice."""

    name: str
    options: Mapping[str, str | int] = field(default_factory=dict)


def read_stream(file: int, index: int) -> Stream:
    """Return the link (ffmpeg's term for a stream in a graph) from a stream of an input file."""
    return _library().input(str(file))[str(index)]


def apply(stream: Stream, *filters: Filter) -> Stream:
    """Return the link from the last filter, after a chain of ``filters`` is applied to ``stream``."""
    for each in filters:
        stream = _library().filter(stream, each.name, **each.options)
    return stream


def join(streams: tuple[Stream, ...], filter_: Filter) -> Stream:
    """Return the link from a filter with several inputs."""
    return _library().filter(list(streams), filter_.name, **filter_.options)


def split(stream: Stream) -> tuple[Stream, Stream]:
    """Return two links with the same frames as ``stream``."""
    parts = _library().filter_multi_output(stream, "split")
    return parts[0], parts[1]


def compose(files: int, streams: tuple[Stream, ...], prefix: str) -> tuple[str, tuple[str, ...]]:
    """Return the value of ``-filter_complex``, and the value of ``-map`` for each of ``streams``.

    ffmpeg-python numbers input files in the order of their use. So the function first uses each of the ``files`` once.
    ffmpeg-python names the links of every graph s0, s1 and so on. ``prefix`` makes the names in several graphs
    different.
    """
    inputs = [_library().input(str(number)) for number in range(files)]
    words: list[str] = _library().output(*inputs, *streams, "file").get_args()
    graph = words[words.index("-filter_complex") + 1]
    links = [word for option, word in pairwise(words) if option == "-map"][files:]
    graph, *links = [_LINK.sub(f"[{prefix}", text) for text in (graph, *links)]
    return graph, tuple(links)


def chain(filters: tuple[Filter, ...]) -> str:
    """Return the value of ``-vf`` or ``-af``: a graph without branches, and without link names at its ends."""
    graph, (last,) = compose(1, (apply(_library().input("0"), *filters),), "s")
    return graph.removeprefix("[0]").removesuffix(last)


def _library() -> Any:
    """Return the ffmpeg-python module. It is imported here because most processes of a worker build no graph."""
    import ffmpeg

    return ffmpeg
