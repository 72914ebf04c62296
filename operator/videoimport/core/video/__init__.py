"""The decisions for one VideoImport, with one case in each module.

The modules do not depend on BulkImports. Limits and breakers that both kinds share are in ``core``.
"""
