"""The ffmpeg releases that the commands and parsers support, and the warning for any other version."""

import re

PROGRAMS = ("ffmpeg", "ffprobe")
OLDEST = (5, 1)
NEWEST = (9, 0)
"""Newest known release: major and minor number.

The tests run the oldest release, the newest release and one release between them. See docs/operations.md.
"""
_LONGEST = 64
"""Maximum number of characters of a version in a sentence. The builders of ffmpeg choose the text of the version."""
_RELEASE = re.compile(r"[nv]?(\d{1,2})(?:\.(\d{1,3}))?(?=[^\d.]|\.\d|$)")
"""Pattern of a release, such as ``n7.1``, ``7.1.5-0+deb13u1`` and ``9.0.2-static``.

The pattern does not match builds between releases, such as ``N-12345-gabcdef`` or ``2026-01-02-git-abcdef``.
"""


def version_argv(program: str) -> list[str]:
    """Return the command that prints the version of the program in the first line."""
    return [program, "-version"]


def named_version(text: str) -> str:
    """Return the version from the output of ``version_argv``, in the form that the program prints.

    The result is empty if there is no version.
    """
    found = re.match(r"\S+ version (\S+)", text)
    return "".join(letter for letter in found[1] if letter.isprintable())[:_LONGEST] if found else ""


def release_of(version: str) -> tuple[int, int] | None:
    """Return the major and minor number of a release.

    Return None for a build between releases, which has no such numbers.
    """
    found = _RELEASE.match(version)
    return (int(found[1]), int(found[2] or 0)) if found else None


def doubt(program: str, version: str) -> str | None:
    """Return a warning sentence if this version of the program is not tested. Return None otherwise. The worker also
    uses a program with a warning."""
    release = release_of(version)
    if release is not None and OLDEST <= release <= NEWEST:
        return None
    what = f"{program} has the version {version}" if version else f"{program} does not report its version"
    oldest, newest = (".".join(map(str, bound)) for bound in (OLDEST, NEWEST))
    return (
        f"{what}; the tested versions are {oldest} to {newest}. The program is used anyway; "
        "use a tested version if a result is wrong."
    )
