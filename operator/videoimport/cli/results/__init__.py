"""The outcome of every item of a BulkImport, as text, for programs and as a page."""
