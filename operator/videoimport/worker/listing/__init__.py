"""The worker of one page of a list: playlists, feeds, buckets and manifests become items.

Decisions about the items are in ``core``.
"""
