"""The decisions for one BulkImport: its children, its ledger, its status.

Listing is in ``core.discovery``, the webhook in ``core.webhook``.
"""
