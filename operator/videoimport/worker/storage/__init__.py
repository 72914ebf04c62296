"""Destinations: keys, uploads, records and the index, for buckets and volumes alike.

What only one of them needs is in ``s3`` or ``volume``. Sources in buckets are in ``worker.fetch``.
"""
