"""The worker that reads one page of a list. The worker turns the entries of playlists, feeds, buckets and manifests
into items.

Decisions about the items are in ``core``.
"""
