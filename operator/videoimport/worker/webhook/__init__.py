"""The worker that delivers one message of a BulkImport.

The content of the message is in ``core.webhook``.
"""
