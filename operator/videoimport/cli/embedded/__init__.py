"""The embedded mode: the controller's reconcilers in this process, objects in memory, and each pod as a local process.

No decision belongs here. ``object_store`` stands for the API server, and ``job_executor`` for the Job controller and
the kubelet.
"""
