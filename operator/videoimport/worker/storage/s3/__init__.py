"""Buckets as destinations, over boto3.

Add what S3 servers answer and how they differ. No module here decides about an import.
"""
