"""Times of the frames in an encode. Filters put the frames at regular positions (a grid), the same for every ffmpeg
version.

ffmpeg 7.1 refuses its own limit (``-fpsmax``) together with a variable rate. ``-fps_mode vfr`` drops frames by their
duration. Versions 5.1 and 7.1 take this duration from the rate, but version 9.0 takes it from the frame. So filters
first put the frames on the grid. Then every version keeps the same frames at the same times.
"""

from fractions import Fraction

from videoimport.media.source.streams import Video
from videoimport.media.transcode.encoder_arguments import ceiling
from videoimport.media.transcode.filter_graph import Filter
from videoimport.media.transcode.output_files import Target
from videoimport.media.transcode.plan import frames_a_second

COARSE_SECONDS = 0.2
"""Maximum duration of a frame in seconds for a grid of the source's own rate.

The grid may move each frame by half of this duration, so longer frames need a finer grid.
"""
_LARGEST_DENOMINATOR = 1001
"""Maximum denominator of a rate for the encoder, from NTSC's rates. Average rates have any denominator."""
_ONE_A_MOMENT = Filter("select", {"expr": "isnan(prev_selected_pts)+gt(pts,prev_selected_pts)"})


def fastest(target: Target) -> int:
    """Return the maximum frames per second of a target with video."""
    assert target.size is not None, "only pictures have a rate"  # noqa: S101
    assert target.wish is not None, "only pictures are asked for"  # noqa: S101
    return frames_a_second(target.size, ceiling(target.wish))


def grid(video: Video, most: int) -> Fraction:
    """Return the number of grid positions per second: the source's own rate, or ``most`` if that rate is not usable."""
    own = video.own_rate
    is_coarse = video.frame_seconds > COARSE_SECONDS
    return Fraction(most) if own is None or own > most or is_coarse else own


def filters(video: Video, most: int) -> tuple[Filter, ...]:
    """Return the last filters of an encode.

    If the source may have more frames than the grid has positions, the filters keep one frame per position. Other
    sources have at most one frame per position. If their clock is uneven, ffmpeg moves a frame to the next free
    position.
    """
    rate = grid(video, most)
    on_grid = Filter("settb", {"expr": f"{rate.denominator}/{rate.numerator}"})
    return (on_grid, _ONE_A_MOMENT) if is_thinned(video, most) else (on_grid,)


def is_thinned(video: Video, most: int) -> bool:
    """Return whether the source may have frames that are closer together than the positions of the grid."""
    own = video.own_rate
    return own is None or own > most


def words(video: Video, most: int) -> tuple[str, ...]:
    """Return the output options with which ffmpeg keeps the frames at the positions from ``filters``.

    The options apply only to the video.
    """
    rate = grid(video, most)
    return ("-fps_mode:v", "vfr", "-enc_time_base:v", f"{rate.denominator}:{rate.numerator}")


def promised_rate(video: Video, most: int) -> Fraction | None:
    """Return the frames per second to declare to the encoder. Return None if ffmpeg itself declares the right rate.

    Encoders distribute their bits by this rate, and SVT-AV1 refuses more than 240 frames per second.
    """
    if not is_thinned(video, most):
        return None
    return min(Fraction(most), video.rate or Fraction(most)).limit_denominator(_LARGEST_DENOMINATOR)
