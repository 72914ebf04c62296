"""Destinations: object keys, uploads, records and the video index, for buckets and volumes alike.

Code that only buckets need is in ``s3``, code that only volumes need is in ``volume``. Code for sources in buckets is
in ``worker.fetch``.
"""
