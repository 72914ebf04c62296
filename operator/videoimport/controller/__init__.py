"""The controller process: watches the cluster, caches objects, calls ``core`` for decisions, and writes to the cluster.

Only this package uses kopf and the asynchronous Kubernetes client. ``cache.kopf_watch`` and ``cache.relist`` fill the
store. A change in the store puts the key of the affected resource into the queue. ``reconcile`` takes a key, calls a
pure function for the decision, and executes the plan. If one of these tasks ends, the process ends too. So a restart is
the only way to recover, and the tests cover restarts.
"""
