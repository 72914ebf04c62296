"""Which moments of a video its still pictures show."""


def moments(seconds: float, count: int) -> tuple[float, ...]:
    """``count`` moments, each in the middle of its share: never the first picture, which is often black."""
    return tuple(seconds * (2 * number + 1) / (2 * count) for number in range(count))
