"""The work queue of keys, with client-go's terms.

What a key's reconcile does is in ``controller.reconcile``.
"""
