"""The embedded mode: the controller's reconcilers in this process, objects in memory, and each pod as a local process.

This package makes no decisions. ``object_store`` replaces the API server. ``job_executor`` replaces the Job controller
and the kubelet.
"""
