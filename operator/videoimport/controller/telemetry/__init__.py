"""Logs, health checks and metrics for operators.

This code changes no decision and no object.
"""
