"""The worker that delivers one message of a BulkImport.

What the message says is in ``core.webhook``.
"""
