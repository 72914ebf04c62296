"""The worker that delivers one webhook message of a BulkImport.

The content of the message is in ``core.webhook``.
"""
