"""Destinations: object keys, uploads, records and the video index, for buckets and volumes.

Code that only buckets need is in ``s3``, and code that only volumes need is in ``volume``. Code for sources in buckets
is in ``worker.fetch``.
"""
