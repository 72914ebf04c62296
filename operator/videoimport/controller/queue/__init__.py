"""The work queue of keys. Its methods have the names that client-go uses for a work queue.

``controller.reconcile`` has the code that reconciles a key.
"""
