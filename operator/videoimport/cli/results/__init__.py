"""The outcome of every item of a BulkImport, as text for users, as data for programs, and as an HTML page."""
