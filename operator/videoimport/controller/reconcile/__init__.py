"""One key: observe, decide by ``core``, apply.

Decisions are in ``core``.
"""
