"""Reconciliation of one key: observe objects, let ``core`` decide, and apply the decision.

This package makes no decisions.
"""
