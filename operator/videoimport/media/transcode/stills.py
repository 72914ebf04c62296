"""Times of a video's still pictures."""


def moments(seconds: float, count: int) -> tuple[float, ...]:
    """Return ``count`` times in seconds, each in the middle of an equal share of the video.

    The first frame is never included, because it is often black.
    """
    return tuple(seconds * (2 * number + 1) / (2 * count) for number in range(count))
