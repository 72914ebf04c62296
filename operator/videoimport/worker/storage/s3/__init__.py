"""Buckets as destinations, accessed with boto3.

Add code for the responses of S3 servers and for the differences between servers. No module here makes decisions about
an import.
"""
