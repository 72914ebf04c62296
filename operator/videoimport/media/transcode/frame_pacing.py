"""When the pictures of an encode are shown: a grid that every version of ffmpeg places them on alike.

ffmpeg 7.1 refuses its own cap (``-fpsmax``) beside a variable rate. Its ``-fps_mode vfr`` drops a picture by how long
that lasts, which 5.1 and 7.1 take from the rate and 9.0 from the frame. So filters put the pictures on the grid first:
then every version keeps the same pictures, at the same times.
"""

from fractions import Fraction

from videoimport.media.source.streams import Video
from videoimport.media.transcode.encoder_arguments import ceiling
from videoimport.media.transcode.filter_graph import Filter
from videoimport.media.transcode.output_files import Target
from videoimport.media.transcode.plan import frames_a_second

COARSE_SECONDS = 0.2
"""Frames that last longer are not put onto a grid of their own rate: it may move each by half of this."""
_LARGEST_DENOMINATOR = 1001
"""Of a promised rate: that of NTSC's; averages have any."""
_ONE_A_MOMENT = Filter("select", {"expr": "isnan(prev_selected_pts)+gt(pts,prev_selected_pts)"})


def fastest(target: Target) -> int:
    """Return the most frames a second that a target with a picture may have."""
    assert target.size is not None, "only pictures have a rate"  # noqa: S101
    assert target.wish is not None, "only pictures are asked for"  # noqa: S101
    return frames_a_second(target.size, ceiling(target.wish))


def grid(video: Video, most: int) -> Fraction:
    """Return how many moments for pictures a second has: those of the source, or ``most`` where these do not do."""
    own = video.own_rate
    is_coarse = video.frame_seconds > COARSE_SECONDS
    return Fraction(most) if own is None or own > most or is_coarse else own


def filters(video: Video, most: int) -> tuple[Filter, ...]:
    """Return the last filters of an encode. Of a source with more moments than the grid, each moment has one picture.
    Other sources have one each anyway, and ffmpeg moves those of an unsteady clock to the next free moment."""
    rate = grid(video, most)
    on_grid = Filter("settb", {"expr": f"{rate.denominator}/{rate.numerator}"})
    return (on_grid, _ONE_A_MOMENT) if is_thinned(video, most) else (on_grid,)


def is_thinned(video: Video, most: int) -> bool:
    """Whether the source may have pictures that are nearer to each other than the grid's moments."""
    own = video.own_rate
    return own is None or own > most


def words(video: Video, most: int) -> tuple[str, ...]:
    """Return the output options that keep the pictures where ``filters`` put them. They are the video's alone."""
    rate = grid(video, most)
    return ("-fps_mode:v", "vfr", "-enc_time_base:v", f"{rate.denominator}:{rate.numerator}")


def promised_rate(video: Video, most: int) -> Fraction | None:
    """Return the frames a second to promise the encoder, or None where ffmpeg promises well: the source's own rate.

    Encoders share out their bits by it, and SVT-AV1 refuses more than 240.
    """
    if not is_thinned(video, most):
        return None
    return min(Fraction(most), video.rate or Fraction(most)).limit_denominator(_LARGEST_DENOMINATOR)
