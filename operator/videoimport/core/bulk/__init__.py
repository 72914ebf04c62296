"""The decisions for one BulkImport: its children, its ledger and its status.

``core.discovery`` has the listing, and ``core.webhook`` has the webhook.
"""
