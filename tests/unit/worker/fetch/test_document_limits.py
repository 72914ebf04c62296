"""Limits of what is parsed hold wherever a document begins and however it names its parts."""

import pytest

from support.every_case import every_case
from videoimport.worker.fetch import document_limits as pages

MPD = b'<%sMPD xmlns%s="urn:mpeg:dash:schema:mpd:2011"><S t="0" d="1" r="%s"/></%sMPD>'
BLANK = b" \t\r\n" * 1_000


def _mpd(prefix: bytes = b"", repeats: bytes = b"1000000000") -> bytes:
    colon = prefix + b":" if prefix else b""
    return MPD % (colon, b":" + prefix if prefix else b"", repeats, colon)


@every_case(
    "content",
    [
        _mpd(), b"<!--" + b"x" * 9_000 + b"-->" + _mpd(), BLANK + _mpd(), _mpd(b"x"), _mpd(repeats=b"+1000000000"),
        _mpd(repeats=b" 1000000000"), _mpd(repeats=b"1_000_000_000"), _mpd().replace(b"MPD", b"mpd"),
        BLANK + b"[" + b"0," * pages.MOST_VALUES + b"0]",
        BLANK + b"#EXTM3U\n" + b"a.ts\n" * (pages.MOST_SEGMENTS + 1),
        BLANK + b'<!DOCTYPE x [<!ENTITY a "' + b"w" * 99 + b'">]><x>&a;</x>',
    ],
)  # fmt: skip
def test_no_blank_prefix_or_sign_hides_what_is_too_much(content: bytes) -> None:
    assert pages.excess(content) is not None


@pytest.mark.parametrize(
    "content", [b"", b" ", BLANK, _mpd(repeats=b"9"), _mpd(repeats=b"-1"), b"[1]", b"#EXTM3U\na.ts\n"]
)
def test_small_documents_are_fine(content: bytes) -> None:
    assert pages.excess(content) is None
