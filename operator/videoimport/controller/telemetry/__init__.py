"""Logs, health checks and metrics for operators.

No code here changes what the controller does.
"""
