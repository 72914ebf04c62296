"""What an argument list for ffmpeg means, however its filter graphs are written: with options by place or by name, with
links of any name, quoted or escaped. The rules are those of "Notes on filtergraph escaping" in ffmpeg's manual.
"""

import re
from collections.abc import Iterator

PLACES = {
    "scale": ("w", "h"), "pad": ("w", "h", "x", "y"), "format": ("pix_fmts",), "setsar": ("sar",),
    "split": ("outputs",), "settb": ("expr",), "select": ("expr",), "pan": ("args",),
}  # fmt: skip
"""The names of options that may be given by their place."""


def meaning(argv: list[str]) -> str:
    """Return an argument list, with each graph shown where its picture or sound is taken from."""
    links: dict[str, str] = {}
    words: list[str] = []
    for option, word in zip(["", *argv], argv, strict=False):
        if option == "-filter_complex":
            links |= _walk(word)
            word = "…"
        elif option in ("-vf", "-af"):
            word = f"<{_walk(word)['']}>"
        elif option == "-map":
            word = f"<{links[word[1:-1]]}>" if word.startswith("[") else word
        words.append(word)
    return " ".join(words)


def _walk(graph: str) -> dict[str, str]:
    """Return the way to each link of a graph, filter by filter; the link at its end has no name where it is ``-vf``."""
    ways: dict[str, str] = {}
    for parts in _chains(graph):
        before: str | None = None
        for inputs, text, outputs in parts:
            came = [ways.get(name, name) for name in inputs] or ([before] if before else [])
            before = f"{' + '.join(came)} | {_filter(text)}".removeprefix(" | ")
            ways |= dict.fromkeys(outputs or [""], before)
    return ways


def _chains(graph: str) -> Iterator[list[tuple[list[str], str, list[str]]]]:
    """Yield each chain as filters with the names of their inputs and outputs."""
    for chain in _split(graph, ";"):
        found = [re.fullmatch(r"((?:\[[^]]*\])*)(.*?)((?:\[[^]]*\])*)", each, re.DOTALL) for each in _split(chain, ",")]
        yield [(re.findall(r"\[(.*?)\]", one[1]), one[2], re.findall(r"\[(.*?)\]", one[3])) for one in found if one]


def _filter(text: str) -> str:
    name, _, options = _plain(text).partition("=")
    places = iter(PLACES.get(name, ()))
    found = {}
    for option in _split(options, ":") if options else ():
        named = re.fullmatch(r"([A-Za-z0-9_]+)=(.*)", option)
        key, value = named.groups() if named else (next(places), option)
        found[key] = _plain(value)
    return " ".join([name, *(f"{key}={found[key]}" for key in sorted(found))])


def _split(text: str, at: str) -> list[str]:
    """Split at a character that is neither quoted nor escaped."""
    parts = re.findall(r"'[^']*'|\\.|.", text, re.DOTALL)
    found = [""]
    for part in parts:
        found = [*found, ""] if part == at else [*found[:-1], found[-1] + part]
    return found


def _plain(text: str) -> str:
    """Take one level of quotes and escapes away."""
    return re.sub(r"'([^']*)'|\\(.)", lambda match: match[1] or match[2] or "", text, flags=re.DOTALL)
