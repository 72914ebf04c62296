"""The work queue of keys, with the terms of client-go.

``controller.reconcile`` has the code that reconciles a key.
"""
