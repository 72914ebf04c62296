"""When still pictures are taken."""

from videoimport.media.transcode.stills import moments


def test_still_pictures_are_spread_evenly_and_never_the_first() -> None:
    assert moments(10.0, 1) == (5.0,)
    assert moments(10.0, 4) == (1.25, 3.75, 6.25, 8.75)
