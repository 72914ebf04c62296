"""The message that a BulkImport has finished: its payload, its Jobs, its retries.

Sending it is the worker's, in ``worker.webhook``.
"""
