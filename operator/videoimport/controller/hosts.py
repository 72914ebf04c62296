"""Which imports were told by their host to come back later: an index over the store, as new as that is."""

from datetime import datetime

from videoimport.api.videoimport import VideoImport
from videoimport.core.hosts import host_of, told_to_rest

Place = tuple[str, str]
"""Namespace and name."""


class HostRests:
    """By host; nearly always empty."""

    def __init__(self) -> None:
        self._told: dict[str, dict[Place, datetime]] = {}

    def put(self, place: Place, video: object) -> None:
        """What is known of this import now."""
        if not isinstance(video, VideoImport):
            return
        until, host = told_to_rest(video), host_of(video)
        if until is not None and host is not None:
            self._told.setdefault(host, {})[place] = until

    def forget(self, place: Place, video: object) -> None:
        """What was known of it."""
        if not self._told or not isinstance(video, VideoImport) or not (host := host_of(video)):
            return
        told = self._told.get(host, {})
        told.pop(place, None)
        if not told:
            self._told.pop(host, None)

    def until(self, video: VideoImport) -> datetime | None:
        """Until when its host told other imports to leave it alone."""
        if not self._told or not (host := host_of(video)):
            return None
        own = (video.metadata.namespace, video.metadata.name)
        return max((at for place, at in self._told.get(host, {}).items() if place != own), default=None)
