"""Discovery of the list of a BulkImport: the pages, and the Jobs that list the pages.

``core.bulk`` has the decisions that follow from the list.
"""
