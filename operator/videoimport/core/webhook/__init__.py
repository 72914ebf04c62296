"""The webhook message that a BulkImport has finished: its payload, its Jobs and its retries.

``worker.webhook`` sends the message.
"""
