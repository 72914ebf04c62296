"""The releases of ffmpeg that the argument lists and parsers are known to support, and the warning for another one."""

import re

PROGRAMS = ("ffmpeg", "ffprobe")
OLDEST = (5, 1)
NEWEST = (9, 0)
"""Major and minor number. The tests run the oldest, the newest and one between; see docs/operations.md."""
_LONGEST = 64
"""Characters of a version that go into a sentence; builders write what they like."""
_RELEASE = re.compile(r"[nv]?(\d{1,2})(?:\.(\d{1,3}))?(?=[^\d.]|\.\d|$)")
"""Such as ``n7.1``, ``7.1.5-0+deb13u1`` and ``9.0.2-static``; not ``N-12345-gabcdef`` or ``2026-01-02-git-abcdef``."""


def version_argv(program: str) -> list[str]:
    """Return the command whose first line has the program's version."""
    return [program, "-version"]


def named_version(text: str) -> str:
    """Return the version in the answer to ``version_argv`` as its builder wrote it; empty where there is none."""
    found = re.match(r"\S+ version (\S+)", text)
    return "".join(letter for letter in found[1] if letter.isprintable())[:_LONGEST] if found else ""


def release_of(version: str) -> tuple[int, int] | None:
    """Return the release's major and minor number, or None for builds between releases, which have none."""
    found = _RELEASE.match(version)
    return (int(found[1]), int(found[2] or 0)) if found else None


def doubt(program: str, version: str) -> str | None:
    """Return a sentence on a version that is not known, or None. The worker uses such a program anyway."""
    release = release_of(version)
    if release is not None and OLDEST <= release <= NEWEST:
        return None
    what = f"{program} has the version {version}" if version else f"{program} names no version"
    oldest, newest = (".".join(map(str, bound)) for bound in (OLDEST, NEWEST))
    return f"{what}; known are {oldest} to {newest}. It is used anyway; use a known version if a result is wrong."
