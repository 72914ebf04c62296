"""The decisions for one VideoImport, a case a module.

Nothing here knows of BulkImports; a limit or a breaker that both share is in ``core``.
"""
