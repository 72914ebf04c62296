"""Where a video comes from."""

from typing import Annotated

from pydantic import Field

from videoimport.api.base import Model

HttpUrl = Annotated[str, Field(pattern=r"^https?://[^\s/]+", min_length=10, max_length=2048)]
"""An http or https URL as written by the user; it is not resolved here."""


class VideoSource(Model):
    """Exactly one kind of source."""

    url: HttpUrl
    """A media file, or any page that yt-dlp understands, by http or https."""
