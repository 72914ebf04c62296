"""How the list of a BulkImport becomes known: pages, and the Jobs that list them.

What follows from the list is in ``core.bulk``.
"""
